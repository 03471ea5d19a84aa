import type { Overlong } from './lines.ts';

const ID = '(-?\\d{1,20}|"[^"\\\\]{0,200}")';
const FIRST = new RegExp(
  `^\\s*\\{\\s*(?:"jsonrpc"\\s*:\\s*"2\\.0"\\s*,\\s*)?"id"\\s*:\\s*${ID}\\s*,`,
);
const LAST = new RegExp(
  `,\\s*"id"\\s*:\\s*${ID}\\s*(?:,\\s*"jsonrpc"\\s*:\\s*"2\\.0"\\s*)?\\}\\s*$`,
);
const ASKS =
  /^\s*\{\s*(?:"(?:jsonrpc|id)"\s*:\s*(?:-?\d{1,20}|"[^"\\]{0,200}")\s*,\s*)*"method"\s*:/;

/**
 * The key of a request that was too long to be read, where client libraries write it: before everything else, or after.
 * Null where it is neither: a notification, an answer, or an id that only its reading would tell.
 */
export function overlongId({ head, tail }: Overlong): string | null {
  if (!ASKS.test(head)) return null;
  return FIRST.exec(head)?.[1] ?? LAST.exec(tail)?.[1] ?? null;
}
