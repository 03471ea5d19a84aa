import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { TREE } from '../../src/domain/run.ts';
import type { Open } from './store.ts';
import {
  action,
  admit,
  beginRun,
  beginSubRun,
  HOUR,
  park,
  raise,
  runToken,
  settle,
  T0,
} from './store-cast.ts';
import { scene, types } from './store-scene.ts';

export function runContract(open: Open): void {
  describe('runs', () => {
    subRuns(open);
    living(open);

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
        const child = beginSubRun('run_b', beginRun('run_a'), { agent: 'other' });
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
      assert.deepEqual(await store.commit(end), { ok: true, ended: ['run_a'] });
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

function subRuns(open: Open): void {
  const root = beginRun('run_a', { budget: { calls: 9 }, tools: ['look', 'change'] });
  const child = beginSubRun('run_b', root, { agent: 'other', budget: { calls: 5 } });
  const grandchild = beginSubRun('run_c', child, { tools: ['look'] });

  scene(open, 'a sub-run comes back with whom it acts for', async (store) => {
    for (const run of [root, child, grandchild])
      assert.deepEqual(await store.commit(run), { ok: true });
    for (const { run } of [root, child, grandchild]) assert.deepEqual(await store.run(run.id), run);
    assert.deepEqual((await store.run('run_c'))?.actsFor, [
      { run: 'run_b', agent: 'other', budget: { calls: 5 } },
      { run: 'run_a', agent: 'support', budget: { calls: 9 } },
    ]);
  });

  const wider: readonly [string, ReturnType<typeof beginSubRun>][] = [
    ['lasts longer', beginSubRun('run_x', child, { expiresAt: T0 + HOUR + 1 })],
    ['spends more', beginSubRun('run_x', child, { budget: { calls: 6 } })],
    ['spends more than one further up', beginSubRun('run_x', child, { budget: { calls: 10 } })],
    ['has other tools', beginSubRun('run_x', child, { tools: ['look', 'drop'] })],
    ['is held to no tools', beginSubRun('run_x', child, { tools: null })],
    ['hides whom it acts for', beginSubRun('run_x', child, { actsFor: [] })],
    ['skips one above', beginSubRun('run_x', child, { actsFor: child.run.actsFor })],
    ['stands nearer to the root', beginSubRun('run_x', child, { depth: 1 })],
    ['stands under another root', beginSubRun('run_x', child, { root: 'run_x' })],
    ['is no root', beginRun('run_x', { depth: 1 })],
    ['is a root that acts for another', beginRun('run_x', { actsFor: child.run.actsFor })],
  ];
  for (const [what, run] of wider)
    scene(open, `a run that ${what} cannot begin`, async (store) => {
      for (const above of [root, child]) await store.commit(above);
      await assert.rejects(store.commit(run), { code: 'INTERNAL' });
      assert.equal(await store.run('run_x'), null);
    });

  scene(open, 'no run begins under one that is unknown, over or past its time', async (store) => {
    const over = { ok: false, because: 'over' };
    assert.deepEqual(await store.commit(child), over);
    await store.commit(root);
    assert.deepEqual(await store.commit({ ...child, at: T0 + HOUR }), over);
    await store.commit({ kind: 'run.end', runId: 'run_a', why: 'done', at: T0 });
    assert.deepEqual(await store.commit(child), over);
  });

  scene(open, 'ending a run ends all under it, and nothing beside it', async (store) => {
    const sibling = beginSubRun('run_d', root);
    for (const run of [root, child, grandchild, sibling]) await store.commit(run);
    for (const id of ['run_b', 'run_c', 'run_d']) await store.commit(runToken(`hash_${id}`, id));
    const asked = action('act_c', 'run_c', { root: 'run_a', agent: 'other' });
    await store.commit(park('ask_c', asked));
    const end = { kind: 'run.end', runId: 'run_b', why: 'done', at: T0 + 5 } as const;
    assert.deepEqual(await store.commit(end), { ok: true, ended: ['run_c', 'run_b'] });
    for (const id of ['run_b', 'run_c']) {
      assert.equal((await store.run(id))?.state, 'ended');
      assert.equal((await store.token(`hash_${id}`))?.revoked, true);
    }
    assert.equal((await store.ask('ask_c'))?.approval.state, 'void');
    assert.equal((await types(store, 'run_c')).at(-1), 'run.ended');
    for (const id of ['run_a', 'run_d']) assert.equal((await store.run(id))?.state, 'live');
    assert.equal((await store.token('hash_run_d'))?.revoked, false);
  });

  scene(open, 'a tree has so many live sub-runs and so many levels, and no more', async (store) => {
    let above = beginRun('run_0');
    await store.commit(above);
    for (let depth = 1; depth <= TREE.depth; depth++) {
      above = beginSubRun(`run_${depth}`, above);
      assert.deepEqual(await store.commit(above), { ok: true });
    }
    await assert.rejects(store.commit(beginSubRun('run_deep', above)), { code: 'INTERNAL' });
    const more = (id: string) => store.commit(beginSubRun(id, beginRun('run_0')));
    for (let live = TREE.depth; live < TREE.live; live++)
      assert.deepEqual(await more(`run_w${live}`), { ok: true });
    assert.deepEqual(await more('run_late'), { ok: false, because: 'full' });
    await store.commit({ kind: 'run.end', runId: `run_w${TREE.depth}`, why: 'done', at: T0 });
    assert.deepEqual(await more('run_late'), { ok: true });
  });
}

function living(open: Open): void {
  saying(open);
  scene(
    open,
    'what lives is told with who it acts for, without what was said of it',
    async (store) => {
      const [above, other] = [beginRun('run_a'), beginRun('run_c')];
      const below = beginSubRun('run_b', above);
      for (const begin of [above, below, other]) await store.commit(begin);
      await store.commit({ kind: 'run.end', runId: 'run_c', why: 'done', at: T0 + 5 });
      const told = [above, below].map(({ run: { id, agent, parent, actsFor } }) => ({
        ...{ id, agent, parent, actsFor },
      }));
      assert.deepEqual(
        (await store.liveRuns()).map((run) => ({ ...run })),
        told,
      );
      await store.commit({ kind: 'run.end', runId: 'run_b', why: 'done', at: T0 + 6 });
      assert.deepEqual(await store.runsUnder('run_a'), ['run_a', 'run_b']);
      assert.deepEqual(await store.runsUnder('run_c'), ['run_c']);
    },
  );
}

function saying(open: Open): void {
  scene(open, 'what is said in a run is recorded while it lives', async (store) => {
    const said = { kind: 'run.say', runId: 'run_a', text: 'and tell dora', at: T0 + 1 } as const;
    assert.deepEqual(await store.commit(said), { ok: false, because: 'over' });
    await store.commit(beginRun('run_a'));
    assert.deepEqual(await store.commit(said), { ok: true });
    const [, event] = await store.timeline('run_a');
    assert.deepEqual([event?.type, event?.payload], ['run.said', { text: 'and tell dora' }]);
    await store.commit({ kind: 'run.end', runId: 'run_a', why: 'done', at: T0 + 5 });
    assert.deepEqual(await store.commit(said), { ok: false, because: 'over' });
  });
}
