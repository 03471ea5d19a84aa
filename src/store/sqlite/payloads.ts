import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '../../domain/json.ts';
import { type ChainKey, unwrapChainKey } from '../../ledger/seal.ts';
import { ERASED } from '../erased.ts';
import { broken, opened, type PayloadRow } from '../payload-text.ts';
import type { Database } from './database.ts';

/** Runs whose intent is kept in memory: it is part of every decision and never changes. */
const KEPT = 4_096;

/** Decrypts payloads for readers. Throws SignalboxError `LEDGER_BROKEN` for one that was changed. */
export class Payloads {
  readonly #database: Database;
  readonly #wrapping: KeyObject;
  readonly #intents = new Map<string, string>();

  constructor(database: Database, wrapping: KeyObject) {
    this.#database = database;
    this.#wrapping = wrapping;
  }

  /** Null once the chain is erased. */
  key(chain: string): ChainKey | null {
    const row = this.#database.one<{ wrapped: Uint8Array }>(
      'SELECT wrapped FROM chain_keys WHERE chain = ?',
      chain,
    );
    if (row === undefined) return null;
    try {
      return unwrapChainKey(this.#wrapping, chain, row.wrapped);
    } catch (error) {
      throw broken(`the key of \`${chain}\` cannot be unwrapped`, error);
    }
  }

  /** Null once erased, undefined where the record never had one. */
  open(chain: string, key: ChainKey | null, row: PayloadRow): JsonObject | null | undefined {
    return opened(chain, key, row);
  }

  /** One record's payload. */
  at(chain: string, seq: number): JsonObject | null {
    const row = this.#database.one<PayloadRow>(
      `SELECT seq, body, sealed FROM events LEFT JOIN payloads USING (id)
       WHERE chain = ? AND seq = ?`,
      chain,
      seq,
    );
    return row === undefined ? null : (this.open(chain, this.key(chain), row) ?? null);
  }

  intent(runId: string, erased: boolean): string {
    if (erased) {
      this.#intents.delete(runId);
      return ERASED;
    }
    const known = this.#intents.get(runId);
    if (known !== undefined) return known;
    const intent = String(this.at(runId, 1)?.intent ?? ERASED);
    if (this.#intents.size >= KEPT) this.#intents.clear();
    this.#intents.set(runId, intent);
    return intent;
  }
}
