import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import { halt } from '../../src/broker/halt.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { json, startTarget, type TestTarget } from '../../src/connectors/http/testing/target.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { why } from '../../src/ledger/why.ts';
import { outcomeMembers } from '../../src/protocols/mcp/tool-results.ts';
import { askView } from '../../src/surfaces/admin/ask-view.ts';
import { type System, startSystem } from '../../src/system.ts';

/** Previews and staging that an operator bound to tools, against the real server for files and an HTTP API. */

const FILES = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
);
const OLGA = { name: 'olga', role: 'owner' } as const;

let folder = '';
let system: System;
let target: TestTarget;
/** What the API answers of an item, besides. */
let now = '';

beforeEach(async () => {
  now = 'as it is';
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-bindings-')));
  for (const name of ['live', 'tried']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'a.txt'), 'one\n');
  }
  target = await startTarget((response, seen) => json(response, { url: seen.url, now }));
  const address = { host: '127.0.0.1', port: 0 };
  const directory = join(folder, '.data');
  system = await startSystem({ directory, agents: address, operators: address, log: () => {} });
  await applied();
});

afterEach(async () => {
  await system.close();
  await target.close();
  await rm(folder, { recursive: true, force: true });
});

const server = (name: string): string => {
  const place = join(folder, name);
  return `command: ${JSON.stringify([process.execPath, FILES, place])}\n    cwd: ${place}`;
};

const config = (): string => `version: 1
organisation: { name: acme, domains: [] }
connections:
  files:
    kind: mcp
    ${server('live')}
    serve:
      tools:
        look: { of: edit_file, effect: read, fix: { dryRun: true } }
        edit_file:
          effect: write
          hide: [dryRun]
          preview: { tool: files_look, arguments: { path: "{path}", edits: "{edits}" } }
        write_file:
          effect: write
          staging: tried
          undo: { tool: files_edit_file, arguments: { path: "{path}", edits: [] } }
  tried:
    kind: mcp
    environment: staging
    ${server('tried')}
  api: { kind: http, url: "${target.url}", allowPrivate: true }
tools:
  get_item: { connection: api, description: d, input: { id: { type: string } }, http: { method: GET, path: "/items/{id}" } }
  set_item:
    connection: api
    description: d
    input: { item: { type: string } }
    http: { method: PUT, path: "/items/{item}", body: { open: false } }
    preview: { tool: get_item, arguments: { id: "{item}" } }
agents: { bot: { owner: dana@acme.example } }
grants:
  - { agent: bot, tools: [files_edit_file, set_item], rung: approve }
  - { agent: bot, tools: [files_write_file], rung: stage }
`;

async function applied(text = config()): Promise<void> {
  await system.apply(await system.plan(text, 's.yaml', ['files', 'tried']), OLGA);
}

async function call(tool: string, input: JsonObject, runId?: string): Promise<Outcome> {
  const run =
    runId ?? (await beginRun(system.broker, { agent: 'bot', intent: 'x', budget: {} })).id;
  return act(system.broker, { runId: run, tool, arguments: input, via: 'test' });
}

const text = (name: string): Promise<string> => readFile(join(folder, name, 'a.txt'), 'utf8');
const EDIT = { path: 'a.txt', edits: [{ oldText: 'one', newText: 'two' }] };

test('a human is shown what the bound read answered, and the approval is bound to that', async () => {
  const parked = await call('files_edit_file', EDIT);
  assert.ok(parked.kind === 'parked');
  assert.equal(parked.previewed, true);
  assert.equal(await text('live'), 'one\n');
  const { broker } = system;
  const ask = await broker.store.ask(parked.approvalId);
  assert.ok(ask !== null);
  const bundle = await broker.bundles.active();
  const view = askView(ask, bundle, Date.now());
  assert.equal(view.problem, null);
  assert.equal(view.shownBy, 'files_look');
  assert.match(view.shownText ?? '', /-one[\s\S]*\+two/);
  const forged = { ...ask, shown: { text: 'nothing at all', cut: [] } };
  assert.match(
    askView(forged, bundle, Date.now()).problem ?? '',
    /not the one the ask is bound to/,
  );
  const told = (await why(broker.store, parked.approvalId))?.lines.join('\n') ?? '';
  assert.match(told, /^preview {3}act_\S+ /m);
  assert.match(told, /tool {6}files_look/);
  assert.match(told, /dry|\+two/);
});

/** Approved in one go: the run, and the ask that covers it. */
async function approved(tool: string, input: JsonObject): Promise<{ run: string; ask: string }> {
  const run = (await beginRun(system.broker, { agent: 'bot', intent: 'x', budget: {} })).id;
  const parked = await call(tool, input, run);
  assert.ok(parked.kind === 'parked');
  await approve(parked.approvalId);
  return { run, ask: parked.approvalId };
}

async function approve(approvalId: string): Promise<void> {
  const digest = (await system.broker.store.ask(approvalId))?.approval.digest ?? '';
  const given = { answer: 'approved', by: 'olga', because: 'x', digest } as const;
  await answer(system.broker, { approvalId, ...given });
}

test('what was approved is looked at again, and runs when it still shows the same', async () => {
  const { run } = await approved('files_edit_file', EDIT);
  assert.equal((await call('files_edit_file', EDIT, run)).kind, 'done');
  assert.equal(await text('live'), 'two\n');
  assert.notEqual((await call('files_edit_file', EDIT, run)).kind, 'done', 'used once');
});

test('a preview that shows something else voids the approval, and the new one is asked about', async () => {
  const { run, ask } = await approved('files_edit_file', EDIT);
  await writeFile(join(folder, 'live', 'a.txt'), 'none\none\n');
  const moved = await call('files_edit_file', EDIT, run);
  assert.ok(moved.kind === 'parked');
  assert.notEqual(moved.approvalId, ask);
  assert.equal(await text('live'), 'none\none\n', 'nothing was done');
  const { store } = system.broker;
  assert.equal((await store.ask(ask))?.approval.state, 'void');
  const shown = JSON.stringify((await store.ask(moved.approvalId))?.shown);
  assert.match(shown, /ntwo/);
  assert.match((await why(store, ask))?.lines.join('\n') ?? '', /what its preview shows changed/);
  assert.equal((await call('files_edit_file', EDIT, run)).kind, 'parked', 'the old yes is gone');
  await approve(moved.approvalId);
  assert.equal((await call('files_edit_file', EDIT, run)).kind, 'done');
  assert.equal(await text('live'), 'ntwo\none\n');
});

test('an approved HTTP call goes out once, after one more look, and not after a changed one', async () => {
  const first = await approved('set_item', { item: '7' });
  assert.equal((await call('set_item', { item: '7' }, first.run)).kind, 'done');
  assert.deepEqual(
    target.seen.map(({ method }) => method),
    ['GET', 'GET', 'PUT'],
  );
  const second = await approved('set_item', { item: '8' });
  now = 'another';
  assert.equal((await call('set_item', { item: '8' }, second.run)).kind, 'parked');
  const third = await approved('set_item', { item: '9' });
  await halt(system.broker, { scope: 'tool:get_item', by: 'olga', reason: 'x' });
  const unseen = await call('set_item', { item: '9' }, third.run);
  assert.ok(unseen.kind === 'refused');
  assert.equal(unseen.refusal.code, 'HALTED', 'without its preview it is not made');
  assert.equal(target.seen.filter(({ method }) => method === 'PUT').length, 1);
});

test('the preview is judged like any call: a halt of its tool lets nothing be asked', async () => {
  await halt(system.broker, { scope: 'tool:files_look', by: 'olga', reason: 'x' });
  const outcome = await call('files_edit_file', EDIT);
  assert.ok(outcome.kind === 'refused');
  assert.equal(outcome.refusal.code, 'HALTED');
});

test('an HTTP tool is previewed by another one, which needs no grant', async () => {
  const parked = await call('set_item', { item: '7' });
  assert.ok(parked.kind === 'parked' && parked.previewed);
  assert.deepEqual(
    target.seen.map(({ method, url }) => [method, url]),
    [['GET', '/items/7']],
  );
  const ask = await system.broker.store.ask(parked.approvalId);
  assert.match(JSON.stringify(ask?.shown), /as it is/);
  assert.equal((await call('get_item', { id: '7' })).kind, 'refused');
});

test('on rung `stage` a call is executed at its staging connection, and nowhere else', async () => {
  const given = { path: 'a.txt', content: 'staged\n' };
  const outcome = await call('files_write_file', given);
  assert.ok(outcome.kind === 'drafted');
  assert.equal(outcome.staged?.at, 'tried');
  assert.deepEqual([await text('live'), await text('tried')], ['one\n', 'staged\n']);
  const members = outcomeMembers(outcome);
  assert.match(members, /Executed at `tried` only/);
  assert.match(members, /Successfully wrote/);
  await halt(system.broker, { scope: 'connection:tried', by: 'olga', reason: 'x' });
  assert.equal((await call('files_write_file', { ...given, content: 'more' })).kind, 'refused');
  assert.equal(await text('tried'), 'staged\n');
});

test('an undo makes a tool reversible on paper', async () => {
  const { tools } = await system.broker.bundles.active();
  assert.equal(tools.files_write_file?.reversibility, 'declared');
  assert.equal(tools.files_edit_file?.reversibility, 'none');
});

const FAULTS: [string, (text: string) => string, RegExp][] = [
  [
    'a preview that changes things',
    (c) => c.replace('tool: files_look,', 'tool: files_write_file,'),
    /a preview only looks/,
  ],
  [
    'a preview that is not there',
    (c) => c.replace('tool: files_look,', 'tool: files_luck,'),
    /no tool `files_luck`/,
  ],
  [
    'an argument that the other does not take',
    (c) => c.replace('{ id: "{item}" }', '{ ID: "{item}" }'),
    /`ID` is not an argument of `get_item`/,
  ],
  [
    'a value of no argument',
    (c) => c.replace('{ id: "{item}" }', '{ id: "{thing}" }'),
    /names no argument of `set_item`/,
  ],
  [
    'production as staging',
    (c) => c.replace('    environment: staging\n', ''),
    /`tried` is production/,
  ],
  [
    'another kind as staging',
    (c) =>
      c
        .replace('staging: tried', 'staging: api')
        .replace('allowPrivate: true }', 'allowPrivate: true, environment: staging }'),
    /of kind `http`/,
  ],
];
test('a plan refuses bindings that do not fit', async () => {
  for (const [name, change, says] of FAULTS)
    await assert.rejects(applied(change(config())), says, name);
});
