import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Op } from '../../src/domain/ops.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import type { Open } from './store.ts';
import { action, admit, beginRun, calls, settle, T0 } from './store-cast.ts';
import { scene, types, used } from './store-scene.ts';

export function batchContract(open: Open): void {
  describe('batches', () => {
    isolation(open);
    concurrency(open);
    closing(open);
  });
}

function isolation(open: Open): void {
  scene(open, 'a bad op among good ones is taken back alone', async (store) => {
    await store.commit(beginRun('run_a'));
    const good = (id: string) =>
      store.commit(admit(action(id, 'run_a'), { reservations: [calls('k', 9)] }));
    const given = { argumentsDigest: 'given' };
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const results = await Promise.allSettled([
      good('act_1'),
      good('act_1'),
      store.commit(admit(action('act_2', 'run_a'), { reservations: [calls('k', 1)] })),
      store.commit({ kind: 'no.such.op', at: T0 } as unknown as Op),
      store.commit(admit(action('act_3', 'run_a', { arguments: { text: '\ud800' }, ...given }))),
      store.commit(admit(action('act_4', 'run_a', { arguments: circle as never, ...given }))),
      store.commit(settle(action('act_9', 'run_a'))),
      good('act_5'),
    ]);
    assert.deepEqual(
      results.map((result) =>
        result.status === 'rejected' ? result.reason.code : (result.value as { ok: boolean }).ok,
      ),
      [true, 'INTERNAL', false, 'INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL', true],
    );
    assert.deepEqual(await used(store, 'k'), { posted: 0, pending: 2 });
    assert.deepEqual(await types(store, 'run_a'), ['run.begun', 'action.intent', 'action.intent']);
    assert.deepEqual(
      (await store.openActions()).map(({ id }) => id),
      ['act_1', 'act_5'],
    );
  });

  scene(open, 'what an op wrote before it failed is taken back', async (store) => {
    const bad = store.commit(beginRun('run_bad', { intent: '\ud800' }));
    await assert.rejects(bad, { code: 'INTERNAL' });
    assert.equal(await store.run('run_bad'), null);
    assert.deepEqual(await types(store, 'run_bad'), []);
    assert.deepEqual(await store.commit(beginRun('run_bad')), { ok: true });
  });

  scene(open, 'an op is what it was when it was handed in', async (store) => {
    await store.commit(beginRun('run_a'));
    const args: Record<string, number> = { id: 7 };
    const op = admit(action('act_1', 'run_a', { arguments: args }));
    const committing = store.commit(op);
    args.id = 8;
    await committing;
    const [, intent] = await store.timeline('run_a');
    assert.deepEqual(intent?.payload?.arguments, { id: 7 });
  });

  scene(open, 'an op too large is refused before it is queued', async (store) => {
    const body = { text: 'x'.repeat(17 * 1024 * 1024) };
    const note = { kind: 'system.note', type: 'big', body, at: T0 } as const;
    await assert.rejects(store.commit(note), { code: 'REQUEST_TOO_LARGE' });
    assert.deepEqual(await types(store, SYSTEM_CHAIN), ['ledger.created']);
  });
}

function concurrency(open: Open): void {
  scene(open, 'spent and pending never pass a hot limit', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(beginRun('run_b'));
    const LIMIT = 37;
    let admitted = 0;
    const worker = async (number: number): Promise<void> => {
      for (let turn = 0; turn < 12; turn++) {
        const run = number % 2 === 0 ? 'run_a' : 'run_b';
        const act = action(`act_${number}_${turn}`, run);
        const op = admit(act, { reservations: [calls('hot', LIMIT, 1 + (turn % 3))] });
        const { ok } = await store.commit(op);
        const { posted, pending } = await used(store, 'hot');
        assert.ok(posted + pending <= LIMIT, `${posted} + ${pending}`);
        if (!ok) continue;
        admitted++;
        const settlement =
          turn % 2 === 0
            ? ({ kind: 'failed', code: 'X', message: '' } as const)
            : ({ kind: 'done', result: { text: '', cut: [] } } as const);
        await store.commit(settle(act, { settlement, posted: null }));
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, number) => worker(number)));
    assert.ok(admitted > 20, `only ${admitted} were admitted`);
    const { posted, pending } = await used(store, 'hot');
    assert.equal(pending, 0);
    assert.ok(posted <= LIMIT && posted >= LIMIT - 2, `${posted} of ${LIMIT}`);
  });

  scene(open, 'answers come in the order of the ops', async (store) => {
    const versions = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        store.commit({ kind: 'secret.set', name: 's', sealed: `${index}`, by: 'dana', at: T0 }),
      ),
    );
    assert.deepEqual(
      versions.map((done) => done.ok && done.version),
      versions.map((_, index) => index + 1),
    );
    assert.equal((await store.secret('s'))?.sealed, '199');
  });

  scene(open, 'what was acknowledged is seen at once', async (store) => {
    await store.commit(beginRun('run_a'));
    for (let number = 1; number <= 50; number++) {
      await store.commit(
        admit(action(`act_${number}`, 'run_a'), { reservations: [calls('k', 99)] }),
      );
      assert.equal((await used(store, 'k')).pending, number);
    }
  });
}

function closing(open: Open): void {
  scene(open, 'closing waits for what was handed in; then nothing is served', async (store) => {
    await store.commit(beginRun('run_a'));
    const pending = Array.from({ length: 20 }, (_, index) =>
      store.commit(admit(action(`act_${index}`, 'run_a'))),
    );
    await store.close();
    for (const { ok } of await Promise.all(pending)) assert.equal(ok, true);
    const down = { code: 'STORE_DOWN' };
    await assert.rejects(store.commit(beginRun('run_b')), down);
    await assert.rejects(store.haltState(), down);
    await assert.rejects(store.token('hash'), down);
    await store.close();
  });
}
