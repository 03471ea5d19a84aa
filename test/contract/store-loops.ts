import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { digestOf } from '../../src/domain/digest.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Spend } from '../../src/domain/spend.ts';
import type { Store } from '../../src/domain/store.ts';
import type { Open } from './store.ts';
import {
  action,
  admit,
  beginRun,
  beginSubRun,
  DONE,
  park,
  READ,
  settle,
  T0,
} from './store-cast.ts';
import { scene } from './store-scene.ts';

const CALL = {
  root: 'run_a',
  tool: 'set_plan',
  argumentsDigest: digestOf('arguments', { id: 7 }),
};

/** What the loop detectors look back on: counted and read over a whole run tree. */
export function loopContract(open: Open): void {
  describe('what a run tree did', () => {
    counted(open);
    readBack(open);
    spent(open);
    cost(open);
  });
}

async function begun(store: Store): Promise<void> {
  const root = beginRun('run_a');
  for (const run of [root, beginSubRun('run_b', root)])
    assert.equal((await store.commit(run)).ok, true);
}

function counted(open: Open): void {
  scene(
    open,
    'the same call is counted in every run of the tree, once it was meant to be executed',
    async (store) => {
      await begun(store);
      const ofChild = { root: 'run_a' };
      const made = [
        action('act_1', 'run_a'),
        action('act_2', 'run_b', ofChild),
        action('act_3', 'run_b', ofChild),
      ];
      for (const one of made) await store.commit(admit(one));
      await store.commit(settle(made[0] ?? assert.fail()));
      const failed = { kind: 'failed', code: 'X', message: 'no' } as const;
      await store.commit(settle(made[1] ?? assert.fail(), { settlement: failed, posted: null }));
      assert.equal((await store.repeats(CALL)).attempts, 3, 'done, failed and under way');
      await store.commit(
        settle(made[2] ?? assert.fail(), {
          settlement: { kind: 'refused', refusal: { code: 'CAP_EXCEEDED', reasons: [] } },
          posted: null,
        }),
      );
      assert.equal((await store.repeats(CALL)).attempts, 2, 'what was refused did nothing');
    },
  );

  scene(
    open,
    'neither previews nor denials, nor other calls, runs or tools are counted',
    async (store) => {
      await begun(store);
      await store.commit(beginRun('run_z'));
      for (const other of [
        action('act_1', 'run_a', { purpose: 'preview' }),
        action('act_2', 'run_a', { arguments: { id: 8 } }),
        action('act_3', 'run_a', { tool: 'get' }),
        action('act_4', 'run_z'),
      ])
        await store.commit(admit(other));
      await store.commit({
        kind: 'action.decline',
        action: action('act_5', 'run_a'),
        as: 'denied',
        measured: null,
        at: T0,
      });
      assert.deepEqual(await store.repeats(CALL), {
        attempts: 0,
        refusedAsks: 0,
        refusedOfTool: 0,
      });
    },
  );

  scene(open, 'asks that a human refused are counted over the tree', async (store) => {
    await begun(store);
    const asked = [
      park('ask_1', action('act_1', 'run_a')),
      park('ask_2', action('act_2', 'run_b', { root: 'run_a' })),
      park('ask_3', action('act_3', 'run_a', { arguments: { id: 8 } })),
      park('ask_4', action('act_4', 'run_a', { arguments: { id: 9 } })),
    ];
    for (const ask of asked) assert.equal((await store.commit(ask)).ok, true);
    for (const approvalId of ['ask_1', 'ask_2', 'ask_3'])
      await store.commit({
        kind: 'approval.answer',
        ...{ approvalId, answer: 'refused', by: 'olga', because: 'no', at: T0 },
      });
    const { refusedAsks, refusedOfTool } = await store.repeats(CALL);
    assert.deepEqual([refusedAsks, refusedOfTool], [2, 3]);
  });
}

function readBack(open: Open): void {
  scene(
    open,
    'the newest records of the tree come in their order, with what they hold',
    async (store) => {
      await begun(store);
      const posted = effectVector({ calls: 1 });
      for (let index = 0; index < 4; index++) {
        const runId = index % 2 === 0 ? 'run_a' : 'run_b';
        const record = action(`act_${index}`, runId, { root: 'run_a', decision: READ });
        await store.commit(
          admit(record, { outcome: { settlement: DONE, posted }, at: T0 + index }),
        );
      }
      const all = await store.trail('run_a', 10);
      assert.deepEqual(
        all.map(({ chain, type, at }) => [chain, type, at - T0]),
        [
          ['run_a', 'action.read', 0],
          ['run_b', 'run.begun', 0],
          ['run_b', 'action.read', 1],
          ['run_a', 'action.read', 2],
          ['run_b', 'action.read', 3],
        ],
      );
      assert.deepEqual(all.at(-1)?.payload?.arguments, { id: 7 });
      assert.deepEqual(
        (await store.trail('run_a', 2)).map(({ at }) => at - T0),
        [2, 3],
      );
      assert.deepEqual(await store.trail('run_z', 10), []);
    },
  );

  scene(
    open,
    'a replica that is not alone is told how many actions the tree has',
    async (store) => {
      await begun(store);
      const facts = async () => (await store.factsFor({ ...CALL, runId: 'run_a' })).treeActions;
      const before = await facts();
      await store.commit(admit(action('act_1', 'run_b', { root: 'run_a' })));
      assert.deepEqual([before, await facts()], store.alone ? [null, null] : [0, 1]);
    },
  );
}

const SPEND: Spend = {
  ...{ id: 'spd_1', source: 'reported', by: 'client', model: 'm-1', said: null },
  ...{ tokensIn: 100, tokensOut: 20, moneyMicros: 400 },
};
const micros = (key: string, limit: number, amount = 400) =>
  ({ key, dimension: 'moneyMicros', amount, limit }) as const;

function spent(open: Open): void {
  const spend = { kind: 'run.spend', runId: 'run_a', spend: SPEND, at: T0 } as const;
  const posted = async (store: Store, key: string): Promise<number> =>
    (await store.usage([key])).reduce((sum, row) => sum + row.posted + row.pending, 0);

  scene(open, 'what is spent ahead fits every limit or nothing is drawn', async (store) => {
    await begun(store);
    const draws = [micros('run:run_a', 500), micros('day:d', 1_000)];
    assert.deepEqual(await store.commit({ ...spend, draws, ahead: true }), {
      ok: true,
      over: false,
    });
    const second = { ...SPEND, id: 'spd_2' };
    const short = await store.commit({ ...spend, spend: second, draws, ahead: true });
    assert.deepEqual(short, { ok: false, because: 'short' });
    assert.deepEqual([await posted(store, 'run:run_a'), await posted(store, 'day:d')], [400, 400]);
    const back = [micros('run:run_a', 0, 150), micros('day:d', 0, 150)];
    const came = { ...SPEND, moneyMicros: 250 };
    const refund = {
      kind: 'run.refund',
      runId: 'run_a',
      held: SPEND,
      spend: came,
      at: T0,
    } as const;
    await store.commit({ ...refund, back });
    assert.deepEqual([await posted(store, 'run:run_a'), await posted(store, 'day:d')], [250, 250]);
    await assert.rejects(store.commit({ ...refund, back: [micros('run:run_a', 0, 251)] }));
    assert.deepEqual((await store.cost('run_a')).moneyMicros, 250);
    await store.commit({ kind: 'run.end', runId: 'run_a', why: 'over', at: T0 });
    const over = await store.commit({ ...spend, draws, ahead: true });
    assert.deepEqual(over, { ok: false, because: 'run-over' });
  });

  scene(open, 'what was spent already uses limits up and goes beyond none', async (store) => {
    await begun(store);
    const draws = [micros('run:run_a', 100), micros('day:d', 1_000)];
    assert.deepEqual(await store.commit({ ...spend, draws, ahead: false }), {
      ok: true,
      over: true,
    });
    assert.deepEqual(
      [await posted(store, 'run:run_a'), await posted(store, 'day:d')],
      [100, 100],
      'no run uses up more of a day than of its own limit',
    );
    assert.equal((await store.cost('run_a')).moneyMicros, 400, 'the record knows all of it');
  });
}

function cost(open: Open): void {
  scene(open, 'what run trees cost is known, and of ended ones by their agent', async (store) => {
    await begun(store);
    const posted = effectVector({ calls: 1 });
    const outcome = { settlement: DONE, posted };
    await store.commit(admit(action('act_1', 'run_a', { decision: READ }), { outcome }));
    await store.commit(admit(action('act_2', 'run_b', { root: 'run_a' })));
    await store.commit(admit(action('act_3', 'run_a', { purpose: 'preview' })));
    for (const runId of ['run_a', 'run_b'])
      await store.commit({
        ...{ kind: 'run.spend', runId, spend: { ...SPEND, id: `spd_${runId}` } },
        ...{ draws: [], ahead: false, at: T0 },
      });
    const { ms, ...known } = await store.cost('run_a');
    assert.deepEqual(known, {
      ...{ moneyMicros: 800, tokens: 240, calls: { set_plan: 2 }, actions: 3 },
    });
    assert.ok(ms >= 0);
    const { agent } = beginRun('run_a').run;
    assert.deepEqual(await store.costsOf(agent), [], 'it is not over');
    await store.commit({ kind: 'run.end', runId: 'run_a', why: 'over', at: T0 + 60_000 });
    assert.deepEqual(await store.costsOf(agent), [{ ...known, ms: 60_000 }]);
    await store.commit({
      kind: 'halt.raise',
      ...{ scope: 'run:run_a', reason: 'late', by: 'olga', at: T0 },
    });
    assert.deepEqual(await store.costsOf(agent), [], 'what was halted is no example');
    assert.deepEqual((await store.cost('run_zzz')).calls, {});
  });
}
