import { ClientFileFault } from './client-file.ts';

/** One statement of a TOML file, with the lines it stands on. */
export interface Statement {
  readonly kind: 'table' | 'list' | 'value';
  /** Keys from the root. */
  readonly path: readonly string[];
  /** Begin of its line. */
  readonly from: number;
  /** Behind its line end. */
  readonly to: number;
  /** A table that is written in place: `{ … }`. */
  readonly inline: boolean;
}

/** The statements of a file that a TOML parser has already accepted; comments and blank lines belong to none. */
export function statementsOf(text: string): Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const begin = at;
    at = afterBlanks(text, at);
    const character = text[at];
    if (character === undefined) break;
    if (character === '\n' || character === '\r' || character === '#') {
      at = afterLine(text, at);
      continue;
    }
    if (character === '[') {
      const list = text[at + 1] === '[';
      const keys = keysAt(text, at + (list ? 2 : 1), ']');
      at = afterLine(text, keys.end + (list ? 2 : 1));
      table = keys.path;
      found.push({
        kind: list ? 'list' : 'table',
        path: table,
        from: begin,
        to: at,
        inline: false,
      });
      continue;
    }
    const keys = keysAt(text, at, '=');
    const value = afterBlanks(text, keys.end + 1);
    const inline = text[value] === '{';
    at = afterLine(text, afterValue(text, value));
    found.push({ kind: 'value', path: [...table, ...keys.path], from: begin, to: at, inline });
  }
  return found;
}

function afterBlanks(text: string, at: number): number {
  let next = at;
  while (text[next] === ' ' || text[next] === '\t') next++;
  return next;
}

/** Behind the end of this line; a comment up to it is passed. */
function afterLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** Dotted keys, bare or quoted, up to `close`; `end` is where that stands. */
function keysAt(text: string, begin: number, close: ']' | '='): { path: string[]; end: number } {
  const path: string[] = [];
  let at = begin;
  for (;;) {
    at = afterBlanks(text, at);
    const quote = text[at];
    if (quote === '"' || quote === "'") {
      const end = afterText(text, at);
      path.push(
        quote === '"' ? String(JSON.parse(text.slice(at, end))) : text.slice(at + 1, end - 1),
      );
      at = end;
    } else {
      const bare = /^[A-Za-z0-9_-]+/.exec(text.slice(at, at + 1_000))?.[0];
      if (bare === undefined) throw lost(text, at);
      path.push(bare);
      at += bare.length;
    }
    at = afterBlanks(text, at);
    if (text[at] === close) return { path, end: at };
    if (text[at] !== '.') throw lost(text, at);
    at++;
  }
}

function afterValue(text: string, begin: number): number {
  let depth = 0;
  let at = begin;
  while (at < text.length) {
    const character = text[at];
    if (character === '"' || character === "'") {
      at = afterText(text, at);
      continue;
    }
    if (character === '[' || character === '{') depth++;
    if (character === ']' || character === '}') depth--;
    if (depth === 0 && (character === '\n' || character === '#')) return at;
    if (character === '#') at = afterLine(text, at) - 1;
    at++;
  }
  return at;
}

/** Behind the closing quote of a text in one of the four spellings. */
function afterText(text: string, begin: number): number {
  const quote = text[begin] ?? '"';
  const long = text.startsWith(quote.repeat(3), begin);
  const mark = long ? quote.repeat(3) : quote;
  let at = begin + mark.length;
  while (at < text.length) {
    if (quote === '"' && text[at] === '\\') {
      at += 2;
      continue;
    }
    if (text.startsWith(mark, at)) {
      at += mark.length;
      // up to two quotes may stand before the three that close
      if (long) while (text[at] === quote) at++;
      return at;
    }
    at++;
  }
  throw lost(text, begin);
}

function lost(text: string, at: number): ClientFileFault {
  const line = text.slice(0, at).split('\n').length;
  return new ClientFileFault(`line ${line} is written in a way that cannot be changed safely`);
}
