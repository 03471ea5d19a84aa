import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { canonical, isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { ClientFileFault, type Replacement } from './client-file.ts';

const BOM = '\uFEFF';

/** A JSON file as clients read it: a byte order mark, comments and trailing commas pass. */
export function parseJson(text: string): JsonObject {
  const value = jsonOf(treeOf(text));
  if (!isJsonObject(value)) throw new ClientFileFault('expected an object at its root');
  return value;
}

function treeOf(text: string): Node {
  const errors: ParseError[] = [];
  const body = text.startsWith(BOM) ? ` ${text.slice(1)}` : text;
  const tree = parseTree(body, errors, { allowTrailingComma: true, disallowComments: false });
  const [first] = errors;
  if (first !== undefined) {
    const line = body.slice(0, first.offset).split('\n').length;
    throw new ClientFileFault(`not JSON: ${printParseErrorCode(first.error)} in line ${line}`);
  }
  if (tree === undefined) throw new ClientFileFault('it is empty');
  return tree;
}

/** The last of equal keys wins, as with every client. */
function jsonOf(node: Node): Json {
  switch (node.type) {
    case 'object': {
      const members = (node.children ?? []).map(({ children = [] }): [string, Json] => {
        const [key, value] = children;
        return [String(key?.value), value === undefined ? null : jsonOf(value)];
      });
      return Object.fromEntries(members);
    }
    case 'array':
      return (node.children ?? []).map(jsonOf);
    default:
      return (node.value ?? null) as Json;
  }
}

/** The text with the replacements made, every other byte as it was. Throws ClientFileFault. */
export function replaceInJson(text: string, replacements: readonly Replacement[]): string {
  let changed = text;
  for (const replacement of replacements) changed = replaceOne(changed, replacement);
  const wanted = replacements.reduce(replacedValue, parseJson(text) as Json);
  if (canonical(parseJson(changed)) !== canonical(wanted))
    throw new ClientFileFault('it cannot be changed without changing more than its servers');
  return changed;
}

function replacedValue(root: Json, { section, remove, put }: Replacement): Json {
  const [key, ...rest] = section;
  if (!isJsonObject(root)) return root;
  if (key !== undefined) {
    const inner = root[key] ?? {};
    return { ...root, [key]: replacedValue(inner, { section: rest, remove, put }) };
  }
  const kept = Object.entries(root).filter(([name]) => !remove.has(name) && name !== put?.name);
  return Object.fromEntries([...kept, ...(put === null ? [] : [[put.name, put.value]])]) as Json;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function replaceOne(text: string, { section, remove, put }: Replacement): string {
  const table = sectionIn(treeOf(text), section);
  const gone = (property: Node): boolean =>
    remove.has(keyOf(property)) || keyOf(property) === put?.name;
  const properties = table.children ?? [];
  const going = properties.filter(gone);
  const edits: Edit[] = [];
  const [place] = going;
  if (put !== null && place === undefined) return inserted(text, table, put);
  const kept = properties.filter(
    (property) => !gone(property) || (put !== null && property === place),
  );
  for (const property of going) {
    if (put !== null && property === place)
      edits.push({ ...spanOf(property), text: entryText(text, property.offset, put) });
    else edits.push(removal(text, property));
  }
  const [last, lastKept] = [properties.at(-1), kept.at(-1)];
  if (
    last !== undefined &&
    lastKept !== undefined &&
    last !== lastKept &&
    commaAfter(text, last) === null
  ) {
    const comma = commaAfter(text, lastKept);
    if (comma !== null) edits.push({ from: comma, to: comma + 1, text: '' });
  }
  return applied(text, edits);
}

function sectionIn(tree: Node, section: readonly string[]): Node {
  let node = tree;
  for (const key of section) {
    const found = (node.children ?? []).filter((property) => keyOf(property) === key).at(-1);
    const inner = found?.children?.[1];
    if (inner?.type !== 'object') throw new ClientFileFault(`it has no table \`${key}\``);
    node = inner;
  }
  return node;
}

function keyOf(property: Node): string {
  return String(property.children?.[0]?.value);
}

function spanOf({ offset, length }: Node): { from: number; to: number } {
  return { from: offset, to: offset + length };
}

/** The property, the comma after it, and the blanks before it back to the line end. Comments beside it stay. */
function removal(text: string, property: Node): Edit {
  const { from, to } = spanOf(property);
  const before = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, from))?.[0].length ?? 0;
  const comma = commaAfter(text, property);
  if (comma === null) return { from: from - before, to, text: '' };
  // what stands between the two is a comment, and is kept
  const between = text.slice(to, comma);
  return { from: from - before, to: comma + 1, text: between.trim() };
}

/** Where the comma after a property is, comments skipped; null: there is none. */
function commaAfter(text: string, property: Node): number | null {
  let at = property.offset + property.length;
  for (;;) {
    const rest = text.slice(at);
    const skipped = /^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(rest)?.[0].length ?? 0;
    if (skipped === 0) return rest.startsWith(',') ? at : null;
    at += skipped;
  }
}

function inserted(text: string, table: Node, put: { name: string; value: JsonObject }): string {
  const [first] = table.children ?? [];
  if (first !== undefined) {
    const gap = text.slice(table.offset + 1, first.offset);
    const line = /\r?\n[ \t]*$/.exec(gap)?.[0] ?? ' ';
    const entry = `${entryText(text, first.offset, put)},${line === ' ' ? ' ' : line}`;
    return applied(text, [{ from: first.offset, to: first.offset, text: entry }]);
  }
  const line = lineStart(text, table.offset);
  const unit = unitOf(text);
  const outer = /^[ \t]*/.exec(text.slice(line))?.[0] ?? '';
  const eol = eolOf(text);
  const body = written(put, eol, outer + unit, unit);
  return applied(text, [
    {
      from: table.offset + 1,
      to: table.offset + 1,
      text: `${eol}${outer}${unit}${body}${eol}${outer}`,
    },
  ]);
}

/** As the entry that stood at this offset was laid out: over lines with its indentation, or on one line. */
function entryText(text: string, offset: number, put: { name: string; value: JsonObject }): string {
  const before = text.slice(lineStart(text, offset), offset);
  if (/\S/.test(before)) return `${JSON.stringify(put.name)}: ${JSON.stringify(put.value)}`;
  return written(put, eolOf(text), before, unitOf(text));
}

function written(
  { name, value }: { name: string; value: JsonObject },
  eol: string,
  indent: string,
  unit: string,
): string {
  const lines = JSON.stringify(value, null, unit)
    .split('\n')
    .join(eol + indent);
  return `${JSON.stringify(name)}: ${lines}`;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function unitOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
}

function applied(text: string, edits: readonly Edit[]): string {
  let changed = text;
  for (const { from, to, text: put } of [...edits].sort((a, b) => b.from - a.from))
    changed = changed.slice(0, from) + put + changed.slice(to);
  return changed;
}
