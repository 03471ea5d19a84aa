/**
 * Reads a TypeScript file without a parser: it blanks comments and the text of strings, so that a
 * rule looks at code only. Both results keep every offset and line of the original.
 */
export interface Scanned {
  /** Comments blanked, strings kept. */
  readonly uncommented: string;
  /** Comments, strings, template texts and regular expressions blanked. */
  readonly code: string;
}

interface Cursor {
  readonly text: string;
  at: number;
  readonly uncommented: string[];
  readonly code: string[];
  /** For each open template literal: how many braces its `${` part has open. */
  readonly templates: number[];
}

const blank = (character: string): string => (character === '\n' ? '\n' : ' ');

function take(cursor: Cursor, until: number, kind: 'code' | 'string' | 'comment'): void {
  for (; cursor.at < until; cursor.at++) {
    const character = cursor.text[cursor.at] ?? '';
    cursor.uncommented.push(kind === 'comment' ? blank(character) : character);
    cursor.code.push(kind === 'code' ? character : blank(character));
  }
}

function endOfString(text: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') {
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

/** From after a backtick or a closing `}`: to after the next backtick or `${`. */
function takeTemplateText(cursor: Cursor): void {
  const { text } = cursor;
  let at = cursor.at;
  while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) {
    at += text[at] === '\\' ? 2 : 1;
  }
  take(cursor, Math.min(at, text.length), 'string');
  if (text[at] === '`') {
    take(cursor, at + 1, 'string');
    return;
  }
  take(cursor, Math.min(at + 2, text.length), 'string');
  cursor.templates.push(0);
}

function endOfRegExp(text: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '/' && !inClass) return at + 1;
  }
  return start + 1;
}

/** A slash divides after a value and opens a regular expression after anything else. */
function opensRegExp(code: string): boolean {
  const before = code.trimEnd();
  if (/(^|[^\w$.])(return|typeof|case|in|of|do|else|void|yield|await)$/.test(before)) return true;
  return before === '' || /[([{,;=:?!&|+\-*%<>~^}]$/.test(before);
}

function step(cursor: Cursor): void {
  const { text, at, templates } = cursor;
  const character = text[at] ?? '';
  const open = templates.length - 1;
  if (text.startsWith('//', at)) {
    const end = text.indexOf('\n', at);
    take(cursor, end < 0 ? text.length : end, 'comment');
  } else if (text.startsWith('/*', at)) {
    const end = text.indexOf('*/', at + 2);
    take(cursor, end < 0 ? text.length : end + 2, 'comment');
  } else if (character === "'" || character === '"') {
    take(cursor, endOfString(text, at, character), 'string');
  } else if (character === '`') {
    take(cursor, at + 1, 'string');
    takeTemplateText(cursor);
  } else if (character === '}' && templates[open] === 0) {
    templates.pop();
    take(cursor, at + 1, 'string');
    takeTemplateText(cursor);
  } else if (character === '/' && opensRegExp(cursor.code.slice(-80).join(''))) {
    take(cursor, endOfRegExp(text, at), 'string');
  } else {
    if (open >= 0 && character === '{') templates[open] = (templates[open] ?? 0) + 1;
    if (open >= 0 && character === '}') templates[open] = (templates[open] ?? 0) - 1;
    take(cursor, at + 1, 'code');
  }
}

export function scan(text: string): Scanned {
  const cursor: Cursor = { text, at: 0, uncommented: [], code: [], templates: [] };
  while (cursor.at < text.length) step(cursor);
  return { uncommented: cursor.uncommented.join(''), code: cursor.code.join('') };
}
