import type { KeyObject } from 'node:crypto';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type ChainKey, openPayload, unwrapChainKey } from '../../ledger/seal.ts';
import type { Database } from './database.ts';
import { said } from './database.ts';

/** What stands for the intent of a run whose payloads were erased. */
export const ERASED = '[erased]';

/** Runs whose intent is kept in memory: it is part of every decision and never changes. */
const KEPT = 4_096;

export interface PayloadRow {
  readonly seq: number;
  readonly body: string;
  readonly sealed: Uint8Array | null;
}

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
    const body = JSON.parse(row.body) as { sealed?: string; withheld?: boolean };
    if (body.sealed === undefined) return body.withheld === true ? null : undefined;
    if (key === null) return null;
    if (row.sealed === null) throw broken(`the payload of \`${chain}\` ${row.seq} is missing`);
    try {
      return openPayload(key, { chain, seq: row.seq }, row.sealed, body.sealed);
    } catch (error) {
      throw broken(`the payload of \`${chain}\` ${row.seq} was changed: ${said(error)}`, error);
    }
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

function broken(message: string, cause?: unknown): SignalboxError {
  return new SignalboxError('LEDGER_BROKEN', message, { cause });
}
