/** A halt of one machine: by a file or a signal, with the store away, remembered until it is recorded. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { act } from '../../src/broker/act.ts';
import { LocalHalts } from '../../src/broker/local-halts.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { unhalt } from '../../src/broker/unhalt.ts';
import { HALT_FILE } from '../../src/domain/halt-file.ts';
import { haltFile, realDoors } from '../../src/doors.ts';
import { startSystem } from '../../src/system.ts';
import { openWorld, type PropertyWorld } from '../properties/world.ts';

const BIN = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));
let directory = '';
const path = (): string => join(directory, HALT_FILE);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-local-'));
});
after(() => rm(directory, { recursive: true, force: true }));

test('with the store down the file aborts, closes and revokes within 250 ms, and spares others', async (t) => {
  const world = await openWorld(t);
  const [ann, bob] = [await world.run('ann'), await world.run('bob')];
  const flying = await inTheAir(world, ann, bob);
  const { abortedAt, of } = flying;
  let closed = 0;
  const scopes = ['all', 'agent:ann'];
  world.broker.streams.add({ scopes, end: () => closed++ });
  world.broker.streams.add({ scopes: ['all', 'agent:bob'], end: () => closed++ });
  await world.store.close();
  const halts = new LocalHalts(world.broker, haltFile(directory), (line) =>
    world.logged.push(line),
  );
  t.after(halts.watch());
  const written = performance.now();
  await writeFile(path(), 'agent:ann it runs away\n');
  await of('ann');
  assert.ok(abortedAt() - written < 250, `${abortedAt() - written} ms`);
  assert.equal(closed, 1, 'the stream of the halted agent, and no other');
  assert.equal(world.broker.flights.count('agent:bob'), 1, 'another agent was brought down');
  await until(() => [...world.issuer.valid.keys()].length === 1);
  await assert.rejects(change(world, ann), { code: 'STORE_DOWN' });
  assert.ok(existsSync(path()), 'a restart would not know of it');
  flying.open();
});

test('it is recorded when the store can be reached, by `local`, and an owner lifts it', async (t) => {
  const world = await openWorld(t);
  const ann = await world.run('ann');
  await rm(path(), { force: true });
  const file = haltFile(directory);
  const halts = new LocalHalts(world.broker, file, () => {});
  await file.add('tool:look it lies');
  await halts.settled();
  assert.equal(world.broker.local.size, 0);
  assert.ok(!existsSync(path()));
  const standing = (await world.store.haltState()).halts;
  assert.deepEqual(
    standing.map(({ scope, by, reason }) => [scope, by, reason]),
    [['tool:look', 'local', 'it lies']],
  );
  const looked = await act(world.broker, { runId: ann, tool: 'look', arguments: {}, via: 'test' });
  assert.equal(looked.kind, 'refused');
  const lifting = { scope: 'tool:look', reason: 'it was mended', proven: true };
  const oscar = { name: 'oscar', role: 'operator' as const };
  await assert.rejects(unhalt(world.broker, { ...lifting, by: oscar }), {
    code: 'RESUME_NEEDS_OWNER',
  });
  await unhalt(world.broker, { ...lifting, by: { name: 'dana', role: 'owner' } });
});

test('a file that says nothing, or what nobody understands, halts everything', async (t) => {
  for (const text of ['', 'agent\n', 'everything now\n', 'agent:ann no end of line']) {
    const world = await openWorld(t);
    await writeFile(path(), text);
    const halts = new LocalHalts(world.broker, haltFile(directory), () => {});
    await halts.look();
    // it may be half written
    if (!text.endsWith('\n')) assert.deepEqual((await world.store.haltState()).halts, []);
    await halts.settled();
    const [halt] = (await world.store.haltState()).halts;
    assert.equal(halt?.scope, text.startsWith('agent:ann') ? 'agent:ann' : 'all');
  }
});

test('between the file and its record gather and inject refuse, the store asked or not', async (t) => {
  const world = await openWorld(t);
  const ann = await world.run('ann');
  const at = 1;
  world.broker.local.close({
    scope: 'all',
    epoch: 0,
    reason: 'x',
    by: 'local',
    at,
    state: 'gated',
  });
  const looked = await act(world.broker, { runId: ann, tool: 'look', arguments: {}, via: 'test' });
  assert.ok(looked.kind === 'refused' && looked.refusal.code === 'HALTED');
  const begun = beginRun(world.broker, { agent: 'ann', intent: 'x', budget: {} });
  await assert.rejects(begun, { code: 'HALTED' });
});

test('what was written while nothing ran stands before the first call; a signal halts everything', async (t) => {
  const data = join(directory, 'data');
  const gateway = spawn(process.execPath, [BIN, 'up', ...PORTS, '--data-dir', data, '--json']);
  t.after(() => gateway.kill('SIGKILL'));
  let [out, err] = ['', ''];
  gateway.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  gateway.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  await until(() => out.includes('\n'));
  gateway.kill('SIGUSR2');
  await until(
    () => err.includes('local halt on all: recorded') && !existsSync(join(data, HALT_FILE)),
  );
  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  await haltFile(data).add('agent:ann written at night');
  const host = '127.0.0.1';
  const system = await startSystem({
    directory: data,
    agents: { host, port: 0 },
    operators: { host, port: 0 },
    log: () => {},
    doors: realDoors(),
  });
  const { halts } = await system.broker.store.haltState();
  await system.close();
  assert.deepEqual(halts.map(({ scope, by }) => `${scope} ${by}`).toSorted(), [
    'agent:ann local',
    'all local',
  ]);
});

const PORTS = ['--agents-port', '0', '--operators-port', '0'];

/** One call of each agent in the air; `of` waits for the abort of one. */
async function inTheAir(world: PropertyWorld, ann: string, bob: string) {
  const gate = Promise.withResolvers<void>();
  const full = Promise.withResolvers<void>();
  const aborted = { ann: Promise.withResolvers<void>(), bob: Promise.withResolvers<void>() };
  let [held, at] = [0, 0];
  world.target.gate = async (stage, call) => {
    if (stage !== 'finish' || call.purpose === 'preview') return;
    call.signal.addEventListener('abort', () => {
      at = performance.now();
      (call.runId === ann ? aborted.ann : aborted.bob).resolve();
    });
    if (++held === 2) full.resolve();
    await Promise.race([gate.promise, (call.runId === ann ? aborted.ann : aborted.bob).promise]);
  };
  for (const run of [ann, bob]) {
    const parked = await change(world, run);
    if (parked.kind !== 'parked') throw new Error(`expected an ask, got ${parked.kind}`);
    await world.approve(parked.approvalId);
    change(world, run).catch(() => {});
  }
  await full.promise;
  return {
    abortedAt: () => at,
    of: (who: 'ann' | 'bob') => aborted[who].promise,
    open: () => gate.resolve(),
  };
}

function change(world: PropertyWorld, runId: string) {
  return act(world.broker, { runId, tool: 'change', arguments: { id: 1 }, via: 'test' });
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 800 && !holds(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  assert.ok(holds(), 'it never came to be');
}
