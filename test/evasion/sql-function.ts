/**
 * The same fixed statements with `enforce: function`, attacked by their arguments, and by a thief who is at the database with
 * a login just like the one minted for the run: there nothing of Signalbox stands in the way.
 */
import pg from 'pg';
import { handOnText } from '../../src/connectors/postgres/grants-direct.ts';
import { openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { ARGUMENT_CASES, ARGUMENT_CONTROLS } from './sql/argument-cases.ts';
import { fixedConfig } from './sql/fixed-tools.ts';
import { leaksIn } from './sql/leaks.ts';
import { openTarget, type SqlTarget } from './sql/target.ts';
import { THIEF_CASES } from './sql/thief-cases.ts';
import { AGENT, caseOf, controlOf, verifiedBy } from './sql-arguments.ts';

export const sqlFunction: Group = {
  name: 'sql-function',
  async open(): Promise<Stand> {
    const target = await openTarget();
    const config = fixedConfig(target, AGENT, 'function');
    const secrets = { 'acme-broker': target.acme.broker.password };
    const gateway = await openGateway({ config, agent: AGENT, secrets }).catch(
      async (error: unknown) => {
        await target.stop();
        throw error;
      },
    );
    const thief = await stolen(target, () => gateway.call('get_customer', { id: 1 }));
    return {
      cases: [
        ...ARGUMENT_CASES.map((one) => caseOf(one, target, gateway)),
        ...THIEF_CASES.map(([name, sql]) => thiefCase(name, sql, target, thief)),
      ],
      controls: [
        ...ARGUMENT_CONTROLS.map((one) => controlOf(one, target, gateway)),
        calls(thief),
        {
          name: 'verify: the database binds the rows',
          async attempt() {
            const { notes } = await verifiedBy(gateway);
            const said = notes.some((note) =>
              note.startsWith('rows of public.customers are bound by the database'),
            );
            const only = notes.filter((note) => note.includes('are bound by the statements of'));
            return said && only.length === 0 ? null : notes.join('; ');
          },
        },
      ],
      async close() {
        await gateway.close();
        await target.stop();
      },
    };
  },
};

interface Thief {
  readonly login: pg.ClientConfig;
  /** Of `get_customer`: `schema.name`, and its owner. */
  readonly fn: string;
  readonly owner: string;
}

/** A login like that of the run, with its rights, whose password is known here: the run goes on with its own. */
async function stolen(target: SqlTarget, use: () => Promise<unknown>): Promise<Thief> {
  await use();
  const [holder] = await target.rows(`SELECT rolname FROM pg_roles WHERE rolname ~ '^sbx_grant_'`);
  const grants = String(holder?.rolname);
  const user = 'thief';
  await target.rows(`CREATE ROLE thief LOGIN PASSWORD 'stolen'`);
  await target.rows(
    target.server.major >= 16
      ? `GRANT ${pg.escapeIdentifier(grants)} TO thief WITH INHERIT TRUE, SET FALSE`
      : handOnText(grants, user),
  );
  const [made] = await target.rows(
    `SELECT p.oid::regproc::text AS fn, quote_ident(r.rolname) AS owner
     FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
     WHERE p.pronamespace = 'signalbox'::regnamespace
       AND pg_get_function_result(p.oid) = 'TABLE(id integer, name text, plan text)'`,
  );
  const { host, port } = target.server;
  return {
    login: { host, port, user, password: 'stolen', database: target.acme.database },
    fn: String(made?.fn),
    owner: String(made?.owner),
  };
}

function thiefCase(name: string, sql: string, target: SqlTarget, thief: Thief): Case {
  const text = sql
    .replaceAll('$fn', () => thief.fn)
    .replaceAll('$owner', () => thief.owner)
    .replaceAll('$schema', 'signalbox');
  return {
    name: `a thief: ${name}`,
    async attempt() {
      const before = await target.state();
      const { rows, said } = await tried(thief, text);
      const after = await target.state();
      return [
        ...rows.map((row) => `came out: ${row}`),
        ...leaksIn([...rows, ...said].join('\n')),
        ...[...after].flatMap(([what, is]) =>
          before.get(what) === is ? [] : [`${what}: changed at the target`],
        ),
      ];
    },
  };
}

/** A session of its own for each attempt, with everything the server said in it. */
async function tried(
  { login }: Thief,
  sql: string,
): Promise<{ readonly rows: readonly string[]; readonly said: readonly string[] }> {
  const client = new pg.Client(login);
  const said: string[] = [];
  client.on('notice', ({ message }) => said.push(String(message)));
  client.on('error', () => {});
  await client.connect();
  try {
    const results = [await client.query(sql)].flat();
    return { rows: results.flatMap(({ rows }) => rows).map((row) => JSON.stringify(row)), said };
  } catch (error) {
    return { rows: [], said: [...said, String((error as Error).message)] };
  } finally {
    await client.end();
  }
}

function calls(thief: Thief): Control {
  return {
    name: 'the login may call the function that is its tool',
    async attempt() {
      const { rows, said } = await tried(thief, `SELECT * FROM ${thief.fn}(1)`);
      return rows.length === 1 && rows[0]?.includes('"id":1') ? null : said.join();
    },
  };
}
