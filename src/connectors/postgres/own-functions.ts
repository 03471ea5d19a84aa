import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import { isSystemSchema } from './dependencies.ts';
import { withoutComments } from './outside.ts';
import { forbidden } from './shape.ts';
import { FUNCTION_SCHEMA } from './tool-function.ts';

/** A function of the target itself that an operator listed, as the live catalogue has it. What it does is its own affair. */
export interface OwnFunction {
  readonly oid: number;
  /** As `regprocedure` says it: `public.tier_of(integer)`. */
  readonly signature: string;
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly definer: boolean;
  readonly volatile: boolean;
  readonly language: string;
  readonly source: string;
  /** It puts SQL together as it runs, so that nobody can tell what it does. */
  readonly dynamic: boolean;
  /** PUBLIC may call it: nothing is to be granted. */
  readonly open: boolean;
  readonly givable: boolean;
}

const DYNAMIC = /\b(execute|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\b/i;

/**
 * The functions that a tool lists, resolved. Throws TOOL_UNRESOLVED for one that is not there or may not be handed on,
 * TOOL_FORBIDDEN for one that no list can allow.
 */
export async function ownFunctions(
  client: AdminClient,
  wanted: readonly string[],
): Promise<OwnFunction[]> {
  const found: OwnFunction[] = [];
  for (const written of wanted) {
    const { rows } = await client.query<OwnFunction & { kind: string; result: string }>(
      `SELECT p.oid::int8::float8 AS oid, p.oid::regprocedure::text AS signature,
              n.nspname::text AS schema, p.proname::text AS name,
              pg_get_userbyid(p.proowner)::text AS owner, p.prosecdef AS definer,
              p.provolatile = 'v' AS volatile, l.lanname::text AS language,
              concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid)) AS source,
              has_function_privilege('public', p.oid, 'EXECUTE') AS open,
              has_function_privilege(p.oid, 'EXECUTE WITH GRANT OPTION') AS givable,
              p.prokind::text AS kind, p.prorettype::regtype::text AS result
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       JOIN pg_language l ON l.oid = p.prolang WHERE p.oid = to_regprocedure($1)`,
      [written],
    );
    const [row] = rows;
    if (row === undefined)
      throw new SignalboxError('TOOL_UNRESOLVED', `there is no function \`${written}\``, {
        help: 'name it with its schema and the types of its arguments: `public.tier_of(integer)`',
      });
    check(row);
    const source = await withoutComments(row.source);
    found.push({ ...row, dynamic: row.language === 'plpgsql' && DYNAMIC.test(source) });
  }
  return found;
}

function check({
  signature,
  schema,
  kind,
  result,
  open,
  givable,
}: OwnFunction & { readonly kind: string; readonly result: string }): void {
  if (isSystemSchema(schema))
    throw forbidden(signature, 'it is PostgreSQL’s own, and not on its list');
  if (schema === FUNCTION_SCHEMA) throw forbidden(signature, 'it is the function of another tool');
  if (kind !== 'f') throw forbidden(signature, 'only plain functions can be listed');
  if (/^(trigger|event_trigger|internal)$/.test(result))
    throw forbidden(signature, 'a statement cannot call it');
  if (!open && !givable)
    throw new SignalboxError(
      'TOOL_UNRESOLVED',
      `the broker may not hand on EXECUTE on \`${signature}\``,
      {
        help: `as its owner: GRANT EXECUTE ON FUNCTION ${signature} TO <broker> WITH GRANT OPTION`,
      },
    );
}

/** A list that names more than is called would allow it to the next statement. */
export function checkUsed(own: readonly OwnFunction[], used: ReadonlySet<number>): void {
  const idle = own.find(({ oid }) => !used.has(oid));
  if (idle !== undefined)
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `\`functions\` names \`${idle.signature}\`, which the statement does not call`,
      { help: 'take it out of `functions`' },
    );
}

/** What one of them adds to a tool, in words. */
export function toldOf(one: OwnFunction, does: { readonly writes: boolean }): string {
  const traits = [
    one.definer ? `with the rights of ${one.owner}` : 'with the caller’s rights',
    one.volatile ? 'volatile' : 'declared to change nothing',
    one.language,
    ...(one.dynamic ? ['it builds SQL as it runs: what it does cannot be told'] : []),
    ...(does.writes && !one.volatile ? ['it may call what is volatile'] : []),
  ];
  return `calls ${one.signature}, a function of this database (${traits.join(', ')})`;
}
