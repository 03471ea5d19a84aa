import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { effectVector } from '../../src/domain/effect.ts';
import type { ActionAdmit } from '../../src/domain/ops.ts';
import type { Settlement } from '../../src/domain/proposal.ts';
import { explain } from '../../src/ledger/explain.ts';
import type { Open } from './store.ts';
import { action, admit, beginRun, calls, DONE, READ, raise, settle, T0 } from './store-cast.ts';
import { scene, types, used } from './store-scene.ts';

const POSTED = effectVector({ calls: 1, rowsRead: 4 });

function read(id: string, more: Partial<ActionAdmit> = {}, settlement = DONE): ActionAdmit {
  const outcome = { settlement, posted: POSTED };
  return admit(action(id, 'run_a', { decision: READ }), { outcome, ...more });
}

/** Reads whose intent and outcome come together. */
export function readContract(open: Open): void {
  describe('joint reads', () => {
    recorded(open);
    refusals(open);
    remembered(open);
  });
}

function recorded(open: Open): void {
  scene(open, 'a read is one record that tells the whole of it', async (store) => {
    await store.commit(beginRun('run_a'));
    const op = read('act_a', { reservations: [calls('k', 9)], leaseId: 'lease_a' });
    assert.deepEqual(await store.commit(op), { ok: true });
    assert.equal(await store.runOf('act_a'), 'run_a');
    assert.equal(await store.runOf('act_'), null);
    const events = await store.timeline('run_a');
    const [story] = explain(events, 'act_a')?.actions ?? [];
    assert.deepEqual(story?.arguments, { id: 7 });
    assert.deepEqual(story?.reservations, [calls('k', 9)]);
    assert.deepEqual(story?.stamp, { halt: 0, bundle: 'none' });
    assert.deepEqual(
      story?.verdicts.map(({ check, code, reason }) => [check, code, reason]),
      [['grant', 'GRANT_READ', 'the grant says `read`']],
    );
    const { kind, posted, content, by } = story?.outcome ?? {};
    assert.deepEqual([kind, by], ['done', 'act']);
    assert.deepEqual(posted, { calls: 1, rowsRead: 4 });
    assert.deepEqual(content, { result: { cut: [], text: 'one row changed' } });
    assert.equal(events[1]?.body.includes(op.action.argumentsDigest), false);
    const [run] = await store.runs({ limit: 1 });
    assert.deepEqual([run?.actions, run?.refused], [1, 0]);
  });

  const ends: readonly [Settlement, string[], number][] = [
    [
      { kind: 'failed', code: 'X', message: 'no', reply: { code: -1, message: 'no' } },
      ['action.read'],
      0,
    ],
    [{ kind: 'refused', refusal: { code: 'MEASURED', reasons: [] } }, ['action.read'], 1],
    [{ kind: 'unknown', message: 'gone' }, ['action.intent', 'action.outcome'], 0],
  ];
  for (const [settlement, records, refusedRuns] of ends) {
    scene(open, `a read that ends ${settlement.kind} spends what it must`, async (store) => {
      await store.commit(beginRun('run_a'));
      const op = read('act_a', { reservations: [calls('k', 9, 2)] }, settlement);
      assert.deepEqual(await store.commit(op), { ok: true });
      assert.deepEqual((await types(store, 'run_a')).slice(1), records);
      const posted = settlement.kind === 'unknown' ? 2 : 0;
      assert.deepEqual(await used(store, 'k'), { posted, pending: 0 });
      assert.deepEqual(await store.openActions(), []);
      assert.equal(await store.runOf('act_a'), 'run_a');
      assert.equal((await store.runs({ limit: 1 }))[0]?.refused, refusedRuns);
      const { tool, argumentsDigest } = op.action;
      const { unknownRepeat } = await store.factsFor({ runId: 'run_a', tool, argumentsDigest });
      assert.equal(unknownRepeat, settlement.kind === 'unknown' ? 'act_a' : null);
    });
  }

  scene(open, 'a read of an erased run says nothing of its content', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(read('act_a'));
    await store.commit({ kind: 'ledger.erase', runId: 'run_a', reason: '', by: 'dana', at: T0 });
    await store.commit(read('act_b'));
    const [, before, after] = await store.timeline('run_a');
    assert.equal(before?.payload, null);
    assert.equal(after?.payload, null);
    assert.match(after?.body ?? '', /"withheld":true}$/);
  });
}

function refusals(open: Open): void {
  scene(open, 'a read is refused like any other intent, and leaves nothing', async (store) => {
    await store.commit(beginRun('run_a'));
    const short = read('act_a', { reservations: [calls('k', 9), calls('j', 1, 2)] });
    assert.deepEqual(await store.commit(short), { ok: false, because: 'short' });
    assert.deepEqual(await used(store, 'k'), { posted: 0, pending: 0 });
    const late = read('act_a', { at: T0 + 9e9 });
    assert.deepEqual(await store.commit(late), { ok: false, because: 'run-over' });
    const stale = { ok: false, because: 'stale' };
    const other = { stamp: { halt: 0, bundle: 'another' } };
    assert.deepEqual(await store.commit(read('act_a', other)), stale);
    await store.commit(raise('tool:set_plan'));
    assert.deepEqual(await store.commit(read('act_a')), stale);
    const stamp = { halt: 1, bundle: 'none' };
    assert.deepEqual(await store.commit(read('act_a', { stamp })), stale);
    await store.commit({ kind: 'run.end', runId: 'run_a', why: '', at: T0 });
    assert.deepEqual(await store.commit(read('act_a', { stamp })), {
      ok: false,
      because: 'run-over',
    });
    assert.deepEqual(await types(store, 'run_a'), ['run.begun', 'run.ended']);
  });

  scene(open, 'what fails among reads is taken back alone, wherever it fails', async (store) => {
    await store.commit(beginRun('run_a'));
    const good = (id: string) => store.commit(read(id, { reservations: [calls('k', 9)] }));
    const misled = admit(action('act_2', 'run_a', { decision: READ, agent: 'a\nb' }), {
      outcome: { settlement: DONE, posted: POSTED },
    });
    const results = await Promise.allSettled([
      good('act_1'),
      store.commit(admit(action('act_w', 'run_a'), { reservations: [calls('k', 9)] })),
      good('act_1'),
      store.commit(misled),
      store.commit(read('act_3', { reservations: [calls('k', 9, 0.5)] })),
      store.commit(read('act_4', { reservations: [calls('k', 9), calls('k', 9)] })),
      good('act_5'),
    ]);
    assert.deepEqual(
      results.map((one) => (one.status === 'rejected' ? one.reason.code : one.value.ok)),
      [true, true, 'INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL', true],
    );
    const records = ['run.begun', 'action.read', 'action.intent', 'action.read'];
    assert.deepEqual(await types(store, 'run_a'), records);
    assert.deepEqual(await used(store, 'k'), { posted: 2, pending: 1 });
    assert.equal((await store.runs({ limit: 1 }))[0]?.actions, 3);
  });
}

function remembered(open: Open): void {
  scene(open, 'what reads leave behind is seen at once by everybody', async (store) => {
    await store.commit(beginRun('run_a'));
    const act = action('act_w', 'run_a');
    const { tool, argumentsDigest } = act;
    const facts = () => store.factsFor({ runId: 'run_a', tool, argumentsDigest });
    for (let number = 1; number <= 30; number++) {
      await store.commit(read(`act_${number}`, { reservations: [calls('k', 99)] }));
      assert.deepEqual(await used(store, 'k'), { posted: number, pending: 0 });
      assert.equal((await facts()).unknownRepeat, null);
    }
    await store.commit(admit(act, { reservations: [calls('k', 99)] }));
    assert.deepEqual(await used(store, 'k'), { posted: 30, pending: 1 });
    await store.commit(settle(act, { settlement: { kind: 'unknown', message: '' }, posted: null }));
    assert.equal((await facts()).unknownRepeat, 'act_w');
    await store.commit(raise('all'));
    assert.equal((await facts()).stamp.halt, 1);
    assert.deepEqual(
      (await facts()).halts.map(({ scope }) => scope),
      ['all'],
    );
    assert.equal((await store.haltState()).stamp.halt, 1);
  });
}
