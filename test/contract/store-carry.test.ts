import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { settledKey } from '../../src/credentials/key-rotation.ts';
import type { Store } from '../../src/domain/store.ts';
import { realDoors } from '../../src/doors.ts';
import {
  backupStore,
  checkBackup,
  migrateStore,
  moveStore,
  restoreStore,
} from '../../src/store/carry/works.ts';
import {
  keyCheckAt,
  openStore,
  type SharedStore,
  storeAtRest,
  verifyAt,
  type Whereabouts,
} from '../../src/store/open.ts';
import { keyPlace } from '../../src/system/keys.ts';
import { Ground } from './replicas.ts';
import { action, admit, BUNDLE_1, beginRun, calls, MASTER_KEY, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

const REKEYING = fileURLToPath(
  new URL('../../src/credentials/testing/rekey-child.ts', import.meta.url),
);
const ARRIVING = { masterKey: MASTER_KEY, now: T0 };

describe('a store that is carried', () => {
  let ground: Ground;
  before(async () => {
    ground = await Ground.start();
  });
  after(() => ground.server.stop());

  const opened = (at: Whereabouts, masterKey = MASTER_KEY): Promise<Store> =>
    openStore({ ...at, masterKey, doors: realDoors(), soon: setImmediate });

  async function store<T>(
    at: Whereabouts,
    use: (store: Store) => Promise<T>,
    masterKey = MASTER_KEY,
  ): Promise<T> {
    const one = await opened(at, masterKey);
    return use(one).finally(() => one.close());
  }

  function folder(t: TestContext): string {
    const made = mkdtempSync(join(tmpdir(), 'signalbox-carry-'));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    return made;
  }

  async function shared(): Promise<SharedStore> {
    const { address } = await ground.fresh();
    const { user, host, port, database, password } = address.client;
    const url = `postgresql://${user}@${host}:${port}/${database}?schema=${address.schema}`;
    return { url, password };
  }

  async function lived(at: Whereabouts): Promise<void> {
    const store = await opened(at);
    await everyKind(store);
    await store.close();
  }

  /** Everything that a reader sees of a store. */
  async function told(at: Whereabouts): Promise<unknown> {
    const store = await opened(at);
    try {
      const chains = await store.chains();
      const timelines = await Promise.all(chains.map(({ chain }) => store.timeline(chain)));
      const runs = await store.runs({ limit: 99 });
      const asks = await store.asks({ limit: 99 });
      const tokens = await store.token('hash_run_b');
      const secret = await store.secret('acme-db');
      const usage = await store.usage(['run:run_a', 'run:run_b']);
      const state = await store.haltState();
      const leases = await store.leases({});
      const bundle = await store.bundle(BUNDLE_1);
      return { chains, timelines, runs, asks, tokens, secret, usage, state, leases, bundle };
    } finally {
      await store.close();
    }
  }

  async function goesOn(at: Whereabouts, masterKey = MASTER_KEY): Promise<void> {
    const store = await opened(at, masterKey);
    const { stamp } = await store.haltState();
    assert.deepEqual(await store.commit(beginRun('run_new')), { ok: true });
    const op = admit(action('act_new', 'run_new'), { stamp, reservations: [calls('k', 9)] });
    assert.deepEqual(await store.commit(op), { ok: true });
    await store.close();
    assert.deepEqual((await verifyAt(at, { masterKey })).problems, []);
  }

  test('from SQLite to PostgreSQL and back it is the same, and goes on', async (t) => {
    const directory = join(folder(t), 'data');
    const back = join(folder(t), 'back');
    const there = { directory, shared: await shared() };
    await lived({ directory });
    const before = await told({ directory });
    const moved = await moveStore({ directory }, there, ARRIVING);
    assert.deepEqual([moved.ok, moved.problems, moved.payloads], [true, [], 'verified']);
    assert.deepEqual(await told(there), before);
    const returned = await moveStore(there, { directory: back }, ARRIVING);
    assert.deepEqual(returned.problems, []);
    assert.deepEqual(await told({ directory: back }), before);
    assert.deepEqual(await told({ directory }), before, 'the source was touched');
    await goesOn(there);
    await goesOn({ directory: back });
  });

  test('a backup is taken while the store is in use, of either kind, and restored into either', async (t) => {
    const files = folder(t);
    const stores = [
      { directory: join(files, 'data') },
      { directory: join(files, 'none'), shared: await shared() },
    ];
    for (const [number, at] of stores.entries()) {
      await lived(at);
      const before = await told(at);
      const store = await opened(at);
      const file = join(files, `backup-${number}`);
      await backupStore(at, file, `${file}.aside`);
      await store.close();
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal((await checkBackup(file, ARRIVING)).ok, true);
      const into = [
        { directory: join(files, `restored-${number}`) },
        { directory: join(files, 'none'), shared: await shared() },
      ];
      for (const target of into) {
        assert.deepEqual((await restoreStore(file, target, ARRIVING)).problems, []);
        assert.deepEqual(await told(target), before);
        await goesOn(target);
        await assert.rejects(restoreStore(file, target, ARRIVING), { code: 'STORE_LOCKED' });
      }
      await assert.rejects(backupStore(at, file, `${file}.aside`), { code: 'USAGE' });
    }
  });

  test('a backup that was cut or changed is refused, and leaves an empty store', async (t) => {
    const files = folder(t);
    const at = { directory: join(files, 'data') };
    await lived(at);
    const file = join(files, 'backup');
    await backupStore(at, file, `${file}.aside`);
    const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
    const bad = {
      cut: lines.slice(0, -3).join('\n'),
      'without a line': lines.toSpliced(9, 1).join('\n'),
      changed: lines.join('\n').replace('set_plan', 'set_plum'),
      'of another kind': '{"backup":9}\n',
      'not JSON': 'hello\n',
    };
    const target = { directory: join(files, 'none'), shared: await shared() };
    for (const [what, text] of Object.entries(bad)) {
      const damaged = join(files, what);
      writeFileSync(damaged, gzipSync(text));
      await assert.rejects(
        restoreStore(damaged, target, ARRIVING),
        { code: 'LEDGER_BROKEN' },
        what,
      );
      await assert.rejects(checkBackup(damaged, ARRIVING), { code: 'LEDGER_BROKEN' }, what);
    }
    writeFileSync(join(files, 'plain'), 'no gzip at all');
    await assert.rejects(checkBackup(join(files, 'plain'), ARRIVING), { code: 'LEDGER_BROKEN' });
    await assert.rejects(checkBackup(join(files, 'nowhere'), ARRIVING), { code: 'LEDGER_BROKEN' });
    const other = { ...ARRIVING, masterKey: new Uint8Array(32).fill(1) };
    await assert.rejects(restoreStore(file, target, other), { code: 'MASTER_KEY' });
    assert.deepEqual((await restoreStore(file, target, ARRIVING)).problems, []);
  });

  test('a store in use is not moved, and one that is not empty is not written over', async (t) => {
    const directory = join(folder(t), 'data');
    const there = { directory, shared: await shared() };
    await lived({ directory });
    const store = await opened({ directory });
    await assert.rejects(moveStore({ directory }, there, ARRIVING), { code: 'STORE_LOCKED' });
    await store.close();
    await moveStore({ directory }, there, ARRIVING);
    await assert.rejects(moveStore({ directory }, there, ARRIVING), { code: 'STORE_LOCKED' });
    const replica = await opened(there);
    await replica.beat(0);
    const back = { directory: join(folder(t), 'back') };
    await assert.rejects(moveStore(there, back, ARRIVING), { code: 'STORE_LOCKED' });
    await replica.close();
    assert.equal((await moveStore(there, back, ARRIVING)).ok, true);
  });

  const NEXT_KEY = new Uint8Array(32).fill(9);
  const UNDER = { bytes: realDoors().entropy.bytes, at: T0 };
  const order = {
    from: MASTER_KEY,
    to: NEXT_KEY,
    rewrap: (_name: string, sealed: string) => `${sealed}, anew`,
    add: { name: 'deployment:tag', sealed: 'a mark' },
  };

  test('under a new master key it is the same, goes on, and is another’s no more', async (t) => {
    const directory = join(folder(t), 'data');
    for (const at of [{ directory }, { directory, shared: await shared() }]) {
      await lived(at);
      const chains = await store(at, (one) => one.chains());
      const before = await store(at, (one) => one.timeline('run_a'));
      const rest = await storeAtRest(at, UNDER);
      const done = await rest.rekey(order);
      await rest.close();
      const keyed = chains.length - 1; // one run is erased: it has no key
      assert.deepEqual([done.chains, done.unreadable], [keyed, []]);
      await assert.rejects(opened(at), { code: 'MASTER_KEY' });
      await assert.rejects(verifyAt(at, { masterKey: MASTER_KEY }), { code: 'MASTER_KEY' });
      assert.deepEqual(await store(at, (one) => one.timeline('run_a'), NEXT_KEY), before);
      const secret = await store(at, (one) => one.secret('acme-db'), NEXT_KEY);
      assert.match(secret?.sealed ?? '', /, anew$/);
      assert.equal((await store(at, (one) => one.secret('deployment:tag'), NEXT_KEY))?.version, 1);
      await goesOn(at, NEXT_KEY);
      const again = await storeAtRest(at, UNDER);
      const back = { ...order, from: NEXT_KEY, to: MASTER_KEY };
      assert.deepEqual((await again.rekey(back)).unreadable, []);
      await again.close();
      assert.equal((await verifyAt(at, { masterKey: MASTER_KEY })).ok, true);
    }
  });

  test('a replica that is connected, or was just heard of, keeps its master key', async (t) => {
    const at = { directory: folder(t), shared: await shared() };
    await lived(at);
    const replica = await opened(at);
    const rest = await storeAtRest(at, UNDER);
    await assert.rejects(rest.rekey(order), { code: 'STORE_LOCKED' });
    await rest.close();
    await replica.beat(0);
    await assert.rejects(storeAtRest(at, UNDER), { code: 'STORE_LOCKED' });
    await replica.close();
    await goesOn(at);
  });

  test('what does not open is left as it is, and a change that fails changes nothing', async (t) => {
    const directory = join(folder(t), 'data');
    for (const at of [{ directory }, { directory, shared: await shared() }]) {
      await lived(at);
      const before = await told(at);
      const failing = await storeAtRest(at, { ...UNDER, at: 0.5 });
      await assert.rejects(failing.rekey(order));
      await failing.close();
      assert.deepEqual(await told(at), before);
      const rest = await storeAtRest(at, UNDER);
      const rewrap = (): never => {
        throw new Error('it does not open');
      };
      const { unreadable } = await rest.rekey({ ...order, rewrap });
      await rest.close();
      assert.ok(unreadable.includes('secret `acme-db`'), String(unreadable));
      const secret = await store(at, (one) => one.secret('acme-db'), NEXT_KEY);
      assert.equal(secret?.sealed.includes('anew'), false);
      await goesOn(at, NEXT_KEY);
    }
  });

  test('kill -9 while a shared store is put under a new master key', async (t) => {
    for (const line of ['midway', 'changed']) {
      const at = { directory: folder(t), shared: await shared() };
      await lived(at);
      const file = join(at.directory, 'master.key');
      writeFileSync(file, Buffer.from(MASTER_KEY).toString('hex'), { mode: 0o600 });
      const words = [REKEYING, at.directory, JSON.stringify({ shared: at.shared }), line];
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const said of createInterface(child.stdout))
        if (said === line) child.kill('SIGKILL');
      const key = await settledKey(keyPlace(at.directory, realDoors()), () => keyCheckAt(at));
      assert.equal(Buffer.from(key).equals(MASTER_KEY), line === 'midway', line);
      await goesOn(at, new Uint8Array(key));
      assert.deepEqual(key, new Uint8Array(Buffer.from(readFileSync(file, 'utf8'), 'hex')));
    }
  });

  test('what is still to be migrated is shown before it is done', async (t) => {
    const directory = join(folder(t), 'data');
    for (const at of [{ directory }, { directory, shared: await shared() }]) {
      const { taken, steps } = await migrateStore(at, { now: T0, apply: false });
      assert.equal(taken, 0);
      assert.ok(steps.length >= 3 && steps.every(({ breaking }) => !breaking));
      if (at.shared === undefined) await (await opened(at)).close();
      else await migrateStore(at, { now: T0, apply: true });
      assert.deepEqual(await migrateStore(at, { now: T0, apply: false }), {
        taken: steps.length,
        steps: [],
      });
      await (await opened(at)).close();
    }
  });
});
