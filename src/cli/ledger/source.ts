import { SignalboxError } from '../../domain/errors.ts';
import type { Seal } from '../../domain/store.ts';
import { type ConsistencyProof, readProof } from '../../ledger/proof.ts';
import { proveConsistency } from '../../ledger/prove.ts';
import type { Call, Command } from '../command.ts';
import { storeAt } from '../store/at.ts';
import { STORE_OPTIONS } from '../store-at.ts';

/** Where a store is that is read on this machine, whether Signalbox runs or not. */
export const STORE_AT: Command['options'] = {
  'data-dir': {
    type: 'string',
    value: 'DIR',
    summary: 'read a data directory on this machine, whether Signalbox runs or not',
  },
  ...STORE_OPTIONS,
};

/** Whether the options name a store; else the running Signalbox is asked. */
export function isLocal({ options }: Pick<Call, 'options'>): boolean {
  return typeof options['data-dir'] === 'string' || typeof options.store === 'string';
}

/** What is known of a ledger's tree: by the running Signalbox, or from a data directory. */
export interface Source {
  newest(): Promise<Newest>;
  consistency(first: number): Promise<ConsistencyProof>;
}

export interface Newest {
  /** Null before anything was sealed. */
  readonly key: string | null;
  readonly size: number;
  readonly unsealed: number;
  readonly checkpoint: Seal['checkpoint'];
}

/** Runs `use` on the ledger that the options name. */
export async function withSource<T>(call: Call, use: (source: Source) => Promise<T>): Promise<T> {
  const { api, parts } = call;
  if (!isLocal(call))
    return use({
      newest: async () => (await api.get('/api/ledger/checkpoint')) as unknown as Newest,
      consistency: async (first) => {
        const proof = readProof(
          JSON.stringify(await api.get(`/api/ledger/consistency?first=${first}`)),
        );
        if (proof.kind === 'consistency') return proof;
        throw new SignalboxError('NOTE_MALFORMED', 'expected a proof of consistency');
      },
    });
  const ledger = await parts.treeOf(await storeAt(call));
  try {
    return await use({
      newest: async () => {
        const seal = await ledger.seal();
        if (seal === null) return { key: null, size: 0, unsealed: 0, checkpoint: null };
        const { verifier: key, size, unsealed, checkpoint } = seal;
        return { key, size, unsealed, checkpoint };
      },
      consistency: (first) => proveConsistency(ledger, first),
    });
  } finally {
    await ledger.close();
  }
}
