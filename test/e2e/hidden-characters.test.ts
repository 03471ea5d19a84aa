import assert from 'node:assert/strict';
import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { startTarget, type TestTarget } from '../../src/connectors/http/testing/target.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { type System, startSystem } from '../../src/system.ts';

/** Rows, answers, outputs and words of an error that a person would not see and a model reads. */

const UNSEEN = 'fine\u202e\u001b[8m\u{e0068}\u{e0069} 👩‍👩‍👧';
const SHOWN = 'fine⟦U+202E U+001B⟧[8m⟦U+E0068 U+E0069⟧ 👩‍👩‍👧';
const TOLD = '4 hidden characters are written out (⟦U+…⟧)';

let folder = '';
let system: System;
let target: TestTarget;
let run = '';

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-hidden-')));
  target = await startTarget((response, { url }) => {
    const failed = url === '/broken';
    response.writeHead(failed ? 404 : 200, { 'content-type': 'text/plain' });
    response.end(UNSEEN);
  });
  const program = join(folder, 'say');
  await writeFile(
    program,
    `#!${process.execPath}\nprocess.stdout.write(${JSON.stringify(UNSEEN)})\n`,
  );
  await chmod(program, 0o755);
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)');
  database.prepare('INSERT INTO notes VALUES (1, ?)').run(UNSEEN);
  database.close();
  const address = { host: '127.0.0.1', port: 0 };
  const directory = join(folder, '.data');
  system = await startSystem({ directory, agents: address, operators: address, log: () => {} });
  const owner = { name: 'olga', role: 'owner' } as const;
  await system.apply(await system.plan(config(program), 's.yaml', []), owner);
  run = (await beginRun(system.broker, { agent: 'bot', intent: 'x', budget: {} })).id;
});

after(async () => {
  await system.close();
  await target.close();
  await rm(folder, { recursive: true, force: true });
});

const config = (program: string): string => `version: 1
organisation: { name: acme, domains: [] }
connections:
  shop: { kind: sqlite, environment: staging, path: ${JSON.stringify(join(folder, 'shop.db'))} }
  api: { kind: http, url: "${target.url}", allowPrivate: true }
  tool: { kind: command, program: ${program}, directory: ${folder} }
tools:
  note: { connection: shop, description: d, sql: SELECT text FROM notes WHERE id = 1 }
  raw_note: { connection: shop, description: d, sql: SELECT text FROM notes WHERE id = 1, keepHidden: true }
  page: { connection: api, description: d, http: { method: GET, path: /page } }
  broken: { connection: api, description: d, http: { method: GET, path: /broken } }
  output: { connection: tool, description: d, effect: read, command: { args: [] } }
agents: { bot: { owner: dana@acme.example } }
grants: [{ agent: bot, tools: [note, raw_note, page, broken, output], rung: read }]
`;

const called = (tool: string): Promise<Outcome> =>
  act(system.broker, { runId: run, tool, arguments: {}, via: 'test' });

for (const tool of ['note', 'page', 'output'])
  test(`${tool}: written out, and said`, async () => {
    const outcome = await called(tool);
    assert.ok(outcome.kind === 'done', JSON.stringify(outcome));
    const { text, cut, structured } = outcome.result;
    assert.ok(text.includes(SHOWN), text);
    assert.deepEqual(cut, [TOLD]);
    if (tool === 'note') assert.deepEqual(structured?.rows, [{ text: SHOWN }]);
  });

test('the words of an error are written out', async () => {
  const outcome = await called('broken');
  assert.ok(outcome.kind === 'failed');
  assert.ok(outcome.message.includes(SHOWN), outcome.message);
});

test('a tool with `keepHidden` hands on what came, and taking that up is a widening', async () => {
  const outcome = await called('raw_note');
  assert.ok(outcome.kind === 'done');
  assert.deepEqual(outcome.result.structured?.rows, [{ text: UNSEEN }]);
  assert.deepEqual(outcome.result.cut, []);
  const now = config(join(folder, 'say')).replace('id = 1 }', 'id = 1, keepHidden: true }');
  const { widenings } = await system.plan(now, 's.yaml', []);
  assert.match(widenings.join(), /hidden characters in results of `note` are handed on/);
});
