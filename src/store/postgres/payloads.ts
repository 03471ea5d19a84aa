import type { KeyObject } from 'node:crypto';
import { type ChainKey, unwrapChainKey } from '../../ledger/seal.ts';
import { ERASED } from '../erased.ts';
import { broken, opened } from '../payload-text.ts';
import type { Session } from './session.ts';

/** Runs whose intent is kept in memory: it is part of every decision and never changes. */
const KEPT = 4_096;

const FIRST = {
  name: 'first-payloads',
  text: `SELECT chain, seq, body, sealed, wrapped FROM events
    LEFT JOIN payloads USING (chain, seq) LEFT JOIN chain_keys USING (chain)
    WHERE chain = ANY ($1) AND seq = 1`,
};
const KEY = { name: 'key', text: 'SELECT wrapped FROM chain_keys WHERE chain = $1' };

interface FirstRow {
  readonly chain: string;
  readonly seq: number;
  readonly body: string;
  readonly sealed: Uint8Array | null;
  readonly wrapped: Uint8Array | null;
}

/** Decrypts payloads for readers. Throws SignalboxError `LEDGER_BROKEN` for one that was changed. */
export class Payloads {
  readonly #wrapping: KeyObject;
  readonly #intents = new Map<string, string>();

  constructor(wrapping: KeyObject) {
    this.#wrapping = wrapping;
  }

  /** The declared intents of these runs, whose rows were read already. */
  async intents(
    session: Session,
    runs: readonly { readonly id: string; readonly erased: number }[],
  ): Promise<(runId: string) => string> {
    const erased = new Set(runs.filter((run) => run.erased === 1).map(({ id }) => id));
    for (const id of erased) this.#intents.delete(id);
    const unknown = runs.filter(({ id }) => !erased.has(id) && !this.#intents.has(id));
    const found = new Map<string, string>();
    if (unknown.length > 0) {
      const ids = [...new Set(unknown.map(({ id }) => id))];
      for (const row of await session.rows<FirstRow>(FIRST, [ids])) {
        const payload = opened(row.chain, this.unwrap(row.chain, row.wrapped), row);
        const intent = String(payload?.intent ?? ERASED);
        found.set(row.chain, intent);
        if (payload === null) continue;
        if (this.#intents.size >= KEPT) this.#intents.clear();
        this.#intents.set(row.chain, intent);
      }
    }
    return (id) => (erased.has(id) ? ERASED : (found.get(id) ?? this.#intents.get(id) ?? ERASED));
  }

  /** Null once the chain is erased. */
  async key(session: Session, chain: string): Promise<ChainKey | null> {
    const [row] = await session.rows<{ wrapped: Uint8Array }>(KEY, [chain]);
    return this.unwrap(chain, row?.wrapped ?? null);
  }

  unwrap(chain: string, wrapped: Uint8Array | null): ChainKey | null {
    if (wrapped === null) return null;
    try {
      return unwrapChainKey(this.#wrapping, chain, wrapped);
    } catch (error) {
      throw broken(`the key of \`${chain}\` cannot be unwrapped`, error);
    }
  }
}
