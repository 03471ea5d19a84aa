import { parse, TomlError } from 'smol-toml';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { ClientFileFault, type Replacement } from './client-file.ts';
import { type Statement, statementsOf } from './toml-scan.ts';

export function parseToml(text: string): JsonObject {
  try {
    return JSON.parse(comparable(text)) as JsonObject;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ClientFileFault(`not TOML: line ${error.line}, column ${error.column}`);
  }
}

/** Every value of the file as JSON; dates and large numbers as texts. */
function comparable(text: string): string {
  const value = parse(text.replace(/^\uFEFF/, ''), { integersAsBigInt: 'asNeeded' });
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? String(inner) : inner,
  );
}

/** The text with the replacements made, every other byte as it was. Throws ClientFileFault. */
export function replaceInToml(text: string, replacements: readonly Replacement[]): string {
  const before = parseToml(text);
  let changed = text;
  let wanted: JsonObject = before;
  for (const { section, remove, put } of replacements) {
    const [root = ''] = section;
    const gone = new Set([...remove, ...(put === null ? [] : [put.name])]);
    changed = replaceOne(changed, root, gone, put);
    const servers = isJsonObject(wanted[root]) ? wanted[root] : {};
    const kept = Object.entries(servers).filter(([name]) => !gone.has(name));
    wanted = {
      ...wanted,
      [root]: { ...Object.fromEntries(kept), ...(put === null ? {} : { [put.name]: put.value }) },
    };
  }
  if (sorted(parseToml(changed)) !== sorted(wanted))
    throw new ClientFileFault('it cannot be changed without changing more than its servers');
  return changed;
}

/** Members in one order, empty tables left out: whether one is there says nothing. */
function sorted(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    isJsonObject(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([, member]) => !isJsonObject(member) || Object.keys(member).length > 0)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : inner,
  );
}

function replaceOne(
  text: string,
  root: string,
  gone: ReadonlySet<string>,
  put: Replacement['put'],
): string {
  const statements = statementsOf(text);
  const ofServers = statements.filter(({ path }) => path[0] === root);
  if (ofServers.some(({ path, kind, inline }) => path.length === 1 && kind === 'value' && inline))
    throw new ClientFileFault(`\`${root}\` is one line: write each server as a table of its own`);
  const going = ofServers.filter(({ path: [, name] }) => name !== undefined && gone.has(name));
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const [first] = going;
  const edits = spansOf(statements, going).map(({ from, to }) => ({ from, to, text: '' }));
  if (put === null) return applied(text, edits);
  if (first === undefined) {
    const before = text === '' || text.endsWith('\n') ? '' : eol;
    const gap = text.trim() === '' ? '' : eol;
    return `${applied(text, edits)}${before}${gap}${tableText(root, put, eol)}`;
  }
  const entry =
    first.kind === 'value' ? inPlace(statements, first, root, put, eol) : tableText(root, put, eol);
  const [span, ...others] = edits;
  return applied(text, [{ ...(span ?? first), text: entry }, ...others]);
}

/** Tables go with all that stands in them up to their last value; comments behind that stay. */
function spansOf(all: readonly Statement[], going: readonly Statement[]) {
  const spans: { from: number; to: number }[] = [];
  for (const statement of going) {
    const last = spans.at(-1);
    const previous = all[all.indexOf(statement) - 1];
    if (
      last !== undefined &&
      previous !== undefined &&
      previous.to === last.to &&
      previous.path[1] === statement.path[1]
    )
      last.to = statement.to;
    else spans.push({ from: statement.from, to: statement.to });
  }
  return spans;
}

/** A value cannot be replaced by a table: what followed it would belong to that. */
function inPlace(
  all: readonly Statement[],
  first: Statement,
  root: string,
  put: NonNullable<Replacement['put']>,
  eol: string,
): string {
  const opened = all.slice(0, all.indexOf(first)).findLast(({ kind }) => kind !== 'value');
  const inTable = opened?.path.length === 1 && opened.path[0] === root;
  return `${inTable ? '' : `${keyText(root)}.`}${keyText(put.name)} = ${valueText(put.value)}${eol}`;
}

function tableText(root: string, { name, value }: NonNullable<Replacement['put']>, eol: string) {
  const lines = Object.entries(value).map(
    ([key, inner]) => `${keyText(key)} = ${valueText(inner)}`,
  );
  return [`[${keyText(root)}.${keyText(name)}]`, ...lines, ''].join(eol);
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : valueText(key);
}

/** JSON writes a text as TOML reads it, but for one character. */
function valueText(value: Json): string {
  if (isJsonObject(value)) {
    const members = Object.entries(value).map(
      ([key, inner]) => `${keyText(key)} = ${valueText(inner)}`,
    );
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  if (Array.isArray(value)) return `[${value.map((inner) => valueText(inner as Json)).join(', ')}]`;
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
}

function applied(
  text: string,
  edits: readonly { from: number; to: number; text: string }[],
): string {
  let changed = text;
  for (const { from, to, text: put } of [...edits].sort((a, b) => b.from - a.from))
    changed = changed.slice(0, from) + put + changed.slice(to);
  return changed;
}
