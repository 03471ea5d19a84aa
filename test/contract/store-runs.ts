import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Open } from './store.ts';
import { action, admit, beginRun, HOUR, park, raise, runToken, settle, T0 } from './store-cast.ts';
import { scene, types } from './store-scene.ts';

export function runContract(open: Open): void {
  describe('runs', () => {
    scene(open, 'a run comes back as it was begun', async (store) => {
      const begun = beginRun('run_a', { budget: { calls: 9 } });
      assert.deepEqual(await store.commit(begun), { ok: true });
      assert.deepEqual(await store.run('run_a'), begun.run);
      assert.equal(await store.run('run_b'), null);
      assert.deepEqual(await types(store, 'run_a'), ['run.begun']);
    });

    scene(open, 'the same run cannot begin twice', async (store) => {
      await store.commit(beginRun('run_a'));
      await assert.rejects(store.commit(beginRun('run_a')), { code: 'INTERNAL' });
      assert.deepEqual(await types(store, 'run_a'), ['run.begun']);
    });

    scene(open, 'a run cannot begin where a halt stands', async (store) => {
      await store.commit(beginRun('run_a'));
      for (const scope of ['agent:support', 'run:run_a']) {
        await store.commit(raise(scope));
        const child = beginRun('run_b', { root: 'run_a', parent: 'run_a', depth: 1 });
        assert.deepEqual(await store.commit(child), { ok: false, because: 'halted' });
        assert.equal(await store.run('run_b'), null);
        const lift = { kind: 'halt.lift', scope, reason: 'over', by: 'dana', at: T0 } as const;
        assert.equal((await store.commit(lift)).ok, true);
      }
      assert.deepEqual(await store.commit(beginRun('run_b')), { ok: true });
    });

    scene(open, 'ending a run ends its tokens and open asks, once', async (store) => {
      await store.commit(beginRun('run_a'));
      await store.commit(runToken('hash_a', 'run_a'));
      await store.commit(park('ask_a', action('act_a', 'run_a')));
      const end = { kind: 'run.end', runId: 'run_a', why: 'done', at: T0 + 5 } as const;
      assert.deepEqual(await store.commit(end), { ok: true });
      assert.deepEqual(await store.commit(end), { ok: false, because: 'over' });
      const run = await store.run('run_a');
      assert.equal(run?.state, 'ended');
      assert.equal(run?.endedAt, T0 + 5);
      assert.equal((await store.token('hash_a'))?.revoked, true);
      assert.equal((await store.ask('ask_a'))?.approval.state, 'void');
      const last = ['approval.voided', 'token.revoked', 'run.ended'];
      assert.deepEqual((await types(store, 'run_a')).slice(-3), last);
      assert.deepEqual(await store.commit({ ...end, runId: 'run_x' }), {
        ok: false,
        because: 'over',
      });
    });

    scene(open, 'runs are listed newest first with what they did', async (store) => {
      await store.commit(beginRun('run_a'));
      await store.commit(beginRun('run_b', { startedAt: T0 + 1 }));
      const act = action('act_a', 'run_a');
      await store.commit(admit(act));
      await store.commit(settle(act, { at: T0 + 7 }));
      await store.commit({
        kind: 'action.decline',
        action: action('act_b', 'run_a'),
        as: 'denied',
        measured: null,
        at: T0 + 8,
      });
      await store.commit(park('ask_a', action('act_c', 'run_a')));
      const [b, a] = await store.runs({ limit: 10 });
      assert.equal(b?.run.id, 'run_b');
      const { run, replica, ...rest } = a ?? assert.fail('two runs expected');
      assert.deepEqual([run.id, replica], ['run_a', store.replica]);
      assert.deepEqual(rest, { actions: 3, refused: 1, pendingApprovals: 1, lastAt: T0 });
      assert.equal((await store.runs({ limit: 1 })).length, 1);
      assert.equal((await store.runs({ limit: 9, state: 'ended' })).length, 0);
    });

    scene(open, 'a run past its time does nothing more', async (store) => {
      await store.commit(beginRun('run_a'));
      const late = admit(action('act_a', 'run_a'), { at: T0 + HOUR });
      assert.deepEqual(await store.commit(late), { ok: false, because: 'run-over' });
    });
  });
}
