import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { beginRun, MASTER_KEY, stillDoors, T0 } from '../../test/contract/store-cast.ts';
import { openPublisher } from './publish.ts';
import { openSqliteCore } from './sqlite/core.ts';
import { storeOver } from './sqlite/store.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-publish-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A ledger in memory that follows from its seed, and a publisher of it. */
function ledger(seed: string) {
  const doors = stillDoors(seed);
  const { bytes } = doors.entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  const store = storeOver(core, MASTER_KEY, doors);
  const lines: string[] = [];
  const publisher = (file: string | null) =>
    openPublisher({ file, store, clock: doors.clock, log: (line) => lines.push(line) });
  const seal = async (): Promise<{ note: string; at: number }> => {
    const sealed = await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: T0 });
    assert.ok(sealed.ok && sealed.checkpoint !== null);
    return { at: T0, note: sealed.checkpoint };
  };
  return { doors, store, lines, publisher, seal };
}

describe('checkpoints that leave', () => {
  test('each is a line of the file, one a minute a line of the log', async () => {
    const { doors, store, lines, publisher, seal } = ledger('one');
    const file = join(folder, 'one.jsonl');
    const open = await publisher(file);
    const notes = [await seal()];
    open.publish(notes[0] as (typeof notes)[0]);
    for (const run of ['run_a', 'run_b']) {
      await store.commit(beginRun(run));
      const more = await seal();
      notes.push(more);
      open.publish(more);
    }
    await open.close();
    const kept = (await readFile(file, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      kept.map((line) => JSON.parse(line)),
      notes,
    );
    assert.deepEqual(lines, [`checkpoint ${JSON.stringify(notes[0])}`]);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    doors.advance(60_000);
    open.publish(notes[2] as (typeof notes)[0]);
    await open.close();
    assert.equal(lines.length, 2);
    const again = await publisher(file);
    await again.close();
  });

  test('a ledger that was put back, cut or is another does not go on in the file', async () => {
    const whole = ledger('two');
    const file = join(folder, 'two.jsonl');
    const open = await whole.publisher(file);
    open.publish(await whole.seal());
    await whole.store.commit(beginRun('run_a'));
    open.publish(await whole.seal());
    await open.close();
    const refused = { code: 'LEDGER_BROKEN' };
    const old = ledger('two');
    await assert.rejects(old.publisher(file), { ...refused, message: /nothing is sealed here/ });
    await old.seal();
    await assert.rejects(old.publisher(file), {
      ...refused,
      message: /is of 4 records, here are 2/,
    });
    await old.store.commit(beginRun('run_another'));
    await old.seal();
    await assert.rejects(old.publisher(file), { ...refused, message: /they were rewritten/ });
    const other = ledger('three');
    await other.seal();
    await assert.rejects(other.publisher(file), { code: 'SIGNATURE_INVALID' });
    await writeFile(join(folder, 'notes.txt'), 'no checkpoint\n');
    await assert.rejects(other.publisher(join(folder, 'notes.txt')), refused);
    await assert.rejects(other.publisher(join(folder, 'no', 'folder')), { code: 'FILE_UNSAFE' });
  });

  test('a file that cannot be written any more is told once, and stops nobody', async () => {
    const { lines, publisher, seal } = ledger('four');
    const gone = await mkdtemp(join(folder, 'gone-'));
    const open = await publisher(join(gone, 'x.jsonl'));
    await rm(gone, { recursive: true });
    const note = await seal();
    open.publish(note);
    open.publish(note);
    await open.close();
    assert.deepEqual(
      lines.filter((line) => line.startsWith('checkpoints:')),
      [`checkpoints: \`${join(gone, 'x.jsonl')}\` cannot be written (ENOENT)`],
    );
  });
});
