import {
  Composer,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  type YAMLMap,
} from 'yaml';
import type { Json } from '../domain/json.ts';
import { pointerToken } from '../domain/pointer.ts';
import { isReserved } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { secretShapes } from './secret-shapes.ts';

/** A file as data, with the place of everything in it. */
export interface Source {
  readonly text: string;
  readonly value: Json;
  readonly problems: readonly ConfigProblem[];
  /** How many values the file holds. */
  size(): number;
  /** `path:line:column` of what a JSON Pointer names: its value, or the key it stands under. Falls back to what holds it. */
  at(pointer: string, what?: 'key' | 'value'): string;
  /** `path:line:column` of an offset into the text. */
  atOffset(offset: number): string;
}

export const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
/** Beyond this many, more syntax errors say nothing new. */
const MAX_SYNTAX_ERRORS = 20;

const PLAIN_YAML = 'write plain YAML 1.2: no anchors, aliases, tags, directives or merge keys';

/**
 * Reads YAML 1.2 with the core schema, and less: what makes a file mean something else than it shows (anchors, tags,
 * directives, duplicate keys, keys that are no text) is refused. The parser's own check for duplicates is quadratic.
 */
export function readSource(text: string, path: string): Source {
  const lines = new LineCounter();
  const places = new Map<string, number>();
  const atOffset = (offset: number): string => {
    const { line, col } = lines.linePos(Math.min(Math.max(offset, 0), text.length));
    return `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const at: Source['at'] = (pointer, what = 'value') => {
    for (let p = pointer; ; p = p.slice(0, p.lastIndexOf('/'))) {
      const offset = (what === 'key' ? places.get(`key ${p}`) : undefined) ?? places.get(p);
      if (offset !== undefined) return atOffset(offset);
      if (p === '') return atOffset(0);
    }
  };
  const size = () => places.size;
  const failed = (problems: ConfigProblem[]): Source => ({
    text,
    value: null,
    problems,
    size,
    at,
    atOffset,
  });

  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    const message = `the file has ${bytes} bytes, at most ${MAX_BYTES}`;
    return failed([problem('CONFIG_TOO_LARGE', `${path}:1:1`, message)]);
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== null) {
    const message = `expected at most ${MAX_DEPTH} levels, got more`;
    return failed([problem('CONFIG_SYNTAX', atOffset(deep), message)]);
  }
  const documents = [...composer().compose(tokens, true, text.length)];
  const document = documents[0];
  const syntax = documents.flatMap(({ errors }) => errors).slice(0, MAX_SYNTAX_ERRORS);
  if (document === undefined || syntax.length > 0)
    return failed(
      syntax.map(({ pos, message }) =>
        problem('CONFIG_SYNTAX', atOffset(pos[0]), inOurWords(message)),
      ),
    );
  const problems = documentProblems(documents, atOffset);
  const value = readNode(document.contents as Node | null, '', {
    places,
    say: (code, offset, message, help) =>
      problems.push(problem(code, atOffset(offset), message, help)),
  });
  return { text, value, problems, size, at, atOffset };
}

function composer(): Composer {
  return new Composer({
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
}

/** Offset of the first token that lies too deep; looked for before anything recursive touches the tokens. */
function tooDeep(tokens: readonly unknown[]): number | null {
  const open: { token: unknown; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (typeof token !== 'object' || token === null) continue;
    const { offset, items, key, value, type } = token as Record<string, unknown>;
    // a document is one level for the parser and none for the reader
    if (depth > MAX_DEPTH && typeof offset === 'number') return offset;
    const inner = Array.isArray(items) && type !== 'document' ? depth + 1 : depth;
    if (Array.isArray(items)) for (const item of items) open.push({ token: item, depth: inner });
    open.push({ token: key, depth }, { token: value, depth });
  }
  return null;
}

function documentProblems(
  documents: readonly Document[],
  atOffset: (offset: number) => string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const [first, second] = documents;
  const directives = first?.directives;
  if (directives?.yaml.explicit || Object.keys(directives?.tags ?? {}).some((tag) => tag !== '!!'))
    problems.push(problem('CONFIG_SYNTAX', atOffset(0), 'expected no `%` directive', PLAIN_YAML));
  if (second !== undefined) {
    const at = atOffset(second.range?.[0] ?? 0);
    problems.push(
      problem(
        'CONFIG_SYNTAX',
        at,
        'expected one document, got a second after `---`',
        'keep one document in the file',
      ),
    );
  }
  return problems;
}

interface Walk {
  readonly places: Map<string, number>;
  say(
    code: 'CONFIG_SYNTAX' | 'CONFIG_INVALID',
    offset: number,
    message: string,
    help?: string,
  ): void;
}

function readNode(node: Node | null, pointer: string, walk: Walk): Json {
  const offset = node?.range?.[0] ?? 0;
  if (node?.range) walk.places.set(pointer, offset);
  if (node === null) return null;
  if (isAlias(node)) {
    walk.say('CONFIG_SYNTAX', offset, 'expected a value, got an alias', PLAIN_YAML);
    return null;
  }
  if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined)
    walk.say('CONFIG_SYNTAX', offset, 'expected a value without anchor', PLAIN_YAML);
  if (node.tag !== undefined)
    walk.say('CONFIG_SYNTAX', offset, 'expected a value without tag', PLAIN_YAML);
  if (isSeq(node))
    return node.items.map((item, i) => readNode(item as Node, `${pointer}/${i}`, walk));
  if (isMap(node)) return readMap(node, pointer, walk);
  if (isScalar(node)) return readScalar(node.value, offset, walk);
  return null;
}

function readMap(map: YAMLMap, pointer: string, walk: Walk): Json {
  const result: Record<string, Json> = {};
  for (const pair of map.items) {
    if (!isPair(pair)) continue;
    const key = pair.key as Node | null;
    const offset = key?.range?.[0] ?? map.range?.[0] ?? 0;
    const name = isScalar(key) ? key.value : null;
    if (typeof name !== 'string') {
      walk.say(
        'CONFIG_INVALID',
        offset,
        'expected a name as key, got something else',
        'put the key in quotes if it is meant as text',
      );
      continue;
    }
    if (name === '<<') {
      walk.say('CONFIG_SYNTAX', offset, 'expected a name as key, got a merge key `<<`', PLAIN_YAML);
      continue;
    }
    if (isScalar(key) && (key.anchor !== undefined || key.tag !== undefined))
      walk.say('CONFIG_SYNTAX', offset, 'expected a key without anchor or tag', PLAIN_YAML);
    if (isReserved(name)) {
      walk.say(
        'CONFIG_INVALID',
        offset,
        `\`${name}\` is reserved by the language`,
        'choose another name',
      );
      continue;
    }
    const place = `${pointer}/${pointerToken(name)}`;
    if (Object.hasOwn(result, name)) {
      walk.say(
        'CONFIG_SYNTAX',
        offset,
        `key \`${name.slice(0, 60)}\` comes twice here`,
        'keep one of them',
      );
      continue;
    }
    walk.places.set(`key ${place}`, offset);
    result[name] = readNode(pair.value as Node | null, place, walk);
    if (!walk.places.has(place)) walk.places.set(place, offset);
  }
  return result;
}

function readScalar(value: unknown, offset: number, walk: Walk): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) {
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      walk.say(
        'CONFIG_INVALID',
        offset,
        'expected a number that is held exactly, got a larger one',
        'put it in quotes, or use a smaller number',
      );
    return value;
  }
  walk.say(
    'CONFIG_INVALID',
    offset,
    'expected a finite number, text, list or mapping',
    'infinity and not-a-number mean nothing here',
  );
  return null;
}

/** The parser's words, as a line of ours. They may quote the file only as far as a line. */
function inOurWords(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  const plain = line.replaceAll('`', "'").replace(/[.:]\s*$/, '');
  if (plain.startsWith('Tabs are not')) return 'expected spaces as indentation, got a tab';
  if (secretShapes(plain).length > 0) return 'expected YAML, got something unreadable';
  return plain.slice(0, 1).toLowerCase() + plain.slice(1, 120);
}
