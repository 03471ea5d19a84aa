import { SignalboxError } from '../../domain/errors.ts';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Head } from '../../ledger/chain.ts';
import { emptyProjection, fold } from '../../ledger/projections.ts';
import { type ChainKey, keyCheck, unwrapChainKey, wrappingKey } from '../../ledger/seal.ts';
import { type KeyOf, type StoredRecord, Verification } from '../../ledger/verify.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { requireKnown } from '../schema.ts';
import { TableComparison } from '../tables.ts';
import type { PostgresAddress } from './address.ts';
import { takenSteps } from './migrate.ts';
import { downBecause, Session, UNHURRIED } from './session.ts';
import { TableRows } from './table-rows.ts';
import { verifyTree } from './tree-evidence.ts';

export interface VerifyOptions {
  /** Signalbox may be running on it. */
  readonly address: PostgresAddress;
  /** Without it the chains are checked and the payloads are not. */
  readonly masterKey: Uint8Array | null;
  /** Lets others have the thread; called for every page. */
  readonly pause?: () => Promise<void>;
}

/** Records read at once. */
const PAGE = 1_000;
const PATIENCE = { ...UNHURRIED, queryMs: 5 * 60_000, lockMs: 5_000 };

const COLUMNS = 'id, chain, seq, at, type, body, previous, hash, sealed';
const SYSTEM = {
  name: 'system-records',
  text: `SELECT ${COLUMNS} FROM events LEFT JOIN payloads USING (chain, seq)
    WHERE chain = '${SYSTEM_CHAIN}' AND seq > $2 AND $1 = '' ORDER BY seq LIMIT ${PAGE}`,
};
const RUNS = {
  name: 'run-records',
  text: `SELECT ${COLUMNS} FROM events LEFT JOIN payloads USING (chain, seq)
    WHERE (chain, seq) > ($1, $2) AND chain <> '${SYSTEM_CHAIN}' ORDER BY chain, seq LIMIT ${PAGE}`,
};
const KEYS = {
  name: 'wrapped-keys',
  text: 'SELECT chain, wrapped FROM chain_keys WHERE chain = ANY ($1)',
};
const HEADS = {
  name: 'stored-heads',
  text: 'SELECT chain, seq, hash FROM chain_heads WHERE chain = ANY ($1)',
};
const HEAD_COUNT = { name: 'head-count', text: 'SELECT count(*) AS n FROM chain_heads' };
const CONTROL = { name: 'key-check', text: 'SELECT key_check FROM control' };

/** Throws SignalboxError `STORE_DOWN`, `STORE_NEWER`, or `MASTER_KEY` when the key is another store's. */
export async function verifyPostgres(options: VerifyOptions): Promise<Evidence> {
  const session = await Session.open(options.address, { use: 'verify', patience: PATIENCE });
  try {
    requireKnown(await takenSteps(session), 'postgres');
    await session.say('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await new Reading(session, options).verify();
  } catch (error) {
    throw downBecause(error);
  } finally {
    await session.end();
  }
}

/** Everything there is, in pages, all of one moment. */
class Reading {
  readonly #session: Session;
  readonly #options: VerifyOptions;
  readonly #keys = new Map<string, ChainKey | null>();
  readonly #ends = new Map<string, Head>();
  readonly #differences: string[] = [];
  #chains = 0;

  constructor(session: Session, options: VerifyOptions) {
    this.#session = session;
    this.#options = options;
  }

  async verify(): Promise<Evidence> {
    const verification = new Verification(await this.#keyOf(), 'rising');
    const tables = new TableComparison(new TableRows(this.#session), emptyProjection(), fold);
    for await (const page of this.#pages())
      for (const record of page) {
        const event = verification.add(record);
        const { seq, hash } = record;
        this.#ends.set(record.chain, { seq, hash });
        const compared = tables.add(record.chain, event);
        if (compared !== undefined) await compared;
      }
    const report = verification.finish();
    const { compared, differences } = await tables.finish();
    await this.#compareHeads(null);
    const [row] = await this.#session.rows<{ n: number }>(HEAD_COUNT, []);
    if (row?.n !== this.#chains)
      this.#differences.push(
        `table \`chain_heads\` has ${row?.n} rows, the records ${this.#chains}`,
      );
    const tree = await verifyTree(this.#session, this.#options.pause);
    return evidenceOf(report, tree, compared, [...differences, ...this.#differences]);
  }

  async *#pages(): AsyncGenerator<readonly StoredRecord[]> {
    for (const statement of [SYSTEM, RUNS]) {
      let last: StoredRecord | undefined;
      for (;;) {
        const page = await this.#session.rows<LedgerEvent & StoredRecord>(statement, [
          statement === SYSTEM ? '' : (last?.chain ?? ''),
          last?.seq ?? 0,
        ]);
        await this.#readKeys([...new Set(page.map(({ chain }) => chain))]);
        yield page;
        last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        await this.#compareHeads(last.chain);
        await this.#options.pause?.();
      }
    }
  }

  async #keyOf(): Promise<KeyOf> {
    const { masterKey } = this.#options;
    if (masterKey === null) return () => undefined;
    const [control] = await this.#session.rows<{ key_check: string }>(CONTROL, []);
    if (control !== undefined && control.key_check !== keyCheck(masterKey))
      throw new SignalboxError('MASTER_KEY', 'this master key is not the one of this store');
    return (chain) => this.#keys.get(chain) ?? null;
  }

  async #readKeys(chains: readonly string[]): Promise<void> {
    const { masterKey } = this.#options;
    if (masterKey === null) return;
    const wrapping = wrappingKey(masterKey);
    this.#keys.clear();
    const rows = await this.#session.rows<{ chain: string; wrapped: Uint8Array }>(KEYS, [chains]);
    for (const { chain, wrapped } of rows) {
      try {
        this.#keys.set(chain, unwrapChainKey(wrapping, chain, wrapped));
      } catch {
        this.#keys.set(chain, null);
      }
    }
  }

  /** The heads that are stored beside the records, for every chain that has ended; `going` goes on. */
  async #compareHeads(going: string | null): Promise<void> {
    const ended = [...this.#ends].filter(([chain]) => chain !== going);
    const rows = await this.#session.rows<Head & { chain: string }>(HEADS, [
      ended.map(([chain]) => chain),
    ]);
    const stored = new Map(rows.map((row) => [row.chain, row]));
    for (const [chain, { seq, hash }] of ended) {
      const head = stored.get(chain);
      if (head?.seq !== seq || head.hash !== hash)
        this.#differences.push(`the head of \`${chain}\` is not its last record`);
      this.#ends.delete(chain);
      this.#chains++;
    }
  }
}
