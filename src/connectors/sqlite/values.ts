import { ConnectorFailure } from '../../domain/connector.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Value } from './wire.ts';

/** Arguments as SQLite takes them: lists and objects as JSON text, a boolean as 1 or 0, an absent one as NULL. */
export function encodeArguments(
  parameters: readonly string[],
  given: JsonObject,
): Record<string, Value> {
  return Object.fromEntries(
    parameters.map((name) => [name, Object.hasOwn(given, name) ? encode(given[name]) : null]),
  );
}

function encode(value: Json | undefined): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'string') return JSON.stringify(value);
  if (value.includes('\0') || !value.isWellFormed())
    throw new ConnectorFailure(
      'CONNECTOR_REFUSED',
      'an argument holds a character that the database would read otherwise',
      'none',
    );
  return value;
}

/** Integers that a double cannot hold exactly stay texts; blobs are hexadecimal `\x…`. */
export function decode(value: Value | undefined): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string') return value;
  return `\\x${Buffer.from(value).toString('hex')}`;
}
