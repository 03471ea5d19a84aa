import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Lease } from '../../src/domain/credential.ts';
import type { HaltScope } from '../../src/domain/halt.ts';
import type { Store } from '../../src/domain/store.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import type { Open } from './store.ts';
import { action, admit, beginRun, beginSubRun, park, raise, runToken, T0 } from './store-cast.ts';
import { scene, types } from './store-scene.ts';

const lift = (scope: HaltScope) =>
  ({ kind: 'halt.lift', scope, reason: 'looked at', by: 'olga', at: T0 + 2 }) as const;

/** Two agents; `support` has a run with a sub-run of `billing`; each run has a token and an ask. */
async function tree(store: Store): Promise<void> {
  const root = beginRun('run_a');
  const child = beginSubRun('run_b', root, { agent: 'billing' });
  for (const run of [root, child, beginSubRun('run_c', child, { agent: 'mail' })])
    assert.deepEqual(await store.commit(run), { ok: true });
  await store.commit(beginRun('run_z', { agent: 'other' }));
  for (const [run, root, agent] of [
    ['run_a', 'run_a', 'support'],
    ['run_b', 'run_a', 'billing'],
    ['run_c', 'run_a', 'mail'],
    ['run_z', 'run_z', 'other'],
  ] as const) {
    await store.commit(runToken(`hash_${run}`, run));
    await store.commit(park(`ask_${run}`, action(`act_${run}`, run, { root, agent })));
  }
}

export function haltContract(open: Open): void {
  describe('halts', () => {
    reach(open);
    leases(open);
    numbers(open);
    liftings(open);
    races(open);
  });
}

function reach(open: Open): void {
  const cases: readonly [HaltScope, readonly string[], number][] = [
    ['all', ['run_a', 'run_b', 'run_c', 'run_z'], 4],
    ['run:run_a', ['run_a', 'run_b', 'run_c'], 3],
    ['run:run_b', ['run_b', 'run_c'], 2],
    ['agent:support', ['run_a', 'run_b', 'run_c'], 3],
    ['agent:other', ['run_z'], 1],
    ['agent:nobody', [], 0],
    ['tool:set_plan', ['run_a', 'run_b', 'run_c', 'run_z'], 0],
    ['connection:acme-db', ['run_a', 'run_b', 'run_c', 'run_z'], 0],
    ['model:m', [], 0],
  ];
  for (const [scope, reached, tokens] of cases) {
    scene(
      open,
      `\`${scope}\` reaches ${reached.length} asks and ${tokens} tokens`,
      async (store) => {
        await tree(store);
        const raised = await store.commit(raise(scope, 'because'));
        assert.deepEqual(
          raised.voided.toSorted(),
          reached.map((run) => `ask_${run}`),
        );
        assert.equal(raised.tokens, tokens);
        for (const run of ['run_a', 'run_b', 'run_c', 'run_z']) {
          const state = (await store.ask(`ask_${run}`))?.approval.state;
          assert.equal(state, reached.includes(run) ? 'void' : 'pending', run);
          const revoked = (await store.token(`hash_${run}`))?.revoked;
          assert.equal(revoked, tokens > 0 && reached.includes(run), run);
        }
      },
    );
  }

  scene(open, 'an ancestor between run and root stops its descendants', async (store) => {
    await tree(store);
    await store.commit(raise('run:run_b'));
    const grandchild = action('act_x', 'run_c', { root: 'run_a', agent: 'mail' });
    const stamp = { halt: 1, bundle: 'none' };
    assert.deepEqual(await store.commit(admit(grandchild, { stamp })), {
      ok: false,
      because: 'stale',
    });
    assert.deepEqual(await store.commit(admit(action('act_y', 'run_a'), { stamp })), { ok: true });
  });
}

function leases(open: Open): void {
  const lease = (id: string, runId: string, agent: string): Lease => ({
    ...{ id, runId, agent, connection: 'acme-db', issuer: 'postgres-role', handle: id },
    ...{ revocability: 'instant', state: 'minting', mintedAt: T0, expiresAt: T0 + 1 },
  });
  const write = (written: Lease) =>
    ({ kind: 'lease.write', lease: written, note: '', at: T0 }) as const;
  scene(open, 'a halt tells what lived when it came into force', async (store) => {
    await tree(store);
    const [over, live] = [lease('lease_a', 'run_z', 'other'), lease('lease_b', 'run_b', 'billing')];
    for (const each of [over, live, lease('lease_dead', 'run_b', 'billing')])
      await store.commit(write(each));
    await store.commit(write({ ...live, id: 'lease_dead', state: 'dead' }));
    await store.commit({ kind: 'run.end', runId: 'run_z', why: 'done', at: T0 });
    const { alive } = await store.commit(raise('agent:support'));
    assert.deepEqual(alive.runs, await store.liveRuns());
    assert.deepEqual(
      alive.leases,
      (await store.leases({})).filter(({ state }) => state !== 'dead'),
    );
    assert.deepEqual(
      alive.ended.map(({ id, agent, parent, actsFor }) => [id, agent, parent, actsFor]),
      [['run_z', 'other', null, []]],
    );
  });

  scene(open, 'a halt is not inert while one of its leases is not over', async (store) => {
    await tree(store);
    const one = lease('lease_a', 'run_a', 'support');
    await store.commit(write(one));
    const { scope, epoch } = (await store.commit(raise('run:run_a'))).halt;
    const leases = [one.id, 'lease_never'];
    const inert = {
      kind: 'halt.inert',
      scope,
      epoch,
      leases,
      heardMs: 2_000,
      report: {},
      at: T0,
    } as const;
    const revoking = store.commit(write({ ...one, state: 'revoking' }));
    assert.deepEqual(await store.commit(inert), { ok: false, because: 'alive' });
    await revoking;
    const dead = store.commit(write({ ...one, state: 'dead' }));
    assert.deepEqual(await store.commit(inert), { ok: true }, 'handed over behind the record');
    await dead;
  });

  for (const scope of ['all', 'agent:support', 'run:run_a', 'connection:acme-db'])
    scene(open, `under a halt of \`${scope}\` no lease is begun`, async (store) => {
      await tree(store);
      const before = lease('lease_before', 'run_b', 'billing');
      await store.commit(write(before));
      await store.commit(raise(scope));
      const after = await store.commit(write(lease('lease_after', 'run_b', 'billing')));
      assert.deepEqual(after, { ok: false, because: 'halted' });
      const ended = await store.commit(write({ ...before, state: 'revoking' }));
      assert.deepEqual(ended, { ok: true }, 'what is alive can still be ended');
      assert.deepEqual(
        (await store.leases({})).map(({ id }) => id),
        ['lease_before'],
      );
    });
}

function numbers(open: Open): void {
  scene(open, 'the halt number only grows, by halts and by their lifting', async (store) => {
    const first = await store.commit(raise('agent:support', 'why'));
    const halt = {
      scope: 'agent:support',
      epoch: 1,
      reason: 'why',
      by: 'dana',
      at: T0,
      state: 'gated',
    };
    assert.deepEqual(first.halt, halt);
    assert.deepEqual(await store.haltState(), {
      stamp: { halt: 1, bundle: 'none' },
      halts: [halt],
    });
    await store.commit(raise('all'));
    const lifted = await store.commit(lift('agent:support'));
    assert.deepEqual(lifted, { ok: true, halt: { ...halt, state: 'lifted' } });
    const { stamp, halts } = await store.haltState();
    assert.equal(stamp.halt, 3);
    assert.deepEqual(
      halts.map(({ scope }) => scope),
      ['all'],
    );
    assert.deepEqual(await store.commit(lift('agent:support')), { ok: false, because: 'missing' });
    assert.equal((await store.haltState()).stamp.halt, 3, 'a refused op changed the number');
    assert.deepEqual((await types(store, SYSTEM_CHAIN)).slice(1), [
      'halt.raised',
      'halt.raised',
      'halt.lifted',
    ]);
  });

  scene(open, 'a halt becomes inert once, and only as it was raised', async (store) => {
    const { halt } = await store.commit(raise('all'));
    const { scope, epoch } = halt;
    const inert = {
      kind: 'halt.inert',
      scope,
      epoch,
      leases: [],
      heardMs: 2_000,
      report: { leases: 0 },
      at: T0 + 1,
    } as const;
    const moved = { ok: false, because: 'moved' };
    assert.deepEqual(await store.commit({ ...inert, epoch: 9 }), moved);
    assert.deepEqual(await store.commit({ ...inert, scope: 'run:x' }), moved);
    assert.deepEqual(await store.commit(inert), { ok: true });
    assert.equal((await store.haltState()).halts[0]?.state, 'inert');
    assert.deepEqual(await store.commit(inert), moved);
    await store.commit(lift('all'));
    assert.deepEqual(await store.commit(inert), moved);
  });
}

function liftings(open: Open): void {
  scene(open, 'raised twice on one scope, it is lifted by one resume', async (store) => {
    await store.commit(raise('all'));
    await store.commit(raise('all'));
    assert.equal((await store.commit(lift('all'))).ok, true);
    assert.deepEqual((await store.haltState()).halts, []);
  });

  scene(
    open,
    'one that was raised after the look stays; a lone lifting is recorded',
    async (store) => {
      const first = await store.commit(raise('all'));
      const second = await store.commit(raise('all'));
      const upTo = first.halt.epoch;
      assert.equal((await store.commit({ ...lift('all'), upTo, alone: true })).ok, true);
      assert.deepEqual((await store.haltState()).halts, [second.halt]);
      const last = (await store.timeline(SYSTEM_CHAIN, 0, 100)).at(-1);
      const { lifted, alone } = JSON.parse(last?.body ?? '{}');
      assert.deepEqual([lifted, alone], [[upTo], true]);
      assert.equal((await store.commit({ ...lift('all'), upTo })).ok, false);
    },
  );

  scene(open, 'tokens that a halt revoked stay revoked', async (store) => {
    await store.commit(beginRun('run_a'));
    await store.commit(runToken('hash_a', 'run_a'));
    await store.commit(raise('run:run_a'));
    await store.commit(lift('run:run_a'));
    const renew = { kind: 'token.renew', hash: 'hash_a', expiresAt: T0 + 9, at: T0 } as const;
    assert.deepEqual(await store.commit(renew), { ok: false, because: 'revoked' });
    assert.equal((await store.token('hash_a'))?.revoked, true);
  });
}

function races(open: Open): void {
  scene(open, 'no intent comes after a halt it was raced with', async (store) => {
    await store.commit(beginRun('run_a'));
    const before = Array.from({ length: 30 }, (_, index) =>
      store.commit(admit(action(`act_b${index}`, 'run_a'))),
    );
    const halt = store.commit(raise('run:run_a'));
    const stamps = [0, 1].map((number) => ({ halt: number, bundle: 'none' }));
    const after = stamps.flatMap((stamp) =>
      Array.from({ length: 30 }, (_, index) =>
        store.commit(admit(action(`act_${stamp.halt}${index}`, 'run_a'), { stamp })),
      ),
    );
    assert.equal((await Promise.all(before)).filter(({ ok }) => ok).length, 30);
    assert.equal((await halt).halt.epoch, 1);
    for (const result of await Promise.all(after))
      assert.deepEqual(result, { ok: false, because: 'stale' });
    assert.equal((await store.openActions()).length, 30);
  });
}
