import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { type ChainKey, openPayload } from '../ledger/seal.ts';

export interface PayloadRow {
  readonly seq: number;
  readonly body: string;
  readonly sealed: Uint8Array | null;
}

/**
 * Null once erased, undefined where the record never had one. Throws SignalboxError `LEDGER_BROKEN` for a payload that
 * was changed.
 */
export function opened(
  chain: string,
  key: ChainKey | null,
  row: PayloadRow,
): JsonObject | null | undefined {
  const body = JSON.parse(row.body) as { sealed?: string; withheld?: boolean };
  if (body.sealed === undefined) return body.withheld === true ? null : undefined;
  if (key === null) return null;
  if (row.sealed === null) throw broken(`the payload of \`${chain}\` ${row.seq} is missing`);
  try {
    return openPayload(key, { chain, seq: row.seq }, row.sealed, body.sealed);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'an unknown fault';
    throw broken(`the payload of \`${chain}\` ${row.seq} was changed: ${why}`, error);
  }
}

export function broken(message: string, cause?: unknown): SignalboxError {
  return new SignalboxError('LEDGER_BROKEN', message, { cause });
}
