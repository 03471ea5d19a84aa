import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { act } from '../../src/broker/act.ts';
import { beginRun } from '../../src/broker/runs.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type System, startSystem } from '../../src/system.ts';

const OWNER = { name: 'olga', role: 'owner' } as const;
let place = '';
let file = '';
let system: System;

before(async () => {
  place = await mkdtemp(join(tmpdir(), 'signalbox-upstream-'));
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  await mkdir(join(place, 'notes'));
  await symlink(modules, join(place, 'node_modules'));
  await writeFile(join(place, 'notes', 'meeting.txt'), 'on Monday\n');
  const example = await readFile(new URL('signalbox.yaml', import.meta.url), 'utf8');
  file = example.replaceAll('/srv/example', place);
  const address = { host: '127.0.0.1', port: 0 };
  system = await startSystem({
    ...{ directory: join(place, 'data'), agents: address, operators: address },
    log: () => {},
  });
});

after(async () => {
  await system?.close();
  await rm(place, { recursive: true, force: true });
});

async function call(tool: string, args: JsonObject) {
  const run = await beginRun(system.broker, { agent: 'coder', intent: 'a test', budget: {} });
  return act(system.broker, { runId: run.id, tool, arguments: args, via: 'test' });
}

test('both servers are read, pinned and called; a change waits', { timeout: 60_000 }, async () => {
  await assert.rejects(system.plan(file, 's.yaml', []), /`files` is new or changed/);
  const plan = await system.plan(file, 's.yaml', ['files', 'memory']);
  await system.apply(plan, OWNER);
  const { tools } = await system.broker.bundles.active();
  assert.equal(Object.keys(tools).length, 17);
  assert.equal(tools.memory_delete_entities?.effect, 'destroy');
  assert.equal((await system.plan(file, 's.yaml', [])).changes.length, 0);

  const read = await call('files_read_text_file', { path: join(place, 'notes', 'meeting.txt') });
  assert.ok(read.kind === 'done', JSON.stringify(read));
  assert.match(read.result.wire ?? '', /"text":"on Monday\\n"/);
  const refused = await call('files_read_text_file', { path: 7, more: 1 });
  assert.ok(refused.kind === 'refused', JSON.stringify(refused));
  assert.match(
    JSON.stringify(refused.refusal),
    /`path`: expected string, got `7`; `more` is not an argument/,
  );
  const graph = await call('memory_read_graph', {});
  assert.equal(graph.kind, 'done');
  const write = await call('files_write_file', { path: join(place, 'notes', 'b'), content: 'x' });
  assert.equal(write.kind, 'parked', JSON.stringify(write));
});
