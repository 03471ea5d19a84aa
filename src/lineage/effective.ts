import { shown } from './spelling.ts';

/** What a statement, command or request comes down to. The text itself never counts: it can be spelled in any way. */
export interface Effective {
  /** `delete public.users`, `rm /srv/data`, `post api.example.com/v1/volumes`. */
  readonly target: string;
  /** What the principal must have said for it to be proven, each by itself. */
  readonly words: readonly string[];
}

const MAX_TARGETS = 100;
const VERBS = new Set(
  (
    'select insert update delete merge truncate drop alter create grant revoke copy call do execute ' +
    'vacuum reindex refresh lock set reset explain with values table comment replace attach detach pragma'
  ).split(' '),
);
/** After these a table is named. */
const BEFORE_TABLE = new Set([
  'from',
  'join',
  'into',
  'update',
  'table',
  'truncate',
  'using',
  'view',
  'on',
]);
const JOINING = /^(?:select|insert|update|delete|merge|with)$/;
const PASSED_OVER = new Set([
  'only',
  'if',
  'not',
  'exists',
  'lateral',
  'materialized',
  'temp',
  'temporary',
  'unlogged',
  'set',
]);

/** Null: it could not be told what it comes down to, so nothing proves it. */
export function effectiveOf(value: string): readonly Effective[] | null {
  const text = shown(value).trim();
  if (text === '') return [];
  const url = requestIn(text);
  if (url !== null) return [url];
  const first = /^[(\s]*([a-z]+)/i.exec(withoutComments(text) ?? '')?.[1]?.toLowerCase() ?? '';
  return VERBS.has(first) ? statements(text) : commands(text);
}

function requestIn(text: string): Effective | null {
  const [, method = 'get', address = ''] =
    /^(?:(get|head|post|put|patch|delete)\s+)?(\S+:\/\/\S+)$/i.exec(text) ?? [];
  if (address === '') return null;
  try {
    const { host, pathname, search } = new URL(address);
    const place = `${host}${pathname.replace(/\/$/, '')}${search}`.toLowerCase();
    const verb = method.toLowerCase();
    return { target: `${verb} ${place}`, words: verb === 'get' ? [place] : [verb, place] };
  } catch {
    return null;
  }
}

/** Null where a comment does not end, or hides in a way that databases read differently. */
function withoutComments(text: string): string | null {
  const plain = text
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/\/\*[^*]*(?:\*(?!\/)[^*]*)*\*\//g, ' ');
  return /\/\*|\*\//.test(plain) ? null : plain;
}

/** Verbs and tables by the words around them; texts in quotes and numbers are neither. */
function statements(text: string): readonly Effective[] | null {
  const plain = withoutComments(text);
  if (plain === null || /\$[a-z0-9_]*\$|\\/i.test(plain)) return null;
  const tokens =
    plain.match(
      /"(?:[^"]|"")*"(?:\s*\.\s*(?:"(?:[^"]|"")*"|[\w$]+))*|'(?:[^']|'')*'|[\p{L}_][\p{L}\p{N}_$]*(?:\s*\.\s*(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*))*|[^\s]/gu,
    ) ?? [];
  const words = tokens.map((token) => token.replaceAll(/\s*\.\s*/g, '.'));
  const found: Effective[] = [];
  let verb = '';
  for (const [i, word] of words.entries()) {
    const small = word.toLowerCase();
    if (VERBS.has(small) && (i === 0 || startsStatement(words[i - 1] ?? '') || verb === 'with'))
      verb = small;
    if (/^(?:insert|update|delete|merge|truncate|drop|alter)$/.test(small) && words[i - 1] !== '.')
      verb = small;
    // `on` names a table where one is created or granted, and a condition where tables are joined
    if (!BEFORE_TABLE.has(small) || (small === 'on' && JOINING.test(verb))) continue;
    for (let at = i + 1; at < words.length; at++) {
      const next = words[at] ?? '';
      if (PASSED_OVER.has(next.toLowerCase())) continue;
      if (next === '(') break;
      if (/^["\p{L}_]/u.test(next)) add(found, verb, tableOf(next));
      if (words[at + 1] !== ',') break;
      at++;
    }
  }
  if (found.length === 0) found.push({ target: verb, words: [verb] });
  return found.length > MAX_TARGETS ? null : found;
}

function startsStatement(before: string): boolean {
  return (
    before === ';' ||
    before === '(' ||
    before === ')' ||
    /^(?:as|then|explain|analyze)$/i.test(before)
  );
}

function add(found: Effective[], verb: string, table: string): void {
  const target = `${verb} ${table}`;
  const words = verb === 'select' ? [table] : [verb, table];
  if (!found.some((known) => known.target === target)) found.push({ target, words });
}

/** As PostgreSQL reads a name: without quotes it is small. */
function tableOf(name: string): string {
  return name.startsWith('"') || name.includes('."')
    ? name.replaceAll('"', '').toLowerCase()
    : name.toLowerCase();
}

/** What a shell would make of more than words cannot be told. */
function commands(text: string): readonly Effective[] | null {
  if (/[`$<>{}*?[\]~!\n\\]/.test(text)) return null;
  const parts = text
    .split(/\|\||&&|[;|&]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const found: Effective[] = [];
  for (const part of parts) {
    const words = wordsOf(part);
    if (words === null || words.length === 0) return null;
    const [program = '', ...rest] = words;
    const binary = program.split('/').at(-1) ?? program;
    const paths = rest.filter((word) => !word.startsWith('-'));
    const flags = rest.filter((word) => word.startsWith('-') && word.includes('='));
    const named = [...paths, ...flags.map((flag) => flag.slice(flag.indexOf('=') + 1))];
    if (named.length === 0) found.push({ target: binary, words: [binary] });
    for (const path of named) found.push({ target: `${binary} ${path}`, words: [binary, path] });
  }
  return found.length > MAX_TARGETS ? null : found;
}

function wordsOf(part: string): string[] | null {
  const words = part.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const plain = words.map((word) => word.replaceAll(/["']/g, ''));
  return /["']/.test(part.replaceAll(/"[^"]*"|'[^']*'/g, '')) ? null : plain;
}
