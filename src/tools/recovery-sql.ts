import { firstOf, wordsOf } from './recovery-words.ts';

/** Statements that end data together with what it could be restored from, or the log of what happened. */
const ENDINGS: readonly (readonly [what: string, shape: RegExp])[] = [
  [
    'DROP',
    /\bdrop\s+(?:table|database|schema|tablespace|keyspace|owned|foreign\s+table|materialized\s+view|partition|collection|pluggable\s+database)\b/,
  ],
  ['TRUNCATE', /\btruncate\b(?!\s*\()/],
  ['PURGE', /\bpurge\s+(?:binary|master|recyclebin|dba_recyclebin|table|index)\b/],
  ['RESET', /\breset\s+(?:master|replica|slave|binary\s+logs)\b/],
  ['ALTER SYSTEM', /\balter\s+system\b/],
  [
    'SET',
    /\bset\s+(?:global|persist|persist_only|@@global\.)\s*\w*(?:log|expire|gtid|backup|audit)/,
  ],
  ['DROP', /\bdrop\s+(?:subscription|publication|event\s+trigger|rule|policy|trigger)\b/],
  ['DISABLE TRIGGER', /\b(?:disable|drop)\s+trigger\b/],
  ['UNLOGGED', /\bset\s+unlogged\b/],
  ['FLASHBACK', /\b(?:no\s+flashback|flashback\s+(?:off|archive)|noarchivelog|restore\s+point)\b/],
  [
    'pg_drop_replication_slot',
    /\bpg_(?:drop_replication_slot|replication_slot_advance|copy_\w*slot|wal_replay_pause|stop_backup|backup_stop|switch_wal|create_restore_point)\s*\(/,
  ],
  ['lo_unlink', /\blo_unlink\s*\(/],
  [
    'xp_delete_file',
    /\b(?:xp_delete_file|sp_delete_backuphistory|sp_delete_database_backuphistory)\b/,
  ],
  ['FLUSHALL', /^\s*(?:flushall|flushdb)\b/],
];

const REMOVES =
  /\b(?:delete\s+from|delete(?=\s+[\w."$`[\]]+\s+(?:where|from)\b)|drop\s+\w+|replace\s+into|merge\s+into)\s+(?:only\s+)?([\w."$`[\]]+)/g;
const CHANGES =
  /\b(?:update|merge\s+into|alter\s+table)\s+(?:only\s+|if\s+exists\s+)?([\w."$`[\]]+)/g;

/**
 * What SQL text takes away that people recover with; null for none. Lexical, for text that is not parsed (bodies of
 * functions, queries of other dialects): it raises only, so a doubt is a finding.
 */
export function sqlRecovery(text: string): string | null {
  if (text.length > MAX_SQL) return 'a text too long to be looked through';
  const plain = withoutStrings(text).toLowerCase();
  for (const [what, shape] of ENDINGS) if (shape.test(plain)) return what;
  for (const [, table = ''] of plain.matchAll(REMOVES)) {
    const words = wordsOf(table);
    const found = firstOf(words, 'kept') ?? firstOf(words, 'record') ?? firstOf(words, 'setting');
    if (found !== undefined) return found;
  }
  for (const [, table = ''] of plain.matchAll(CHANGES)) {
    const words = wordsOf(table);
    const found = firstOf(words, 'record') ?? firstOf(words, 'setting');
    if (found !== undefined) return found;
  }
  return null;
}

const MAX_SQL = 100_000;

/** Comments become space and values nothing; names in quotes stay. Bodies in dollars are code, and stay too. */
function withoutStrings(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 2);
    if (rest === '--' || text[at] === '#') at = endOf(text, '\n', at);
    else if (rest === '/*') {
      at = endOfComment(text, at);
      out += ' ';
    } else if (rest === '*/') at += 2;
    else if (text[at] === "'") {
      at = endOfText(text, at);
      out += "''";
    } else out += text[at++];
  }
  return out;
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end === -1 ? text.length : end;
}

function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    // `/*!50000 DROP … */` is run by MySQL: what is in it is looked at
    if (two === '/*' && text[at + 2] === '!') return at + 3 + digitsAt(text, at + 3);
    if (two === '/*') {
      depth++;
      at++;
    } else if (two === '*/') {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return text.length;
}

function digitsAt(text: string, from: number): number {
  return /^\d*/.exec(text.slice(from, from + 8))?.[0].length ?? 0;
}

function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] !== "'") continue;
    if (text[at + 1] === "'") at++;
    else return at + 1;
  }
  return text.length;
}

const OPENERS = new Set(
  (
    'select insert update delete with merge create alter drop truncate grant revoke copy do call exec execute vacuum ' +
    'reset purge set begin lock comment explain analyze flushall flushdb'
  ).split(' '),
);

/** Does it read as SQL at all? */
export function looksLikeSql(text: string): boolean {
  const first = /[^\s;(]*[a-z]+/.exec(withoutStrings(text.slice(0, MAX_SQL)).toLowerCase());
  return OPENERS.has(first?.[0] ?? '');
}
