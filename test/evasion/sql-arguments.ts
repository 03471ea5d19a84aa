/** Fixed statements, attacked by their arguments. What may come out is what the database itself gives for the same values. */
import pg from 'pg';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import type { VerifiedGrants } from '../../src/domain/verified.ts';
import { send } from '../crash/wire.ts';
import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { ARGUMENT_CASES, ARGUMENT_CONTROLS, type ArgumentCase } from './sql/argument-cases.ts';
import { FIXED_TOOLS, fixedConfig } from './sql/fixed-tools.ts';
import { leaksIn } from './sql/leaks.ts';
import { openTarget, type Row, type SqlTarget } from './sql/target.ts';

export const AGENT = 'support';

export const sqlArguments: Group = {
  name: 'sql-arguments',
  async open(): Promise<Stand> {
    const target = await openTarget();
    const config = fixedConfig(target, AGENT);
    const secrets = { 'acme-broker': target.acme.broker.password };
    const gateway = await openGateway({ config, agent: AGENT, secrets }).catch(
      async (error: unknown) => {
        await target.stop();
        throw error;
      },
    );
    return {
      cases: ARGUMENT_CASES.map((one) => caseOf(one, target, gateway)),
      controls: [
        ...ARGUMENT_CONTROLS.map((one) => controlOf(one, target, gateway)),
        ...verifyControls(gateway),
      ],
      async close() {
        await gateway.close();
        await target.stop();
      },
    };
  },
};

export function caseOf(one: ArgumentCase, target: SqlTarget, gateway: Gateway): Case {
  return {
    name: `${one.tool}: ${one.name}`,
    async attempt() {
      const before = await target.state();
      const { whole, result } = await gateway.call(one.tool, one.args);
      const after = await target.state();
      const permitted = await expected(one, target);
      const got = FIXED_TOOLS[one.tool]?.writes ? [] : rowsIn(result);
      return [
        ...leaksIn(whole),
        ...[...after].flatMap(([what, is]) =>
          before.get(what) === is ? [] : [`${what}: changed at the target`],
        ),
        ...got
          .filter((row) => !permitted.has(JSON.stringify(row)))
          .map((row) => `came out: ${JSON.stringify(row)}`),
      ];
    },
  };
}

export function controlOf(one: ArgumentCase, target: SqlTarget, gateway: Gateway): Control {
  return {
    name: `${one.tool}: ${one.name}`,
    async attempt() {
      const wanted = await expected(one, target);
      const { said, whole, result } = await gateway.call(one.tool, one.args);
      if (said.kind !== 'done') return whole;
      const got = rowsIn(result).map((row) => JSON.stringify(row));
      if (FIXED_TOOLS[one.tool]?.writes)
        return one.proof === undefined ? null : proven(one.proof, target);
      return got.length === wanted.size && got.every((row) => wanted.has(row))
        ? null
        : `expected ${[...wanted].join()}, got ${got.join()}`;
    },
  };
}

/** What the database itself says of the same agent's login. */
export async function verifiedBy({ operator, operatorsUrl }: Gateway): Promise<VerifiedGrants> {
  const reply = await send('POST', `${operatorsUrl}/api/verify`, operator.key, { agent: AGENT });
  const { verified: found } = reply?.body ?? {};
  if (!Array.isArray(found)) throw new Error(`no answer: ${JSON.stringify(reply)}`);
  return found[0] as unknown as VerifiedGrants;
}

function verifyControls(gateway: Gateway): Control[] {
  const verified = (): Promise<VerifiedGrants> => verifiedBy(gateway);
  return [
    {
      name: 'verify: the database refuses what no tool needs',
      async attempt() {
        const { probes } = await verified();
        const refused = new Set(probes.filter((one) => !one.allowed).map((one) => one.what));
        const missing = MUST_REFUSE.filter((what) => !refused.has(what));
        return missing.length === 0 ? null : `not refused: ${missing.join()}`;
      },
    },
    {
      name: 'verify: what a careless administrator gave to everybody is found',
      async attempt() {
        const beyond = (await verified()).beyond.join('\n');
        const missed = MUST_FIND.filter((what) => !beyond.includes(what));
        return missed.length === 0 ? null : `not found: ${missed.join()}`;
      },
    },
    {
      name: 'verify: rows that only the statement binds are said',
      async attempt() {
        const { notes } = await verified();
        const said = notes.some((note) =>
          note.startsWith('rows of public.customers are bound by the'),
        );
        return said ? null : notes.join('; ');
      },
    },
  ];
}

const MUST_REFUSE = [
  'read email of public.customers',
  'update email of public.customers',
  'delete from public.customers',
  'read id of public.payroll',
  'update status of public.orders',
  'make roles',
];
const MUST_FIND = ['of vault.keys', 'of public.customer_emails', 'call public.leak_email(integer)'];

async function proven(sql: string, target: SqlTarget): Promise<string | null> {
  const [row] = await target.rows(sql);
  return Object.values(row ?? {})[0] === true ? null : `not so at the target: ${sql}`;
}

/** The rows that the very statement gives at the database, its values bound by another client. None when it refuses. */
async function expected({ tool, args }: ArgumentCase, target: SqlTarget): Promise<Set<string>> {
  const { sql = '', inputs = {}, writes } = FIXED_TOOLS[tool] ?? {};
  if (writes) return new Set();
  const names = Object.keys(inputs);
  const text = sql.replace(/(?<!:):([a-z_]+)/g, (_, name: string) => `$${names.indexOf(name) + 1}`);
  const values = names.map((name) => {
    const value = args[name] ?? null;
    return inputs[name]?.type === 'object' ? JSON.stringify(value) : value;
  });
  const client = new pg.Client({
    ...{ host: target.server.host, port: target.server.port, user: target.server.user },
    ...{ password: target.server.password, database: target.acme.database },
    // numbers and times as the gateway tells them
    options: '-c timezone=UTC -c datestyle=ISO',
  });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(text, values);
    return new Set(rows.map((row) => JSON.stringify(told(row))));
  } catch {
    return new Set();
  } finally {
    await client.end();
  }
}

/** pg gives 64-bit numbers as texts. */
function told(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name === 'amount_cents' || name === 'total' ? Number(value) : value,
    ]),
  );
}

export function rowsIn(result: JsonObject): JsonObject[] {
  const { rows } = result;
  return Array.isArray(rows) ? rows.filter(isJsonObject) : [];
}
