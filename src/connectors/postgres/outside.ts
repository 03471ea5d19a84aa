import { scan } from 'libpg-query';
import type { AdminClient } from './admin.ts';
import type { Trigger } from './catalogue.ts';
import { ALLOWED_EXTENSIONS } from './functions.ts';
import { forbidden } from './shape.ts';

const OUTSIDE =
  /\b(dblink\w*|\w+_fdw\w*|http\w*|net\.\w+|cron\.\w+|aws_\w+|copy|lo_(im|ex)port|pg_background\w*|pg_file_\w+|pg_logical_emit_message|pg_(cancel|terminate)_backend)\b/i;
/** Extensions in C whose functions only compute, or only touch the row at hand. */
const HARMLESS_EXTENSIONS: readonly string[] = [
  ...ALLOWED_EXTENSIONS,
  ...['autoinc', 'insert_username', 'lo', 'moddatetime', 'pgcrypto', 'refint', 'uuid-ossp'],
];
const MAX_FUNCTIONS = 500;

/** By words, not by grammar: a false alarm only raises the class. Strings count, since EXECUTE runs them. */
export const DESTROYING = /\b(delete|truncate|drop)\b/i;

export interface Acts {
  readonly outside: readonly string[];
  readonly functions: readonly number[];
  /** Where something volatile is called in the end, and where something is deleted. */
  readonly writing: ReadonlySet<number>;
  readonly destroying: ReadonlySet<number>;
}

interface Called {
  readonly oid: number;
  readonly spoken: string;
  readonly trusted: boolean;
  readonly volatile: boolean;
  readonly source: string;
}

/**
 * What a write to these tables may call: triggers, defaults, constraints and policies, listed functions of the target, the
 * functions they depend on or name in their bodies, and the triggers of tables named there. By words, so it finds too much
 * rather than too little; only a name that is put together at run time stays unseen. `outside` names those from which
 * something leads out.
 */
export async function actsOf(
  client: AdminClient,
  relations: readonly number[],
  triggers: readonly Trigger[],
  own: readonly number[],
): Promise<Acts> {
  const seen = new Set<number>();
  const writing = new Set<number>();
  const destroying = new Set<number>();
  const outside = new Set<string>();
  const kept = await keptFunctions(client, relations);
  const roots = [...new Set([...triggers.map((trigger) => trigger.function), ...kept, ...own])];
  for (const root of roots) {
    const reached = new Set<number>();
    let batch = await functionsAt(client, [root]);
    const name = batch[0]?.spoken ?? String(root);
    while (batch.length > 0) {
      const words = new Set<string>();
      for (const { oid, trusted, volatile, source } of batch) {
        reached.add(oid);
        const text = await withoutComments(source);
        if (volatile) writing.add(root);
        if (DESTROYING.test(text) || !trusted) destroying.add(root);
        if (!trusted || OUTSIDE.test(text)) outside.add(name);
        for (const [word] of text.matchAll(/[\p{L}_][\p{L}\p{N}_$]*/gu))
          words.add(word).add(word.toLowerCase());
      }
      if (reached.size > MAX_FUNCTIONS)
        throw forbidden(name, `it may call more than ${MAX_FUNCTIONS} functions`);
      const next = await calledBy(
        client,
        batch.map(({ oid }) => oid),
        [...words],
      );
      batch = await functionsAt(
        client,
        next.filter((oid) => !reached.has(oid)),
      );
    }
    for (const oid of reached) seen.add(oid);
  }
  return { outside: [...outside].sort(), functions: [...seen], writing, destroying };
}

async function keptFunctions(client: AdminClient, relations: readonly number[]): Promise<number[]> {
  const { rows } = await client.query<{ oid: number }>(
    `SELECT DISTINCT d.refobjid::int8::float8 AS oid FROM pg_depend d
     WHERE d.refclassid = 'pg_proc'::regclass AND (d.classid, d.objid) IN (
       SELECT 'pg_attrdef'::regclass::oid, oid FROM pg_attrdef WHERE adrelid = ANY ($1::oid[])
       UNION ALL SELECT 'pg_policy'::regclass::oid, oid FROM pg_policy WHERE polrelid = ANY ($1::oid[])
       UNION ALL SELECT 'pg_constraint'::regclass::oid, k.oid FROM pg_constraint k
         WHERE k.conrelid = ANY ($1::oid[]) OR (k.contypid <> 0 AND k.contypid IN (
           SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1::oid[]) AND attnum > 0)))`,
    [relations],
  );
  return rows.map(({ oid }) => oid);
}

async function functionsAt(client: AdminClient, oids: readonly number[]): Promise<Called[]> {
  if (oids.length === 0) return [];
  const { rows } = await client.query<Called>(
    `SELECT p.oid::int8::float8 AS oid, n.nspname || '.' || p.proname AS spoken,
            l.lanpltrusted OR l.lanname = 'sql' OR n.nspname = 'pg_catalog'
              OR e.extname = ANY ($2::text[]) IS TRUE AS trusted,
            p.provolatile = 'v' AND n.nspname <> 'pg_catalog' AS volatile,
            CASE WHEN n.nspname = 'pg_catalog' OR e.extname = ANY ($2::text[]) THEN ''
                 ELSE concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid)) END AS source
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_language l ON l.oid = p.prolang
     LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
     LEFT JOIN pg_extension e ON e.oid = d.refobjid
     WHERE p.oid = ANY ($1::oid[])`,
    [oids, HARMLESS_EXTENSIONS],
  );
  return rows;
}

async function calledBy(
  client: AdminClient,
  functions: readonly number[],
  words: readonly string[],
): Promise<number[]> {
  const { rows } = await client.query<{ oid: number }>(
    `SELECT p.oid::int8::float8 AS oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proname = ANY ($2::text[]) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     UNION SELECT refobjid::int8::float8 FROM pg_depend
     WHERE classid = 'pg_proc'::regclass AND objid = ANY ($1::oid[])
       AND refclassid = 'pg_proc'::regclass
     UNION SELECT t.tgfoid::int8::float8 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relname = ANY ($2::text[]) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')`,
    [functions, words],
  );
  return rows.map(({ oid }) => oid);
}

/** Strings count, since EXECUTE runs them. */
export async function withoutComments(source: string): Promise<string> {
  try {
    const { tokens } = await scan(source);
    return tokens
      .filter(({ tokenName }) => tokenName !== 'SQL_COMMENT' && tokenName !== 'C_COMMENT')
      .map(({ text }) => text)
      .join(' ')
      .replaceAll(' . ', '.');
  } catch {
    return source;
  }
}
