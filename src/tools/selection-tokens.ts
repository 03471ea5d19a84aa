import type { Json } from '../domain/json.ts';

export interface SelectionToken {
  /** A sign, or `name`, `number`, `value`, `end`. */
  readonly kind: string;
  readonly text: string;
  readonly value?: Json;
}

const TOKEN =
  /\s+|&&|\|\||[=!<>]=|[.|()[\]{}:,*@?!<>]|-?\d+|[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gy;

/** Throws a SyntaxError in plain words. */
export function selectionTokens(text: string): SelectionToken[] {
  const tokens: SelectionToken[] = [];
  let at = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    at = index + token.length;
    if (!/^\s/.test(token)) tokens.push(tokenOf(token));
  }
  if (at !== text.length)
    throw new SyntaxError(`\`${text.slice(at, at + 10)}\` cannot be read at character ${at + 1}`);
  return tokens;
}

function tokenOf(text: string): SelectionToken {
  try {
    switch (text[0]) {
      case '"':
        return { kind: 'name', text: String(JSON.parse(text)) };
      case "'":
        return { kind: 'value', text, value: text.slice(1, -1).replaceAll(/\\(['\\])/g, '$1') };
      case '`':
        return { kind: 'value', text, value: JSON.parse(text.slice(1, -1).replaceAll('\\`', '`')) };
    }
  } catch {
    throw new SyntaxError(`\`${text.slice(0, 40)}\` is no JSON`);
  }
  if (/^-?\d/.test(text)) return { kind: 'number', text };
  return /^\w/.test(text) ? { kind: 'name', text } : { kind: text, text };
}
