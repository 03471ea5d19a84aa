import type { Watched } from './binding.ts';
import type { Prepared } from './exchange.ts';

export const DRIFTED = 'sbx_drifted';

/** Is this the gate's own error? */
export function isDrift(message: string): boolean {
  return message.includes(DRIFTED);
}

/**
 * One SHA-256 over what the catalogue says of everything a tool was judged by. Run by the broker when a tool is
 * planned, by the minted role before its first read and in every write: different means that the system changed since.
 * Columns a tool does not use may come and go; a new trigger, rule, policy or cascade may not.
 */
export const FINGERPRINT: Prepared = {
  name: 'sbx_fingerprint',
  text: `
  WITH relations AS (SELECT unnest($1::oid[]) AS oid),
       used AS (SELECT * FROM unnest($2::oid[], $3::int2[]) AS u(relation, number)),
       lines AS (
    SELECT format('relation %s %s.%s %s %s %s', c.oid, n.nspname, c.relname, c.relkind,
                  c.relrowsecurity, c.relforcerowsecurity) AS line
    FROM relations r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT format('column %s %s %s %s %s %s', a.attrelid, a.attnum, a.attname, a.atttypid,
                  a.atttypmod, a.attgenerated)
    FROM used u JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.number
    WHERE NOT a.attisdropped
    UNION ALL
    SELECT format('default %s %s %s', d.adrelid, d.adnum, pg_get_expr(d.adbin, d.adrelid))
    FROM relations r JOIN pg_attrdef d ON d.adrelid = r.oid
    UNION ALL
    SELECT format('trigger %s %s %s %s %s', t.tgrelid, t.tgname, t.tgenabled,
                  pg_get_triggerdef(t.oid), f.line)
    FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    CROSS JOIN LATERAL (SELECT format('%s %s %s %s %s', p.oid, p.provolatile, p.prosecdef,
                                      p.proconfig, md5(p.prosrc)) AS line
                        FROM pg_proc p WHERE p.oid = t.tgfoid) f
    UNION ALL
    SELECT format('function %s %s %s %s %s %s', p.oid, p.provolatile, p.prosecdef, p.proowner, p.proconfig,
                  md5(concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid))))
    FROM pg_proc p WHERE p.oid = ANY ($4::oid[])
    UNION ALL
    SELECT format('called alike %s %s', p.proname, p.oid) FROM pg_proc p
    WHERE p.pronamespace <> 'pg_catalog'::regnamespace AND p.proname IN (
      SELECT o.proname FROM pg_proc o
      WHERE o.oid = ANY ($4::oid[]) AND o.prorettype <> 'trigger'::regtype)
    UNION ALL
    SELECT format('constraint %s %s %s', k.conrelid, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k
    WHERE (k.conrelid IN (SELECT oid FROM relations) AND k.contype IN ('c', 'p', 'u', 'x'))
       OR (k.confrelid IN (SELECT oid FROM relations) AND k.contype = 'f'
           AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')))
    UNION ALL
    SELECT format('domain %s %s %s', k.contypid, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.contypid = ANY ($5::oid[]) AND k.contypid <> 0
    UNION ALL
    SELECT format('rule %s %s %s', w.ev_class, w.rulename, pg_get_ruledef(w.oid))
    FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid
    UNION ALL
    SELECT format('policy %s %s %s %s %s %s', y.polrelid, y.polname, y.polcmd, y.polroles,
                  pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid))
    FROM relations r JOIN pg_policy y ON y.polrelid = r.oid
    UNION ALL
    SELECT format('child %s %s', i.inhparent, i.inhrelid)
    FROM relations r JOIN pg_inherits i ON i.inhparent = r.oid
  )
  SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line), ''), 'UTF8')),
                'hex') FROM lines`,
};

/**
 * The same as the gate of a write transaction: fails when it is not `$6`, before the statement runs and any trigger
 * fires. The comparison is in the text of the error, since an exchange stops at the first one.
 */
export const FINGERPRINT_GATE: Prepared = {
  name: 'sbx_gate',
  text: `SELECT CASE WHEN f.said = $6::text THEN 0 ELSE ('${DRIFTED} ' || f.said)::int END
         FROM (${FINGERPRINT.text}) AS f(said)`,
};

export function fingerprintValues(watched: Watched): string[] {
  const array = (items: readonly number[]): string => `{${items.join(',')}}`;
  return [
    array(watched.relations),
    array(watched.columns.map(([relation]) => relation)),
    array(watched.columns.map(([, column]) => column)),
    array(watched.functions),
    array(watched.types),
  ];
}
