import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { verifyStore } from '../../src/store/sqlite/evidence.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { MASTER_KEY, stillDoors } from './store-cast.ts';

const KILLS = 4;

function temporary(t: { after(run: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-crash-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function start(directory: string): ChildProcess {
  const script = join(import.meta.dirname, 'store-child.ts');
  return spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Kills the child after `lines` acknowledgements and returns every line that came out of it. */
async function killedAfter(child: ChildProcess, lines: number): Promise<string[]> {
  const heard: string[] = [];
  if (child.stdout === null) throw new Error('the child has no output');
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => {
    heard.push(line);
    if (heard.length === lines) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  return heard;
}

test('nothing acknowledged is lost to kill -9, and the ledger holds', async (t) => {
  const directory = temporary(t);
  const heard: string[] = [];
  for (let kill = 0; kill < KILLS; kill++)
    heard.push(...(await killedAfter(start(directory), 60 + 97 * kill)));
  const options = { directory, masterKey: MASTER_KEY };
  const store = await openSqliteStore({ ...options, doors: stillDoors() });
  const open = new Set((await store.openActions()).map(({ id }) => id));
  const database = new DatabaseSync(join(directory, 'signalbox.db'), { readOnly: true });
  const stateOf = database.prepare('SELECT state FROM actions WHERE id = ?');
  let outcomes = 0;
  for (const line of heard) {
    const [what, id = ''] = line.split(' ');
    if (what === 'intent') assert.notEqual(stateOf.get(id), undefined, `${id} was lost`);
    if (what !== 'outcome') continue;
    outcomes++;
    assert.equal(stateOf.get(id)?.state, 'done', `the outcome of ${id} was lost`);
    assert.ok(!open.has(id));
  }
  assert.ok(outcomes > 100, `only ${outcomes} outcomes were acknowledged`);
  const [usage] = await store.usage(['hot']);
  assert.equal(usage?.pending, open.size, 'reservations stand for open intents and no others');
  assert.deepEqual((await verifyStore(options)).problems, [], 'verified while it is in use');
  database.close();
  await store.close();
  assert.equal((await verifyStore(options)).ok, true, 'and at rest');
});

test('a directory is one process at a time, until that process is gone', async (t) => {
  const directory = temporary(t);
  const child = start(directory);
  if (child.stdout === null) throw new Error('the child has no output');
  await once(child.stdout, 'data');
  const open = () => openSqliteStore({ directory, masterKey: MASTER_KEY, doors: stillDoors() });
  await assert.rejects(open(), { code: 'STORE_LOCKED' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await open();
  await assert.rejects(open(), { code: 'STORE_LOCKED' }, 'by the same process too');
  assert.equal((await store.haltState()).stamp.halt, 0);
  await store.close();
  await (await open()).close();
});
