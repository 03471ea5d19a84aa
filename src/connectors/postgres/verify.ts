import pg from 'pg';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Credential } from '../../domain/credential.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Probe, Verified } from '../../domain/verified.ts';
import { bindingOf, type PostgresBinding } from './binding.ts';
import { CATALOGUE_PATH, clientConfig, targetOf } from './login.ts';
import {
  checkValues,
  FUNCTION_CHECK,
  FUNCTION_SCHEMA,
  type FunctionNames,
  functionNames,
} from './tool-function.ts';
import { verifyNotes } from './verify-notes.ts';
import { type Relation, relationsIn, tried, wantedOf } from './verify-tables.ts';

/*
 * Least privilege, asked of the database itself by the minted login: whatever no tool needs is tried, in a transaction
 * that is rolled back, and must be refused with 42501. What the catalogue says the login may do is not done: no trigger
 * of anybody fires here.
 */

const LIMITS = `BEGIN; SET LOCAL statement_timeout = '3s'; SET LOCAL lock_timeout = '500ms'`;

export interface Verifying {
  readonly connection: Connection;
  readonly tools: readonly Tool[];
  readonly credential: Credential | null;
  /** The role that its login is a member of, and the broker's own. */
  readonly roles: readonly string[];
}

export async function verifyLogin(asked: Verifying): Promise<Verified> {
  const { connection, tools, credential, roles } = asked;
  if (credential?.kind !== 'login')
    throw new SignalboxError('CREDENTIAL_FAILED', 'there is no login to verify with');
  const { user, password } = credential;
  const login = {
    ...{ user, password, label: 'signalbox verify' },
    settings: { search_path: CATALOGUE_PATH },
  };
  const client = new pg.Client(clientConfig(targetOf(connection), login));
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(LIMITS);
    const bindings = tools.map((tool) => ({ tool, binding: bindingOf(tool) }));
    const { relations, more } = await relationsIn(client);
    const made = functionsOf(connection, bindings);
    const probes = [
      ...(await tableProbes(client, relations, bindings)),
      ...(await powerProbes(client, [...roles, ...made.map(({ owner }) => owner)])),
      ...(await madeProbes(client, made)),
      ...(await functionProbes(client, made, new Set(bindings.flatMap(called)))),
    ];
    const beyond = probes
      .filter(({ needed, allowed }) => allowed && !needed)
      .map(({ what, said }) => `${what} (${said})`);
    const lacking = probes
      .filter(({ needed, allowed }) => needed && !allowed)
      .map(({ what, said }) => `cannot ${what}, which a tool needs (${said})`);
    const notes = await verifyNotes(client, relations, bindings);
    const cut = more ? ['there are more tables than were tried'] : [];
    return { probes, beyond: [...beyond, ...lacking], notes: [...notes, ...cut] };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    await client.end().catch(() => {});
  }
}

export interface Bound {
  readonly tool: Tool;
  readonly binding: PostgresBinding;
}

async function tableProbes(
  client: pg.Client,
  relations: readonly Relation[],
  bindings: readonly Bound[],
): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const relation of relations)
    for (const wanted of wantedOf(relation, bindings)) probes.push(await tried(client, wanted));
  return probes;
}

/** What a login could make of itself. */
async function powerProbes(client: pg.Client, roles: readonly string[]): Promise<Probe[]> {
  const powers: [string, string][] = [
    ...roles.map((role): [string, string] => [
      `become ${role}`,
      `SET LOCAL ROLE ${pg.escapeIdentifier(role)}`,
    ]),
    ['make roles', 'CREATE ROLE sbx_verify'],
    ['make schemas', 'CREATE SCHEMA sbx_verify'],
    ['make tables', 'CREATE TABLE public.sbx_verify (id int)'],
    ['outlive its validity', `ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'`],
    ['read files of the server', `SELECT pg_read_file('PG_VERSION')`],
    ['run programs of the server', `COPY (SELECT 1) TO PROGRAM 'true'`],
    ['see what others run', `SELECT rolpassword FROM pg_authid LIMIT 0`],
  ];
  const probes: Probe[] = [];
  for (const [what, sql] of powers)
    probes.push(await tried(client, { what, sql, needed: false, held: null }));
  return probes;
}

/** A tool whose statement stands in a function calls with the rights of that function's owner. */
function called({ binding: { calls = [], function: made } }: Bound): number[] {
  return made === undefined ? calls.map(({ oid }) => oid) : [];
}

interface Made extends FunctionNames {
  readonly tool: string;
  readonly values: readonly string[];
}

function functionsOf(connection: Connection, bindings: readonly Bound[]): Made[] {
  return bindings.flatMap(({ tool, binding }) => {
    if (binding.function === undefined) return [];
    const values = checkValues(connection, tool.digest, binding.function);
    return [{ ...functionNames(connection, tool.digest), tool: tool.name, values }];
  });
}

/** The functions that tools stand in: there as planned, and the login may call them. */
async function madeProbes(client: pg.Client, made: readonly Made[]): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const { tool, values } of made) {
    const { rows } = await client.query<{ oid: string | null; callable: boolean | null }>(
      `SELECT f.oid, has_schema_privilege($4::name, 'USAGE')
                     AND has_function_privilege(f.oid::oid, 'EXECUTE') AS callable
       FROM (${FUNCTION_CHECK.text}) AS f(oid)`,
      [...values, FUNCTION_SCHEMA],
    );
    const [found] = rows;
    const asPlanned = found?.oid != null;
    probes.push({
      what: `call the function of \`${tool}\` as it was planned`,
      needed: true,
      allowed: asPlanned && found.callable === true,
      said: !asPlanned ? 'it is missing or changed' : found.callable ? 'it may' : 'not granted',
    });
  }
  return probes;
}

/** Functions that run with their owner's rights, and that this login may call. */
async function functionProbes(
  client: pg.Client,
  made: readonly Made[],
  needed: ReadonlySet<number>,
): Promise<Probe[]> {
  const { rows } = await client.query<{ oid: number; spoken: string; public: boolean }>(
    `SELECT p.oid::int8::float8 AS oid, p.oid::regprocedure::text AS spoken,
            has_function_privilege('public', p.oid, 'EXECUTE') AS public
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prosecdef AND n.nspname !~ '^(pg_|information_schema)'
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
       AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
       AND NOT (n.nspname = $1 AND p.proname = ANY ($2::text[]))
     ORDER BY 1 LIMIT 200`,
    [FUNCTION_SCHEMA, made.map(({ name }) => name)],
  );
  return rows.map(({ oid, spoken, public: everybody }) => ({
    what: `call ${spoken} with its owner’s rights`,
    needed: needed.has(oid),
    allowed: true,
    said: everybody ? 'PUBLIC may' : 'it may',
  }));
}
