import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { digestOf } from '../../src/domain/digest.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Open } from './store.ts';
import {
  action,
  admit,
  applyBundle,
  BUNDLE_2,
  beginRun,
  beginSubRun,
  calls,
  DONE,
  MEASURED,
  READ,
  raise,
  scopes,
  settle,
  T0,
} from './store-cast.ts';
import { scene, types, used } from './store-scene.ts';

export function actionContract(open: Open): void {
  describe('actions', () => {
    admissions(open);
    settlements(open);
    marks(open);
    declines(open);
  });
}

function admissions(open: Open): void {
  scene(open, 'an admitted intent is open, reserved and on record', async (store) => {
    await store.commit(beginRun('run_a'));
    const act = action('act_a', 'run_a');
    const op = admit(act, { reservations: [calls('run:run_a', 3, 2)], leaseId: 'lease_a' });
    assert.deepEqual(await store.commit(op), { ok: true });
    assert.deepEqual(await used(store, 'run:run_a'), { posted: 0, pending: 2 });
    assert.deepEqual(await store.openActions(), [
      {
        id: 'act_a',
        runId: 'run_a',
        tool: 'set_plan',
        toolDigest: act.toolDigest,
        connection: act.connection,
        purpose: 'execute',
        trace: null,
        state: 'open',
        bundle: 'none',
        admittedAt: T0,
        replica: store.replica,
      },
    ]);
    assert.equal(await store.runOf('act_a'), 'run_a');
    const [, intent] = await store.timeline('run_a');
    assert.equal(intent?.type, 'action.intent');
    assert.deepEqual(intent?.payload?.arguments, { id: 7 });
    assert.equal(intent?.body.includes(act.argumentsDigest), false, 'a guessable digest is hashed');
  });

  scene(open, 'a stamp that moved is refused', async (store) => {
    await store.commit(beginRun('run_a'));
    const op = admit(action('act_a', 'run_a'));
    await store.commit(raise('agent:another'));
    assert.deepEqual(await store.commit(op), { ok: false, because: 'stale' });
    const halted = { ...op, stamp: { halt: 1, bundle: 'none' } };
    assert.deepEqual(await store.commit(halted), { ok: true });
    await store.commit(applyBundle('bundle_2'));
    const next = admit(action('act_b', 'run_a'), { stamp: { halt: 1, bundle: 'none' } });
    assert.deepEqual(await store.commit(next), { ok: false, because: 'stale' });
    const fresh = { ...next, stamp: { halt: 1, bundle: BUNDLE_2 } };
    assert.deepEqual(await store.commit(fresh), { ok: true });
  });

  scene(open, 'several limits are drawn on together or not at all', async (store) => {
    await store.commit(beginRun('run_a'));
    const reservations = [calls('run:run_a', 5, 3), calls('agent:support', 2, 3)];
    const op = admit(action('act_a', 'run_a'), { reservations });
    assert.deepEqual(await store.commit(op), { ok: false, because: 'short' });
    assert.deepEqual(await used(store, 'run:run_a'), { posted: 0, pending: 0 });
    assert.deepEqual(await store.openActions(), []);
    assert.deepEqual(await types(store, 'run_a'), ['run.begun']);
  });

  misuse(open);
}

function misuse(open: Open): void {
  scene(open, 'amounts that are no counts are a fault', async (store) => {
    await store.commit(beginRun('run_a'));
    for (const amount of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      const op = admit(action('act_a', 'run_a'), { reservations: [calls('k', 9, amount)] });
      await assert.rejects(store.commit(op), { code: 'INTERNAL' }, String(amount));
    }
    const twice = admit(action('act_a', 'run_a'), { reservations: [calls('k', 9), calls('k', 9)] });
    await assert.rejects(store.commit(twice), { code: 'INTERNAL' });
    assert.deepEqual(await store.usage(['k']), []);
  });

  scene(open, 'an action of another root or agent is a fault', async (store) => {
    await store.commit(beginRun('run_a'));
    for (const other of [{ agent: 'somebody' }, { root: 'run_x' }]) {
      const op = admit(action('act_a', 'run_a', other));
      await assert.rejects(store.commit(op), { code: 'INTERNAL' });
    }
  });

  scene(open, 'intent and outcome share a commit for reads only', async (store) => {
    await store.commit(beginRun('run_a'));
    const outcome = { settlement: DONE, posted: effectVector({ calls: 1, rowsRead: 4 }) };
    const rows = { key: 'run:run_a', dimension: 'rowsRead', amount: 50, limit: 60 } as const;
    const read = admit(action('act_a', 'run_a', { decision: READ }), {
      reservations: [calls('run:run_a', 3), rows],
      outcome,
    });
    assert.deepEqual(await store.commit(read), { ok: true });
    assert.deepEqual(await used(store, 'run:run_a', 'rowsRead'), { posted: 4, pending: 0 });
    assert.deepEqual(await store.openActions(), []);
    assert.deepEqual(await types(store, 'run_a'), ['run.begun', 'action.read']);
    const write = admit(action('act_b', 'run_a'), { outcome });
    await assert.rejects(store.commit(write), { code: 'INTERNAL' });
  });
}

function settlements(open: Open): void {
  const cases = [
    { settlement: DONE, posted: effectVector({ calls: 1 }), left: { posted: 1, pending: 0 } },
    { settlement: DONE, posted: null, left: { posted: 2, pending: 0 } },
    {
      settlement: { kind: 'failed', code: 'CONNECTOR_REFUSED', message: 'no' },
      posted: null,
      left: { posted: 0, pending: 0 },
    },
    {
      settlement: { kind: 'refused', refusal: { code: 'MEASURED', reasons: [] } },
      posted: null,
      left: { posted: 0, pending: 0 },
    },
    {
      settlement: { kind: 'unknown', message: 'gone' },
      posted: null,
      left: { posted: 2, pending: 0 },
    },
    { settlement: { kind: 'running' }, posted: null, left: { posted: 0, pending: 2 } },
  ] as const;
  for (const { settlement, posted, left } of cases) {
    const name = posted === null ? settlement.kind : `${settlement.kind} with an effect`;
    scene(open, `settling ${name} leaves ${JSON.stringify(left)}`, async (store) => {
      await store.commit(beginRun('run_a'));
      const act = action('act_a', 'run_a');
      await store.commit(admit(act, { reservations: [calls('k', 9, 2)] }));
      assert.deepEqual(await store.commit(settle(act, { settlement, posted })), { ok: true });
      assert.deepEqual(await used(store, 'k'), left);
      const open = (await store.openActions()).map(({ state }) => state);
      assert.deepEqual(open, settlement.kind === 'running' ? ['running'] : []);
      const again = await store.commit(settle(act));
      if (settlement.kind === 'running') assert.deepEqual(again, { ok: true });
      else assert.deepEqual(again, { ok: false, because: 'settled' });
      assert.deepEqual((await used(store, 'k')).pending, 0);
    });
  }

  scene(open, 'an outcome of nothing admitted is a fault', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(beginRun('run_b'));
    await assert.rejects(store.commit(settle(action('act_x', 'run_a'))), { code: 'INTERNAL' });
    await store.commit(admit(action('act_a', 'run_a')));
    await assert.rejects(store.commit(settle(action('act_a', 'run_b'))), { code: 'INTERNAL' });
  });

  scene(open, 'an unknown outcome is found again in the run tree', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(beginSubRun('run_b', beginRun('run_a')));
    const act = action('act_a', 'run_a');
    const query = { runId: 'run_b', tool: act.tool, argumentsDigest: act.argumentsDigest };
    await store.commit(admit(act));
    assert.equal((await store.factsFor(query)).unknownRepeat, null);
    await store.commit(settle(act, { settlement: { kind: 'unknown', message: '' }, posted: null }));
    assert.equal((await store.factsFor(query)).unknownRepeat, 'act_a');
    const other = { ...query, argumentsDigest: digestOf('arguments', { id: 8 }) };
    assert.equal((await store.factsFor(other)).unknownRepeat, null);
  });
}

function marks(open: Open): void {
  const mark = (act = action('act_a', 'run_a')) =>
    ({
      kind: 'action.mark',
      actionId: act.id,
      runId: act.runId,
      trace: { xid: '741' },
      measured: MEASURED.effect,
      leaseId: 'lease_a',
      scopes: scopes(act),
      at: T0,
    }) as const;

  scene(open, 'a mark is there for recovery, and refused once settled', async (store) => {
    await store.commit(beginRun('run_a'));
    await assert.rejects(store.commit(mark()), { code: 'INTERNAL' });
    const act = action('act_a', 'run_a');
    await store.commit(admit(act));
    assert.deepEqual(await store.commit(mark()), { ok: true });
    assert.deepEqual((await store.openActions())[0]?.trace, { xid: '741' });
    await store.commit(settle(act));
    assert.deepEqual(await store.commit(mark()), { ok: false, because: 'settled' });
  });

  for (const lifted of [false, true]) {
    const name = `a mark after a halt in scope${lifted ? ', lifted meanwhile,' : ''} is refused`;
    scene(open, name, async (store) => {
      await store.commit(beginRun('run_a'));
      await store.commit(admit(action('act_a', 'run_a')));
      await store.commit(raise('tool:another'));
      assert.deepEqual(await store.commit(mark()), { ok: true });
      await store.commit(raise('tool:set_plan'));
      const lift = { kind: 'halt.lift', scope: 'tool:set_plan', reason: '', by: 'd', at: T0 };
      if (lifted) await store.commit({ ...lift, kind: 'halt.lift' });
      assert.deepEqual(await store.commit(mark()), { ok: false, because: 'halted' });
    });
  }
}

function declines(open: Open): void {
  scene(open, 'a declined proposal is on record and reserves nothing', async (store) => {
    await store.commit(beginRun('run_a'));
    const decline = (id: string, as: 'denied' | 'drafted') =>
      store.commit({
        kind: 'action.decline',
        action: action(id, 'run_a'),
        as,
        measured: MEASURED,
        at: T0,
      });
    assert.deepEqual(await decline('act_a', 'denied'), { ok: true });
    assert.deepEqual(await decline('act_b', 'drafted'), { ok: true });
    assert.deepEqual(await store.openActions(), []);
    const [, denied, drafted] = await store.timeline('run_a');
    assert.equal(denied?.type, 'action.denied');
    assert.equal(drafted?.type, 'action.drafted');
    assert.match(denied?.body ?? '', /"code":"A400W"/);
    await store.commit({ kind: 'run.end', runId: 'run_a', why: 'over', at: T0 });
    assert.deepEqual(await decline('act_c', 'denied'), { ok: false, because: 'run-over' });
  });
}
