import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Lease } from '../../src/domain/credential.ts';
import type { OperatorAdd, TokenRow } from '../../src/domain/ops.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import type { Open } from './store.ts';
import { beginRun, HOUR, runToken, T0 } from './store-cast.ts';
import { scene, types } from './store-scene.ts';

const LEASE: Lease = {
  id: 'lease_a',
  runId: 'run_a',
  agent: 'support',
  connection: 'acme-db',
  issuer: 'postgres-role',
  handle: 'sbx_support_1',
  revocability: 'instant',
  state: 'minting',
  mintedAt: T0,
  expiresAt: T0 + HOUR,
};

function token(hash: string, kind: TokenRow['kind'], subject: string): TokenRow {
  return { hash, kind, subject, expiresAt: T0 + HOUR, revoked: false };
}

export function identityContract(open: Open): void {
  describe('identity', () => {
    tokens(open);
    operators(open);
    leases(open);
    leaseEnds(open);
    secrets(open);
  });
}

function tokens(open: Open): void {
  scene(open, 'a token is renewed while it works', async (store) => {
    await store.commit(beginRun('run_a'));
    const { token: issued } = runToken('hash_a', 'run_a');
    assert.deepEqual(await store.commit(runToken('hash_a', 'run_a')), { ok: true });
    assert.deepEqual(await store.token('hash_a'), issued);
    assert.equal(await store.token('hash_b'), null);
    const renew = { kind: 'token.renew', hash: 'hash_a', expiresAt: T0 + HOUR, at: T0 } as const;
    const revoked = { ok: false, because: 'revoked' };
    assert.deepEqual(await store.commit({ ...renew, at: issued.expiresAt }), revoked, 'expired');
    assert.deepEqual(await store.commit({ ...renew, hash: 'hash_b' }), revoked, 'unknown');
    assert.deepEqual(await store.commit(renew), { ok: true });
    assert.equal((await store.token('hash_a'))?.expiresAt, T0 + HOUR);
    const revoke = { kind: 'token.revoke', hash: 'hash_a', at: T0 } as const;
    assert.deepEqual(await store.commit(revoke), { ok: true });
    assert.deepEqual(await store.commit(revoke), { ok: true });
    assert.deepEqual(await store.commit(renew), revoked);
    assert.equal((await store.token('hash_a'))?.revoked, true);
    await assert.rejects(store.commit(runToken('hash_a', 'run_a')), { code: 'INTERNAL' });
    assert.deepEqual(await types(store, 'run_a'), [
      'run.begun',
      'token.issued',
      'token.renewed',
      'token.revoked',
    ]);
  });

  scene(open, 'an agent enrols with the hash of a secret', async (store) => {
    const row = token('hash_agent', 'agent', 'support');
    const enrol = {
      kind: 'agent.enrol',
      agent: 'support',
      token: row,
      by: 'dana',
      at: T0,
    } as const;
    assert.deepEqual(await store.commit(enrol), { ok: true });
    assert.deepEqual(await store.token('hash_agent'), row);
    assert.equal((await types(store, SYSTEM_CHAIN)).at(-1), 'agent.enrolled');
  });
}

function operators(open: Open): void {
  const add = (operator: string, setupHash: string): OperatorAdd => ({
    kind: 'operator.add',
    operator,
    role: 'owner',
    token: token(`hash_${operator}_${setupHash}`, 'operator', operator),
    setupHash,
    at: T0,
  });

  scene(open, 'a setup code makes one operator', async (store) => {
    assert.equal(await store.operatorCount(), 0);
    const used = { ok: false, because: 'used' };
    assert.deepEqual(await store.commit(add('dana', 'setup_1')), used);
    const setups: TokenRow[] = [
      token('setup_1', 'setup', 'first'),
      token('setup_2', 'setup', 'second'),
      { ...token('setup_3', 'setup', 'late'), expiresAt: T0 },
      token('no_setup', 'session', 'dana'),
    ];
    for (const row of setups) await store.commit({ kind: 'token.issue', token: row, at: T0 });
    assert.deepEqual(await store.commit(add('dana', 'setup_1')), { ok: true });
    assert.deepEqual(await store.operator('dana'), { name: 'dana', role: 'owner' });
    assert.equal(await store.operator('olga'), null);
    assert.deepEqual(await store.commit(add('olga', 'setup_1')), used, 'used up');
    assert.deepEqual(await store.commit(add('olga', 'setup_3')), used, 'expired');
    assert.deepEqual(await store.commit(add('olga', 'no_setup')), used, 'another kind');
    assert.deepEqual(await store.commit(add('dana', 'setup_2')), { ok: false, because: 'exists' });
    assert.deepEqual(
      await store.commit(add('olga', 'setup_2')),
      { ok: true },
      'not used up by dana',
    );
    assert.equal(await store.operatorCount(), 2);
  });

  scene(open, 'two claims of one setup code: one operator', async (store) => {
    const setup = token('setup_1', 'setup', 'first');
    await store.commit({ kind: 'token.issue', token: setup, at: T0 });
    const claims = ['dana', 'olga', 'mallory'].map((name) => store.commit(add(name, 'setup_1')));
    assert.equal((await Promise.all(claims)).filter(({ ok }) => ok).length, 1);
    assert.equal(await store.operatorCount(), 1);
  });
}

function leases(open: Open): void {
  const write = (lease: Partial<Lease>) =>
    ({ kind: 'lease.write', lease: { ...LEASE, ...lease }, note: 'a note', at: T0 }) as const;

  scene(open, 'a lease is durable before it is minted and told with its run', async (store) => {
    await store.commit(beginRun('run_a'));
    assert.deepEqual(await store.commit(write({})), { ok: true });
    const owned = { ...LEASE, replica: store.replica };
    assert.deepEqual(await store.leases({ state: ['minting'] }), [owned]);
    await store.commit(write({ state: 'live' }));
    assert.deepEqual(await store.leases({ state: ['minting'] }), []);
    assert.deepEqual(await store.leases({ runId: 'run_a' }), [{ ...owned, state: 'live' }]);
    assert.deepEqual(await store.leases({ runId: 'run_a', state: ['dead'] }), []);
    assert.equal((await store.leases({})).length, 1);
    assert.deepEqual(await types(store, 'run_a'), ['run.begun', 'lease.written', 'lease.written']);
  });

  scene(open, 'a lease that is being revoked never comes back to life', async (store) => {
    await store.commit(write({ runId: 'run_gone' }));
    await store.commit(write({ runId: 'run_gone', state: 'revoking' }));
    for (const state of ['live', 'minting'] as const)
      await assert.rejects(store.commit(write({ state })), { code: 'CREDENTIAL_FAILED' });
    await store.commit(write({ runId: 'run_gone', state: 'dead' }));
    await assert.rejects(store.commit(write({ state: 'live' })), { code: 'CREDENTIAL_FAILED' });
    assert.equal((await store.leases({}))[0]?.state, 'dead');
  });
}

function leaseEnds(open: Open): void {
  const write = (id: string, runId: string, state: Lease['state']) =>
    ({
      kind: 'lease.write',
      lease: { ...LEASE, id, handle: `role_${id}`, runId, state },
      note: state,
      at: T0,
    }) as const;

  scene(
    open,
    'leases that end at once are each ended and recorded, in their order',
    async (store) => {
      await store.commit(beginRun('run_a'));
      const begun = [write('lease_1', 'run_a', 'live'), write('lease_2', 'run_gone', 'live')];
      for (const op of begun) await store.commit(op);
      const ends = (state: 'revoking' | 'dead') => [
        write('lease_1', 'run_a', state),
        write('lease_2', 'run_gone', state),
        write('lease_3', 'run_a', state), // never begun: what is found anywhere can be ended
      ];
      const ops = [...ends('revoking'), ...ends('dead')];
      const answers = await Promise.allSettled(ops.map((op) => store.commit(op)));
      assert.deepEqual(
        answers,
        ops.map(() => ({ status: 'fulfilled', value: { ok: true } })),
      );
      const rows = await store.leases({});
      assert.deepEqual(
        rows.map(({ id, state }) => [id, state]),
        ['lease_1', 'lease_2', 'lease_3'].map((id) => [id, 'dead']),
      );
      const told = async (chain: string) =>
        (await store.timeline(chain))
          .filter(({ type }) => type === 'lease.written')
          .map(({ body }) => JSON.parse(body));
      const states = (records: readonly { readonly lease: string; readonly state: string }[]) =>
        records.map(({ lease, state }) => `${lease} ${state}`);
      assert.deepEqual(states(await told('run_a')), [
        ...['lease_1 live', 'lease_1 revoking', 'lease_3 revoking', 'lease_1 dead', 'lease_3 dead'],
      ]);
      assert.deepEqual(states(await told(SYSTEM_CHAIN)), [
        ...['lease_2 live', 'lease_2 revoking', 'lease_2 dead'],
      ]);
    },
  );
}

function secrets(open: Open): void {
  scene(open, 'a secret has versions, and the ledger only its name', async (store) => {
    const set = (sealed: string, at: number) =>
      store.commit({ kind: 'secret.set', name: 'acme-db', sealed, by: 'dana', at });
    assert.deepEqual(await set('sealed one', T0), { ok: true, version: 1 });
    assert.deepEqual(await set('sealed two', T0 + 1), { ok: true, version: 2 });
    assert.deepEqual(await store.secret('acme-db'), { sealed: 'sealed two', version: 2 });
    assert.equal(await store.secret('other'), null);
    assert.deepEqual(await store.secretNames(), [{ name: 'acme-db', version: 2, at: T0 + 1 }]);
    const text = JSON.stringify(await store.timeline(SYSTEM_CHAIN));
    assert.ok(text.includes('acme-db'));
    assert.ok(!text.includes('sealed one'));
  });

  scene(open, 'a secret is put in the place of one version, or not at all', async (store) => {
    const set = (sealed: string, over: number) =>
      store.commit({ kind: 'secret.set', name: 'oauth:mail', sealed, over, by: 'dana', at: T0 });
    const moved = { ok: false, because: 'moved' };
    assert.deepEqual(await set('sealed early', 1), moved);
    assert.deepEqual(await set('sealed one', 0), { ok: true, version: 1 });
    assert.deepEqual(await set('sealed none', 0), moved);
    const both = await Promise.all([set('sealed a', 1), set('sealed b', 1)]);
    assert.deepEqual(both, [{ ok: true, version: 2 }, moved]);
    assert.deepEqual(await store.secret('oauth:mail'), { sealed: 'sealed a', version: 2 });
  });

  scene(open, 'a secret that is forgotten is gone, and begins anew', async (store) => {
    const set = () =>
      store.commit({ kind: 'secret.set', name: 'lease:1', sealed: 'sealed', by: 'dana', at: T0 });
    const forget = () =>
      store.commit({ kind: 'secret.forget', name: 'lease:1', by: 'dana', at: T0 + 1 });
    await set();
    await set();
    assert.deepEqual(await forget(), { ok: true, existed: true });
    assert.equal(await store.secret('lease:1'), null);
    assert.deepEqual(await store.secretNames(), []);
    const told = (await store.timeline(SYSTEM_CHAIN)).length;
    assert.deepEqual(await forget(), { ok: true, existed: false });
    assert.equal((await store.timeline(SYSTEM_CHAIN)).length, told, 'nothing to say twice');
    assert.deepEqual(await set(), { ok: true, version: 1 });
  });
}
