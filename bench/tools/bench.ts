/**
 * `npm run bench -- tools [--json] [--short]`
 *
 * One read of each kind of tool, asked directly over HTTP and through Signalbox over MCP, on one connection, in turns.
 * `ratio`: what is left of the governed time without one commit, over the direct time. Beside it what checking costs.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startPostgres } from '../../examples/acme/postgres.ts';
import { createAcme } from '../../examples/acme/schema.ts';
import { optionsOf } from '../../scripts/options.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { beginRun, type RunHandle } from '../../test/crash/agent.ts';
import { claimOperator } from '../../test/crash/operator.ts';
import { closeConnections, send } from '../../test/crash/wire.ts';
import { type Part, startPart } from '../toolcall/parts.ts';
import { median } from '../toolcall/summary.ts';
import { guardedQueryUs, pinCheckUs } from './checks.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
});
const ROUNDS = values.short ? 3 : 8;
const CALLS = values.short ? 150 : 400;

interface Row {
  readonly connector: string;
  readonly directP50ms: number;
  readonly governedP50ms: number;
  readonly commitMs: number;
  readonly ratio: number;
}

interface Lane {
  readonly connector: string;
  /** One direct call; the number of rows that came. */
  direct(n: number): Promise<void>;
  readonly tool: string;
  args(n: number): JsonObject;
}

const HEADERS = { 'mcp-protocol-version': '2025-11-25' };

async function measure(
  lane: Lane,
  governed: Part,
  agentsUrl: string,
  run: RunHandle,
): Promise<Row> {
  const direct: number[] = [];
  const through: number[] = [];
  const commits: number[] = [];
  const call = async (n: number): Promise<void> => {
    const params = { name: lane.tool, arguments: lane.args(n) };
    const message = { jsonrpc: '2.0', id: n + 1, method: 'tools/call', params };
    const reply = await send('POST', `${agentsUrl}/mcp`, run.token, message, HEADERS);
    const { isError } = (reply?.body.result ?? { isError: true }) as JsonObject;
    if (isError === true) throw new Error(`${lane.tool}: ${JSON.stringify(reply)}`);
  };
  for (let round = -1; round < ROUNDS; round++) {
    const [plain, held] = [await times(lane.direct), await times(call)];
    const took = await governed.ask<number[]>({ ask: 'commits' });
    // the first round warms up
    if (round < 0) continue;
    direct.push(...plain);
    through.push(...held);
    commits.push(...took);
  }
  const directP50ms = median(direct);
  const governedP50ms = median(through);
  const commitMs = median(commits);
  const ratio = (governedP50ms - commitMs) / directP50ms;
  return { connector: lane.connector, directP50ms, governedP50ms, commitMs, ratio };
}

async function times(call: (n: number) => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const from = performance.now();
    await call(n);
    took.push(performance.now() - from);
  }
  return took;
}

function lanesOf(direct: Part, echo: Part): Lane[] {
  const idOf = (n: number): JsonObject => ({ id: (n % 500) + 1 });
  const post = async (url: string, body: JsonObject): Promise<void> => {
    if ((await send('POST', url, null, body))?.status !== 200) throw new Error(`${url} failed`);
  };
  return [
    {
      connector: 'postgres',
      direct: (n) => post(`${direct.url}/pg`, idOf(n)),
      tool: 'get_customer',
      args: idOf,
    },
    {
      connector: 'sqlite',
      direct: (n) => post(`${direct.url}/sqlite`, idOf(n)),
      tool: 'get_local',
      args: idOf,
    },
    {
      connector: 'http',
      direct: async (n) => void (await send('GET', `${echo.url}/echo?text=t${n}`, null)),
      tool: 'say',
      args: (n) => ({ text: `t${n}` }),
    },
    {
      connector: 'mcp',
      direct: (n) =>
        post(`${echo.url}/mcp`, {
          ...{ jsonrpc: '2.0', id: n, method: 'tools/call' },
          params: { name: 'echo', arguments: { text: `t${n}` } },
        }),
      tool: 'echo',
      args: (n) => ({ text: `t${n}` }),
    },
  ];
}

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
const file = join(folder, 'shop.db');
const server = await startPostgres();
const parts: Part[] = [];
try {
  const acme = await createAcme(server);
  const { rows: customers } = await server.query(
    'SELECT id, name, plan FROM customers',
    [],
    acme.database,
  );
  const sqlite = new DatabaseSync(file);
  sqlite.exec('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, plan TEXT); BEGIN');
  const insert = sqlite.prepare('INSERT INTO customers VALUES (?, ?, ?)');
  for (const { id, name, plan } of customers) insert.run(Number(id), String(name), String(plan));
  sqlite.exec('COMMIT');
  sqlite.close();
  const { host, port, user, password } = server;
  const where = { host, port, user, password, database: acme.database };
  const start = async (name: string, args: readonly string[] = []): Promise<Part> => {
    const part = await startPart(name, args);
    parts.push(part);
    return part;
  };
  const direct = await start('../tools/direct', [JSON.stringify(where), file]);
  const echo = await start('echo');
  const governed = await start('../tools/governed', [join(folder, 'data')]);
  const { agentsUrl, operatorsUrl, setupCode } = await governed.ask<{
    readonly agentsUrl: string;
    readonly operatorsUrl: string;
    readonly setupCode: string;
  }>({ ask: 'where' });
  const operator = await claimOperator(operatorsUrl, setupCode);
  await operator.secret(operatorsUrl, 'acme-broker', acme.broker.password);
  const config = `
version: 1
organisation: { name: bench }
loops: off
connections:
  acme-db: { kind: postgres, host: ${host}, port: ${port}, database: ${acme.database}, user: ${acme.broker.user}, secret: acme-broker }
  local: { kind: sqlite, path: ${file} }
  pages: { kind: http, url: ${echo.url}, allowPrivate: true }
  echo: { kind: mcp, url: ${echo.url}/mcp, allowPrivate: true, toolPrefix: '', serve: { tools: { echo: read, keep: false } } }
tools:
  get_customer: { connection: acme-db, description: One, sql: 'select id, name, plan from customers where id = :id', input: { id: { type: integer } } }
  get_local: { connection: local, description: One, sql: 'select id, name, plan from customers where id = :id', input: { id: { type: integer } } }
  say: { connection: pages, description: Says, http: { method: GET, path: /echo, query: { text: '{text}' } }, input: { text: { type: string } } }
agents:
  load: { owner: dana@acme.example }
grants:
  - { agent: load, tools: [get_customer, get_local, say, echo], rung: read }
limits:
  run: { calls: 100000000 }
`;
  await operator.planAndApply(operatorsUrl, config, ['echo']);
  const run = await beginRun(agentsUrl, await operator.enrol(operatorsUrl, 'load'), 'bench');
  if (run === null) throw new Error('no run could be started');
  const rows: Row[] = [];
  for (const lane of lanesOf(direct, echo)) {
    rows.push(await measure(lane, governed, agentsUrl, run));
    process.stderr.write(`${lane.connector}\n`);
  }
  const summary = { rows, pinCheckUs: await pinCheckUs(), guardedQueryUs: await guardedQueryUs() };
  if (values.json) console.log(JSON.stringify(summary));
  else {
    console.table(rows);
    console.log({ pinCheckUs: summary.pinCheckUs, guardedQueryUs: summary.guardedQueryUs });
  }
} finally {
  for (const part of parts.reverse()) await part.stop();
  await closeConnections();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
