import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { beginRun, endRun } from '../../src/broker/runs.ts';
import { undo } from '../../src/broker/undo.ts';
import { json, startTarget, type TestTarget } from '../../src/connectors/http/testing/target.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { UndoReport } from '../../src/domain/undo.ts';
import { why } from '../../src/ledger/why.ts';
import { type System, startSystem } from '../../src/system.ts';

/** What agents did is taken back: rows of a real database, files of a real MCP server, items of an HTTP API. */

const FILES = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
);
const OLGA = { name: 'olga', role: 'owner' } as const;

let folder = '';
let system: System;
let target: TestTarget;
let run = '';

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-undo-')));
  await mkdir(join(folder, 'live'));
  target = await startTarget((response, { url }) =>
    json(response, { item: { id: `made-${url?.length}` } }),
  );
  const address = { host: '127.0.0.1', port: 0 };
  const directory = join(folder, '.data');
  system = await startSystem({ directory, agents: address, operators: address, log: () => {} });
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec(`CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, cents INT, stock INT);
    INSERT INTO products VALUES (1, 'tea', 300, 5), (2, 'cup', 900, 7), (3, 'pot', 2500, 1);`);
  database.close();
  await system.apply(await system.plan(config(), 's.yaml', ['files']), OLGA);
});

after(async () => {
  await system.close();
  await target.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  sql(
    `DELETE FROM products; INSERT INTO products VALUES (1, 'tea', 300, 5), (2, 'cup', 900, 7), (3, 'pot', 2500, 1);`,
  );
  for (const name of await readdir(join(folder, 'live'))) await rm(join(folder, 'live', name));
  await writeFile(join(folder, 'live', 'a.txt'), 'one\n');
  target.seen.length = 0;
  run = await begun();
});

const begun = async (): Promise<string> =>
  (await beginRun(system.broker, { agent: 'bot', intent: 'x', budget: {} })).id;

const config = (): string => `version: 1
organisation: { name: acme, domains: [] }
connections:
  shop: { kind: sqlite, environment: staging, path: ${JSON.stringify(join(folder, 'shop.db'))} }
  api: { kind: http, url: "${target.url}", allowPrivate: true }
  files:
    kind: mcp
    command: ${JSON.stringify([process.execPath, FILES, join(folder, 'live')])}
    cwd: ${join(folder, 'live')}
    serve:
      tools:
        move_file:
          effect: destroy
          undo: { tool: files_move_back, arguments: { source: "{destination}", destination: "{source}" } }
        move_back: { of: move_file, effect: destroy }
        write_file: write
tools:
  raise_prices:
    connection: shop
    description: d
    input: { by: { type: integer, minimum: 1, maximum: 1000 }, most: { type: integer } }
    sql: UPDATE products SET cents = cents + :by WHERE id <= :most RETURNING id
    cap: { rowsWritten: 10, rowsRead: 10 }
    undo: { tool: put_price, arguments: { id: "{before:/id}", cents: "{before:/cents}" } }
  put_price:
    connection: shop
    description: d
    input: { id: { type: integer }, cents: { type: integer } }
    sql: UPDATE products SET cents = :cents WHERE id = :id
    cap: { rowsWritten: 10 }
  drop_product:
    connection: shop
    description: d
    input: { id: { type: integer } }
    sql: DELETE FROM products WHERE id = :id
    images: row
    cap: { rowsDeleted: 1 }
    undo:
      tool: make_product
      arguments: { id: "{before:/id}", name: "{before:/name}", cents: "{before:/cents}", stock: "{before:/stock}" }
  make_product:
    connection: shop
    description: d
    input: { id: { type: integer }, name: { type: string }, cents: { type: integer }, stock: { type: integer } }
    sql: INSERT INTO products (id, name, cents, stock) VALUES (:id, :name, :cents, :stock)
    images: row
    undo: { tool: drop_any, arguments: { id: 2 } }
  drop_any:
    connection: shop
    description: d
    input: { id: { type: integer } }
    sql: DELETE FROM products WHERE id = :id
    images: row
    cap: { rowsDeleted: 1 }
  make_item:
    connection: api
    description: d
    input: { name: { type: string } }
    http: { method: POST, path: "/items/{name}" }
    undo: { tool: drop_item, arguments: { id: "{result:/item/id}" } }
  drop_item: { connection: api, description: d, input: { id: { type: string } }, http: { method: DELETE, path: "/items/{id}" } }
agents: { bot: { owner: dana@acme.example }, janitor: { owner: dana@acme.example } }
grants:
  - { agent: bot, tools: [raise_prices, drop_product, make_product, make_item, files_move_file, files_write_file], rung: approve }
  - { agent: janitor, tools: [put_price, make_product, drop_any, drop_item, files_move_back], rung: approve }
`;

function sql(text: string): void {
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec(text);
  database.close();
}

function rows(): unknown {
  const database = new DatabaseSync(join(folder, 'shop.db'), { readOnly: true });
  const found = database.prepare('SELECT id, cents FROM products ORDER BY id').all();
  database.close();
  return found.map(({ id, cents }) => [id, cents]);
}

async function approve(approvalId: string, by = 'olga'): Promise<void> {
  const digest = (await system.broker.store.ask(approvalId))?.approval.digest ?? '';
  await answer(system.broker, { approvalId, digest, answer: 'approved', by, because: 'x' });
}

/** Asked about, approved, done: the id of the action. */
async function did(tool: string, input: JsonObject): Promise<string> {
  const proposal = { runId: run, tool, arguments: input, via: 'test' };
  const parked = await act(system.broker, proposal);
  assert.ok(parked.kind === 'parked', JSON.stringify(parked));
  await approve(parked.approvalId);
  const done = await act(system.broker, proposal);
  assert.ok(done.kind === 'done', JSON.stringify(done));
  return done.actionId;
}

const back = (id: string, as: string | null = 'janitor'): Promise<UndoReport> =>
  undo(system.broker, { id, as, by: 'olga' });

const states = ({ steps }: UndoReport): string[] => steps.map(({ state }) => state);

/** The same again, with every ask approved on the way. */
async function backApproved(id: string): Promise<UndoReport> {
  for (let round = 0; ; round++) {
    const report = await back(id);
    const asked = report.steps.find(({ state }) => state === 'asked');
    if (asked === undefined || round > 20) return report;
    await approve(asked.approval ?? '');
  }
}

test('rows are put back one by one, each approved with what it changes, and never twice', async () => {
  const action = await did('raise_prices', { by: 100, most: 2 });
  assert.deepEqual(rows(), [
    [1, 400],
    [2, 1000],
    [3, 2500],
  ]);
  const first = await back(action);
  assert.deepEqual(states(first), ['asked']);
  assert.deepEqual(
    rows(),
    [
      [1, 400],
      [2, 1000],
      [3, 2500],
    ],
    'nothing is done unasked',
  );
  const ask = await system.broker.store.ask(first.steps[0]?.approval ?? '');
  assert.equal(ask?.measured?.images.length, 1);
  const report = await backApproved(action);
  assert.deepEqual([states(report), report.whole], [['undone'], true]);
  assert.deepEqual(rows(), [
    [1, 300],
    [2, 900],
    [3, 2500],
  ]);
  sql('UPDATE products SET cents = 400 WHERE id = 1');
  assert.deepEqual(states(await back(action)), ['already']);
  assert.deepEqual(
    rows(),
    [
      [1, 400],
      [2, 900],
      [3, 2500],
    ],
    'not twice',
  );
  const told = (await why(system.broker.store, action))?.lines.join('\n') ?? '';
  assert.match(told, new RegExp(`^undo {6}in run ${report.steps[0]?.run}$`, 'm'));
});

test('a row that was changed since is not put back, before or after somebody approved', async () => {
  const action = await did('raise_prices', { by: 50, most: 1 });
  sql('UPDATE products SET cents = 1 WHERE id = 1');
  const refused = await back(action);
  assert.deepEqual(states(refused), ['refused']);
  assert.match(refused.steps[0]?.why ?? '', /changed since/);
  sql('UPDATE products SET cents = 350 WHERE id = 1');
  const asked = await back(action);
  assert.deepEqual(states(asked), ['asked']);
  await approve(asked.steps[0]?.approval ?? '');
  sql('UPDATE products SET cents = 2 WHERE id = 1');
  assert.deepEqual(states(await back(action)), ['refused']);
  assert.deepEqual(rows(), [
    [1, 2],
    [2, 900],
    [3, 2500],
  ]);
  sql('DELETE FROM products WHERE id = 1');
  assert.match((await back(action)).steps[0]?.why ?? '', /changed since/);
});

test('an undo that would take something else back is not asked about', async () => {
  sql('DELETE FROM products WHERE id = 3');
  const action = await did('make_product', { id: 3, name: 'pot', cents: 1, stock: 1 });
  const report = await back(action);
  // its undo names product 2, whatever was made: no row image is mapped, so a human looks at it
  assert.deepEqual(states(report), ['asked']);
  const dropped = await did('drop_product', { id: 1 });
  const whole = await backApproved(dropped);
  assert.deepEqual(states(whole), ['undone']);
  assert.deepEqual(rows(), [
    [1, 300],
    [2, 900],
    [3, 1],
  ]);
});

test('a whole run goes back from its last action to its first, over three kinds of systems', async () => {
  await did('raise_prices', { by: 100, most: 1 });
  await did('files_move_file', { source: 'a.txt', destination: 'b.txt' });
  await did('make_item', { name: 'x' });
  await did('files_write_file', { path: 'c.txt', content: 'new\n' });
  await did('files_move_file', { source: 'b.txt', destination: 'd.txt' });
  await endRun(system.broker, run, 'over');
  const first = await back(run);
  assert.deepEqual(
    first.steps.map(({ tool, state }) => [tool, state]),
    [
      ['files_move_file', 'asked'],
      ['files_write_file', 'waits'],
      ['make_item', 'waits'],
      ['files_move_file', 'waits'],
      ['raise_prices', 'waits'],
    ],
  );
  const report = await backApproved(run);
  assert.deepEqual(states(report), ['already', 'cannot', 'already', 'already', 'undone']);
  assert.match(report.steps[1]?.why ?? '', /no undo is declared for `files_write_file`/);
  assert.equal(report.whole, false);
  assert.deepEqual(rows(), [
    [1, 300],
    [2, 900],
    [3, 2500],
  ]);
  assert.deepEqual((await readdir(join(folder, 'live'))).sort(), ['a.txt', 'c.txt']);
  assert.equal(await readFile(join(folder, 'live', 'a.txt'), 'utf8'), 'one\n');
  assert.deepEqual(
    target.seen.map(({ method, url }) => [method, url]),
    [
      ['POST', '/items/x'],
      ['DELETE', '/items/made-8'],
    ],
  );
});

test('an undo is a call like any: grants, halts and another pair of eyes hold', async () => {
  const action = await did('make_item', { name: 'y' });
  const ungranted = await back(action, null);
  assert.deepEqual(states(ungranted), ['cannot']);
  assert.match(ungranted.steps[0]?.why ?? '', /agent `bot` holds no grant for `drop_item`/);
  const { broker } = system;
  await halt(broker, { scope: 'agent:bot', by: 'olga', reason: 'x' });
  const asked = await back(action);
  assert.deepEqual(states(asked), ['asked'], 'what a halted agent did can be taken back');
  await halt(broker, { scope: 'tool:drop_item', by: 'olga', reason: 'x' });
  assert.deepEqual(states(await back(action)), ['refused']);
  await resume(broker, { scope: 'tool:drop_item', by: 'olga', reason: 'x' });
  await resume(broker, { scope: 'agent:bot', by: 'olga', reason: 'x' });
  const again = await back(action);
  const approvalId = again.steps[0]?.approval ?? '';
  for (const operator of ['olga', 'piet']) {
    const token = { hash: operator, subject: operator, expiresAt: 9e15, revoked: false };
    await broker.store.commit({
      ...{ kind: 'token.issue', token: { ...token, hash: `setup-${operator}`, kind: 'setup' } },
      at: 1,
    });
    await broker.store.commit({
      ...{ kind: 'operator.add', operator, role: 'owner', setupHash: `setup-${operator}` },
      token: { ...token, kind: 'operator' },
      at: 1,
    });
  }
  await assert.rejects(approve(approvalId), { code: 'APPROVAL_OWN' });
  assert.equal(target.seen.filter(({ method }) => method === 'DELETE').length, 0);
  await approve(approvalId, 'piet');
  assert.deepEqual(states(await back(action)), ['undone']);
  assert.equal(target.seen.filter(({ method }) => method === 'DELETE').length, 1);
  await assert.rejects(back('act_nothing'), /expected an action or a run/);
});
