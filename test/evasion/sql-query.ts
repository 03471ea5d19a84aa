/** The guarded query, attacked by its text. What it may read is the tool's; what it must not run, the server's log tells. */

import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { leaksIn } from './sql/leaks.ts';
import { HARMLESS, HONEST, REFUSED } from './sql/query-cases.ts';
import { MORE_HARMLESS, MORE_REFUSED } from './sql/query-cases-more.ts';
import { openTarget, type SqlTarget } from './sql/target.ts';
import { rowsIn } from './sql-arguments.ts';

const AGENT = 'analyst';
/** A query that keeps the server busy for longer has got around the bounds on time and cost. */
const MAX_MS = 5_000;
const MAX_ROWS = 100;

const config = ({ acme, server }: SqlTarget): string => `
version: 1
organisation: { name: acme }
loops: off
connections:
  acme-db:
    kind: postgres
    environment: staging
    host: ${server.host}
    port: ${server.port}
    database: ${acme.database}
    user: ${acme.broker.user}
    secret: acme-broker
tools:
  explore:
    connection: acme-db
    description: Explores customers and orders
    query:
      tables:
        customers: [id, name, city, plan, created_at]
        orders: [id, customer_id, amount_cents, status, created_at]
    cap: { rowsRead: ${MAX_ROWS} }
    timeoutMs: 4000
  # its role may read and change more than the query may
  contact:
    connection: acme-db
    description: How to reach one customer
    sql: select email, notes from customers where id = :id and id < 0
    input: { id: { type: integer } }
  rename:
    connection: acme-db
    description: Renames one customer
    sql: update customers set name = :name where id = :id
    input: { id: { type: integer }, name: { type: string } }
agents:
  ${AGENT}: { owner: dana@acme.example }
grants:
  - { agent: ${AGENT}, tools: [explore, contact], rung: read }
  - { agent: ${AGENT}, tools: [rename], rung: approve }
limits:
  run: { calls: 100000, rowsRead: 1000000 }
  agentDay: { calls: 100000 }
`;

export const sqlQuery: Group = {
  name: 'sql-query',
  async open(): Promise<Stand> {
    const target = await openTarget();
    const secrets = { 'acme-broker': target.acme.broker.password };
    const options = { config: config(target), agent: AGENT, secrets };
    const gateway = await openGateway(options).catch(async (error: unknown) => {
      await target.stop();
      throw error;
    });
    return {
      cases: [
        ...Object.entries({ ...REFUSED, ...MORE_REFUSED }).map((one) =>
          caseOf(one, target, gateway, false),
        ),
        ...Object.entries({ ...HARMLESS, ...MORE_HARMLESS }).map((one) =>
          caseOf(one, target, gateway, true),
        ),
      ],
      controls: Object.entries(HONEST).map((one) => controlOf(one, target, gateway)),
      async close() {
        await gateway.close();
        await target.stop();
      },
    };
  },
};

function caseOf(
  [name, sql]: [string, string],
  target: SqlTarget,
  gateway: Gateway,
  mayRun: boolean,
): Case {
  return {
    name,
    async attempt() {
      const before = await target.state();
      await target.completed();
      const from = performance.now();
      const { whole, result } = await gateway.call('explore', { sql });
      const ms = performance.now() - from;
      const ran = (await target.completed()).filter(isItsOwn);
      const after = await target.state();
      const rows = rowsIn(result);
      return [
        ...leaksIn(whole),
        ...(rows.length > MAX_ROWS ? [`${rows.length} rows came out`] : []),
        ...(ran.length > 0 && !mayRun ? [`ran at the target: ${ran[0]?.slice(0, 200)}`] : []),
        ...(ms > MAX_MS ? [`kept the target busy for ${Math.round(ms)} ms`] : []),
        ...[...after].flatMap(([what, is]) =>
          before.get(what) === is ? [] : [`${what}: changed at the target`],
        ),
      ];
    },
  };
}

/** A completed statement that is not one of the gateway's own steps around it. */
function isItsOwn(text: string): boolean {
  return (
    !/^(?:BEGIN|COMMIT|ROLLBACK|EXPLAIN \(FORMAT JSON\) |SELECT pg_catalog\.(?:set_config|pg_backend_pid)\()/.test(
      text,
    ) && !/^\s*WITH relations AS \(SELECT unnest/.test(text)
  );
}

function controlOf([name, sql]: [string, string], target: SqlTarget, gateway: Gateway): Control {
  return {
    name,
    async attempt() {
      const wanted = canonical(await target.rows(sql));
      const { said, whole, result } = await gateway.call('explore', { sql });
      if (said.kind !== 'done') return whole;
      const got = canonical(rowsIn(result));
      return got === wanted ? null : `expected ${wanted}, got ${got}`;
    },
  };
}

/** Times as both sides can be told; 64-bit numbers are texts for one of them. */
function canonical(rows: readonly Record<string, unknown>[]): string {
  const told = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value instanceof Date
          ? value.getTime()
          : typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)
            ? Date.parse(value)
            : typeof value === 'string' && /^\d+$/.test(value)
              ? Number(value)
              : value,
      ]),
    ),
  );
  return JSON.stringify(told);
}
