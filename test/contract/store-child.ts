/**
 * A process made to be killed: says on its standard output what was acknowledged, after it was.
 * Usage: node store-child.ts DIRECTORY
 */
import { writeSync } from 'node:fs';
import { realDoors } from '../../src/doors.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { action, admit, beginRun, calls, HOUR, MASTER_KEY, settle } from './store-cast.ts';

const directory = process.argv[2] ?? '';
const store = await openSqliteStore({ directory, masterKey: MASTER_KEY, doors: realDoors() });
const life = process.pid;
tell('open');

/** A pipe that is full for the moment takes it later. */
function tell(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let told = 0; told < bytes.length; ) {
    try {
      told += writeSync(1, bytes, told);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

async function writer(number: number): Promise<void> {
  const run = `run_${life}_${number}`;
  await store.commit(beginRun(run, { expiresAt: Date.now() + HOUR }));
  for (let turn = 0; ; turn++) {
    const act = action(`act_${life}_${number}_${turn}`, run);
    const { ok } = await store.commit(admit(act, { reservations: [calls('hot', 1e9)] }));
    if (!ok) throw new Error('expected every intent to be admitted');
    tell(`intent ${act.id}`);
    await store.commit(settle(act));
    tell(`outcome ${act.id}`);
  }
}

await Promise.all(Array.from({ length: 24 }, (_, number) => writer(number)));
