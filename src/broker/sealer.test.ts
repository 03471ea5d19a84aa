import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginRun, MASTER_KEY, stillDoors, T0 } from '../../test/contract/store-cast.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { LedgerSeal, Op } from '../domain/ops.ts';
import { openSqliteCore } from '../store/sqlite/core.ts';
import { storeOver } from '../store/sqlite/store.ts';
import { type Published, Sealer } from './sealer.ts';

/** A sealer over a real store, whose timers run when the test says so; every seal it asks for is seen. */
function bench(behind?: number) {
  const still = stillDoors('sealer');
  const due: (() => void)[] = [];
  const every: (() => void)[] = [];
  const breath = { ms: 0 };
  const doors: Doors = {
    ...still,
    timers: {
      after: (_, run) => {
        due.push(run);
        setImmediate(() => {
          still.advance(breath.ms);
          due.shift()?.();
        });
        return { cancel: () => {} };
      },
      every: (_, run) => {
        every.push(run);
        return { cancel: () => every.pop() };
      },
    },
  };
  const { bytes } = doors.entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  const store = storeOver(core, MASTER_KEY, doors);
  const asked: LedgerSeal[] = [];
  const fault: { error: Error | null } = { error: null };
  const published: Published[] = [];
  const log: string[] = [];
  const told: unknown[] = [];
  const sealer = new Sealer({
    doors,
    publish: (one) => published.push(one),
    log: (line) => log.push(line),
    alerts: { tell: (...alert) => told.push(alert) },
    ...(behind === undefined ? {} : { behind }),
    store: {
      seal: () => store.seal(),
      commit: (op) => {
        if ((op as Op).kind === 'ledger.seal') asked.push(op as unknown as LedgerSeal);
        return fault.error === null ? store.commit(op) : Promise.reject(fault.error);
      },
    },
  });
  const begin = (count: number, name: string) =>
    Promise.all(
      Array.from({ length: count }, (_, n) => store.commit(beginRun(`run_${name}_${n}`))),
    );
  return {
    breath,
    store,
    sealer,
    asked,
    fault,
    published,
    log,
    told,
    every,
    begin,
    wait: still.advance,
  };
}

describe('the sealer', () => {
  test('works by the second, in small pieces, and publishes what was signed', async () => {
    const { sealer, asked, published, every, begin, store } = bench();
    await begin(300, 'a');
    assert.equal(every.length, 1);
    every[0]?.();
    await sealer.seal();
    assert.deepEqual(
      asked.map(({ most }) => most),
      [256, 256, 256],
    );
    assert.equal(published.length, 1);
    assert.deepEqual((await store.seal())?.unsealed, 0);
    await sealer.seal();
    assert.equal(asked.length, 3, 'an idle ledger is not asked to commit');
    await begin(1, 'b');
    await sealer.seal();
    assert.equal(published.length, 2);
  });

  test('under load a checkpoint comes every second all the same', async () => {
    const { sealer, asked, published, begin, breath } = bench();
    await begin(400, 'a');
    breath.ms = 600;
    await sealer.seal();
    assert.ok(asked.some(({ sign }) => sign));
    assert.ok(published.length >= 2, `${published.length}`);
  });

  test('a store that does not take it is told of once, and tried again', async () => {
    const { sealer, fault, log, published, begin } = bench();
    await begin(3, 'a');
    fault.error = new SignalboxError('OVERLOADED', 'records wait for the disk');
    await sealer.seal();
    await sealer.seal();
    assert.deepEqual(log, [
      'sealer: records are not sealed: OVERLOADED: records wait for the disk',
    ]);
    fault.error = null;
    await sealer.seal();
    assert.equal(log.at(-1), 'sealer: records are sealed again');
    assert.equal(published.length, 1);
  });

  test('who asked for it is told when much waits, and when nothing was sealed for half a minute', async () => {
    const { sealer, fault, told, begin, wait } = bench(300);
    await begin(100, 'a');
    await sealer.seal();
    assert.deepEqual(told, []);
    await begin(300, 'b');
    await sealer.seal();
    const [[event, facts] = []] = told.splice(0) as [string, { left: number }][];
    assert.equal(event, 'seal.behind');
    assert.ok((facts?.left ?? 0) >= 300, 'what still waits');
    await begin(1, 'c');
    fault.error = new SignalboxError('OVERLOADED', 'records wait for the disk');
    await sealer.seal();
    wait(29_000);
    await sealer.seal();
    assert.deepEqual(told, []);
    wait(2_000);
    await sealer.seal();
    assert.deepEqual(told, [['seal.behind', { code: 'OVERLOADED', failingMs: 31_000 }, 'failing']]);
  });

  test('closing seals what there is, once', async () => {
    const { sealer, published, every, begin, store } = bench();
    await begin(600, 'a');
    await Promise.all([sealer.close(), sealer.close()]);
    assert.equal((await store.seal())?.unsealed, 0);
    assert.equal(published.length, 1);
    assert.equal(every.length, 0);
  });
});
