import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { digestOf } from '../../src/domain/digest.ts';
import type { ApprovalAnswer } from '../../src/domain/ops.ts';
import type { Open } from './store.ts';
import { action, admit, beginRun, calls, HOUR, MEASURED, park, raise, T0 } from './store-cast.ts';
import { scene, types, used } from './store-scene.ts';

const approve = (
  approvalId: string,
  answer: ApprovalAnswer['answer'] = 'approved',
  at = T0,
): ApprovalAnswer => ({
  kind: 'approval.answer',
  approvalId,
  answer,
  by: 'olga',
  because: 'the customer asked for it',
  at,
});

export function approvalContract(open: Open): void {
  describe('approvals', () => {
    asking(open);
    answering(open);
    using(open);
  });
}

function asking(open: Open): void {
  scene(open, 'an ask shows what would run and what it would change', async (store) => {
    await store.commit(beginRun('run_a'));
    const op = park('ask_a', action('act_a', 'run_a'));
    assert.deepEqual(await store.commit(op), { ok: true });
    assert.deepEqual(await store.ask('ask_a'), {
      approval: op.approval,
      arguments: { id: 7 },
      continuation: null,
      lineage: null,
      measured: MEASURED,
      shown: null,
      runIntent: 'the intent of run_a',
    });
    const shown = { text: 'what it would be', cut: ['the rest'] };
    await store.commit({ ...park('ask_b', action('act_b', 'run_a', { tool: 'other' })), shown });
    assert.deepEqual((await store.ask('ask_b'))?.shown, shown);
    assert.equal((await store.asks({ limit: 9, state: 'pending' })).length, 2);
    assert.equal((await store.asks({ limit: 9, state: 'approved' })).length, 0);
    assert.equal(await store.ask('ask_x'), null);
    assert.equal(await store.runOf('ask_a'), 'run_a');
    const query = { runId: 'run_a', tool: 'set_plan', argumentsDigest: op.action.argumentsDigest };
    assert.deepEqual((await store.factsFor(query)).approval, op.approval);
    const other = { ...query, argumentsDigest: digestOf('arguments', {}) };
    assert.equal((await store.factsFor(other)).approval, null);
  });

  scene(open, 'the same proposal has one open ask; an expired one makes room', async (store) => {
    await store.commit(beginRun('run_a', { expiresAt: T0 + 9 * HOUR }));
    await store.commit(park('ask_a', action('act_a', 'run_a')));
    const again = park('ask_b', action('act_b', 'run_a'));
    const taken = { ok: false, because: 'open', approvalId: 'ask_a' };
    assert.deepEqual(await store.commit(again), taken);
    await store.commit(approve('ask_a'));
    assert.deepEqual(await store.commit(again), taken);
    const late = { ...park('ask_b', action('act_b', 'run_a'), { expiresAt: T0 + 3 * HOUR }) };
    assert.deepEqual(await store.commit({ ...late, at: T0 + HOUR }), { ok: true });
    const query = {
      runId: 'run_a',
      tool: 'set_plan',
      argumentsDigest: late.action.argumentsDigest,
    };
    const newest = { ...late.approval, askedAt: T0 };
    assert.equal((await store.factsFor(query)).approval?.id, newest.id);
  });

  scene(open, 'nothing is parked under a halt that came after the decision', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(raise('connection:acme-db'));
    const stale = { ok: false, because: 'stale' };
    assert.deepEqual(await store.commit(park('ask_a', action('act_a', 'run_a'))), stale);
    const lift = { scope: 'connection:acme-db', reason: '', by: 'dana', at: T0 };
    await store.commit({ kind: 'halt.lift', ...lift });
    assert.deepEqual(await store.commit(park('ask_a', action('act_a', 'run_a'))), stale);
    const fresh = park('ask_a', action('act_a', 'run_a'), { halt: 2 });
    assert.deepEqual(await store.commit(fresh), { ok: true });
    await store.commit({ kind: 'run.end', runId: 'run_a', why: '', at: T0 });
    const over = park('ask_b', action('act_b', 'run_a'), { halt: 2 });
    assert.deepEqual(await store.commit(over), { ok: false, because: 'run-over' });
  });
}

function answering(open: Open): void {
  scene(open, 'an ask is answered once, in time', async (store) => {
    await store.commit(beginRun('run_a'));
    assert.deepEqual(await store.commit(approve('ask_a')), { ok: false, because: 'missing' });
    const op = park('ask_a', action('act_a', 'run_a'));
    await store.commit(op);
    const late = approve('ask_a', 'approved', T0 + HOUR);
    assert.deepEqual(await store.commit(late), { ok: false, because: 'expired' });
    const answered = await store.commit(approve('ask_a', 'approved', T0 + 3));
    const approval = {
      ...op.approval,
      state: 'approved',
      answeredBy: 'olga',
      answeredAt: T0 + 3,
    };
    assert.deepEqual(answered, { ok: true, approval });
    assert.deepEqual((await store.ask('ask_a'))?.approval, approval);
    const twice = await store.commit(approve('ask_a', 'refused'));
    assert.deepEqual(twice, { ok: false, because: 'answered' });
  });

  scene(open, 'a void ask stays void', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(park('ask_a', action('act_a', 'run_a')));
    const because = 'its rows moved';
    const voiding = { kind: 'approval.void', approvalId: 'ask_a', because, at: T0 } as const;
    assert.deepEqual(await store.commit(voiding), { ok: true });
    assert.deepEqual(await store.commit(voiding), { ok: false, because: 'closed' });
    assert.deepEqual(await store.commit(approve('ask_a')), { ok: false, because: 'void' });
    assert.equal((await types(store, 'run_a')).at(-1), 'approval.voided');
  });
}

function using(open: Open): void {
  const parked = action('act_ask', 'run_a');

  scene(open, 'an approval covers exactly one action', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(beginRun('run_b'));
    await store.commit(park('ask_a', parked));
    const gone = { ok: false, because: 'approval-gone' };
    const use = (id: string, runId = 'run_a', more = {}) =>
      store.commit(admit(action(id, runId, more), { approvalId: 'ask_a' }));
    assert.deepEqual(await use('act_a'), gone, 'not answered yet');
    await store.commit(approve('ask_a'));
    assert.deepEqual(await use('act_a', 'run_b'), gone, 'another run');
    assert.deepEqual(await use('act_a', 'run_a', { tool: 'drop_plan' }), gone, 'another tool');
    assert.deepEqual(await use('act_a', 'run_a', { toolDigest: 'new' }), gone, 'a changed tool');
    const other = { argumentsDigest: digestOf('arguments', { id: 8 }) };
    assert.deepEqual(await use('act_a', 'run_a', other), gone, 'other arguments');
    assert.deepEqual(await use('act_a'), { ok: true });
    assert.deepEqual(await use('act_b'), gone, 'used');
    assert.equal((await store.ask('ask_a'))?.approval.state, 'used');
  });

  scene(open, 'an approval is used once whoever asks first', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(park('ask_a', parked));
    await store.commit(approve('ask_a'));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.commit(admit(action(`act_${index}`, 'run_a'), { approvalId: 'ask_a' })),
      ),
    );
    assert.equal(results.filter(({ ok }) => ok).length, 1);
    assert.equal((await store.openActions()).length, 1);
  });

  scene(open, 'an approval survives a shortage, and no halt in its scope', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(park('ask_a', parked));
    await store.commit(approve('ask_a'));
    const short = admit(action('act_a', 'run_a'), {
      approvalId: 'ask_a',
      reservations: [calls('k', 0)],
    });
    assert.deepEqual(await store.commit(short), { ok: false, because: 'short' });
    assert.equal((await store.ask('ask_a'))?.approval.state, 'approved');
    await store.commit(raise('tool:another'));
    const stamp = { halt: 1, bundle: 'none' };
    const late = admit(action('act_a', 'run_a'), { approvalId: 'ask_a', stamp, at: T0 + HOUR });
    assert.equal((await store.commit(late)).ok, false, 'expired');
    const use = admit(action('act_a', 'run_a'), { approvalId: 'ask_a', stamp });
    assert.deepEqual(await store.commit(use), { ok: true });
    assert.deepEqual(await used(store, 'k'), { posted: 0, pending: 0 });
  });
}
