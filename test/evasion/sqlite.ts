/**
 * SQLite tools: fixed statements attacked by their arguments, and statements that reach for more and must not become tools.
 * What may come out is what another connection gives for the same values; the file itself says whether it changed.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { createSqliteInspector } from '../../src/connectors/sqlite/inspector.ts';
import type { Connection, Tool } from '../../src/domain/bundle.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { realDoors } from '../../src/doors.ts';
import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { ARGUMENT_CASES, ARGUMENT_CONTROLS, type ArgumentCase } from './sql/argument-cases.ts';
import { configOf, type FixedTool } from './sql/fixed-config.ts';
import { leaksIn } from './sql/leaks.ts';
import { SQLITE_STATEMENTS, SQLITE_TOOLS } from './sql/sqlite-cases.ts';
import { CANARY } from './sql/target.ts';
import { rowsIn } from './sql-arguments.ts';

const AGENT = 'support';

export const sqlite: Group = {
  name: 'sqlite',
  async open(): Promise<Stand> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-evasion-sqlite-'));
    const file = join(folder, 'shop.db');
    fill(file);
    const gateway = await openGateway({ config: configFor(file), agent: AGENT, secrets: {} });
    const target: Target = { folder, file };
    const ours = ({ tool }: ArgumentCase): boolean => Object.hasOwn(SQLITE_TOOLS, tool);
    return {
      cases: [
        ...ARGUMENT_CASES.filter(ours).map((one) => caseOf(one, target, gateway)),
        ...SQLITE_STATEMENTS.refused.map((sql) => statementCase(sql, target)),
      ],
      controls: [
        ...ARGUMENT_CONTROLS.filter(ours).map((one) => controlOf(one, target, gateway)),
        ...SQLITE_STATEMENTS.allowed.map((sql) => statementControl(sql, target)),
      ],
      async close() {
        await gateway.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

interface Target {
  readonly folder: string;
  readonly file: string;
}

function fill(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, plan TEXT, email TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount_cents INTEGER, status TEXT
      CHECK (status IN ('open', 'paid')));
    CREATE TABLE payroll (id INTEGER PRIMARY KEY, employee TEXT, salary TEXT);
    CREATE VIEW emails AS SELECT id, email FROM customers;
    CREATE TABLE side_effects (what TEXT)`);
  const cities = ['Graz', `L'Aquila`, 'Graz--Umgebung', 'Graz; Linz', 'Ζαγορά 東京', '$1', ''];
  const add = database.prepare('INSERT INTO customers VALUES (?, ?, ?, ?, ?)');
  const pay = database.prepare('INSERT INTO payroll VALUES (?, ?, ?)');
  const order = database.prepare(`INSERT INTO orders VALUES (?, ?, ?, 'paid')`);
  for (let id = 1; id <= 500; id++) {
    const name = `${['Ana', 'Ben', 'Eva'][id % 3]} ${id}`;
    const plan = ['free', 'team', 'business'][id % 3] ?? 'free';
    add.run(id, name, cities[id % cities.length] ?? '', plan, `${CANARY}-email-${id}`);
    if (id <= 20) pay.run(id, `${CANARY}-employee-${id}`, `${CANARY}-pay-${id}`);
    for (const n of [0, 500, 1000]) order.run(id + n, id, id * 100);
  }
  database.close();
}

function configFor(file: string): string {
  const at = `kind: sqlite, environment: staging, path: ${JSON.stringify(file)}`;
  return configOf({ agent: AGENT, tools: SQLITE_TOOLS, connection: 'shop', at });
}

/** Everything that must not change; the plan of customer 1 and his newer orders are the tools' own. */
async function stateOf({ folder, file }: Target): Promise<Map<string, string>> {
  const all = (sql: string): string => JSON.stringify(ask(file, sql));
  const files = (await readdir(folder)).filter(
    (name) => !/^shop\.db(-wal|-shm|-journal)?$/.test(name),
  );
  return new Map([
    ['customers', all(`SELECT id, name, city, email, iif(id = 1, '', plan) FROM customers`)],
    ['orders', all('SELECT * FROM orders WHERE NOT (customer_id = 1 AND id > 1500)')],
    ['payroll', all('SELECT * FROM payroll')],
    ['side effects', all('SELECT * FROM side_effects')],
    ['schema', all('SELECT type, name, sql FROM sqlite_master ORDER BY name')],
    [
      'pragmas',
      all('SELECT * FROM pragma_user_version, pragma_application_id, pragma_journal_mode'),
    ],
    ['files beside it', files.join()],
  ]);
}

function ask(file: string, sql: string, values: Record<string, SQLInputValue> = {}): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all(values);
  } finally {
    database.close();
  }
}

/** The rows that the very statement gives to another connection. None when it cannot take the values. */
function expected({ tool, args }: ArgumentCase, { file }: Target): Set<string> {
  const { sql, writes } = SQLITE_TOOLS[tool] as FixedTool;
  if (writes) return new Set();
  try {
    const rows = ask(file, sql, args as Record<string, SQLInputValue>);
    return new Set(rows.map((row) => JSON.stringify(row)));
  } catch {
    return new Set();
  }
}

function caseOf(one: ArgumentCase, target: Target, gateway: Gateway): Case {
  return {
    name: `${one.tool}: ${one.name}`,
    async attempt() {
      const before = await stateOf(target);
      const { whole, result } = await gateway.call(one.tool, one.args);
      const after = await stateOf(target);
      const permitted = expected(one, target);
      const got = SQLITE_TOOLS[one.tool]?.writes ? [] : rowsIn(result);
      return [
        ...leaksIn(whole),
        ...[...after].flatMap(([what, is]) =>
          before.get(what) === is ? [] : [`${what}: changed`],
        ),
        ...got
          .filter((row) => !permitted.has(JSON.stringify(row)))
          .map((row) => `came out: ${JSON.stringify(row)}`),
      ];
    },
  };
}

function controlOf(one: ArgumentCase, target: Target, gateway: Gateway): Control {
  return {
    name: `${one.tool}: ${one.name}`,
    async attempt() {
      const wanted = expected(one, target);
      const { said, whole, result } = await gateway.call(one.tool, one.args);
      if (said.kind !== 'done') return whole;
      if (SQLITE_TOOLS[one.tool]?.writes) {
        const [row] = ask(target.file, one.proof ?? 'SELECT 1') as JsonObject[];
        return Object.values(row ?? {})[0] === 1 ? null : `not so at the target: ${one.proof}`;
      }
      const got = rowsIn(result).map((row) => JSON.stringify(row));
      return got.length === wanted.size && got.every((row) => wanted.has(row))
        ? null
        : `expected ${[...wanted].join()}, got ${got.join()}`;
    },
  };
}

/** A statement that reaches for more: what a careless author, or an agent that edits the file, could propose. */
function statementCase(sql: string, target: Target): Case {
  return {
    name: `a tool of ${sql.replaceAll(/\s+/g, ' ').slice(0, 80)}`,
    async attempt() {
      const before = await stateOf(target);
      const taken = await derived(sql, target).then(
        ({ effect }) => [`it was taken for a ${effect}`],
        () => [],
      );
      const after = await stateOf(target);
      return [
        ...taken,
        ...[...after].flatMap(([what, is]) =>
          before.get(what) === is ? [] : [`${what}: changed`],
        ),
      ];
    },
  };
}

function statementControl(sql: string, target: Target): Control {
  return {
    name: `a tool of ${sql}`,
    attempt: () =>
      derived(sql, target).then(
        () => null,
        (error: Error) => error.message,
      ),
  };
}

async function derived(sql: string, { file }: Target): Promise<{ readonly effect: string }> {
  const connection: Connection = {
    ...{ name: 'shop', kind: 'sqlite', environment: 'staging' },
    settings: { path: file },
  };
  const draft: Tool = {
    ...{ name: 't', description: 't', connection: 'shop', inputSchema: {}, effect: 'read' },
    ...{ reversibility: 'none', idempotent: false, recoveryPath: false, cap: effectVector({}) },
    ...{ maxResultBytes: 1_000, timeoutMs: 1_000, derivation: [], digest: 't', binding: { sql } },
  };
  return createSqliteInspector(realDoors()).derive(draft, connection);
}
