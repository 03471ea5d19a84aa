/** A new master key under a real store: each pair of sources, a death between any two steps, and by kill -9. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { beginRun } from '../../test/contract/store-cast.ts';
import type { JsonObject } from '../domain/json.ts';
import { SYSTEM_CHAIN } from '../domain/store.ts';
import { outputOf, readText, realDoors } from '../doors.ts';
import { keyCheck } from '../ledger/seal.ts';
import { keyCheckAt, openStore, storeAtRest, verifyAt } from '../store/open.ts';
import {
  forgetOld,
  type KeyPlace,
  keptIn,
  rotateKey,
  type StoreAtRest,
  settledKey,
  stepsOf,
} from './key-rotation.ts';
import { masterKeyOf } from './key-source.ts';
import { createSecrets } from './secrets.ts';
import { deploymentTag, tagOf } from './strays.ts';
import { ROLE_ID, SECRET_ID, startVault } from './vault/testing/vault.ts';

const doors = realDoors();
const HEX = 'cd'.repeat(32);
const CHILD = fileURLToPath(new URL('testing/rekey-child.ts', import.meta.url));
const OTHER = 'ab'.repeat(32);

async function scene(t: TestContext, source: object | null = null) {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-rekey-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'data');
  await mkdir(directory, { mode: 0o700 });
  if (source !== null)
    await writeFile(join(directory, 'key.json'), JSON.stringify(source), { mode: 0o600 });
  const at: KeyPlace = {
    directory,
    doors,
    credentials: null,
    outputOf,
    readText,
    checkOf: keyCheck,
  };
  return { folder, directory, at };
}

/** A store with a run and a secret in it, as a first start leaves it. */
async function lived({ at, directory }: { at: KeyPlace; directory: string }): Promise<Uint8Array> {
  const masterKey = await masterKeyOf(directory, at);
  const store = await openStore({ directory, masterKey, doors, soon: setImmediate });
  await store.commit(beginRun('run_a', { intent: 'before' }));
  const secrets = createSecrets({ store, masterKey, doors });
  await secrets.put('billing', 'sesame', 'dana');
  await secrets.keep('lease:one', '{"token":"t-1"}', 'system');
  await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: doors.clock.now() });
  await store.close();
  return masterKey;
}

/** Starts as the house does, looks at everything that was sealed, and writes on. */
async function starts(at: KeyPlace, tag: string, turn: string): Promise<Uint8Array> {
  const { directory } = at;
  const masterKey = await settledKey(at, () => keyCheckAt({ directory }));
  const store = await openStore({ directory, masterKey, doors, soon: setImmediate });
  try {
    const secrets = createSecrets({ store, masterKey, doors });
    assert.equal(await secrets.reveal('billing'), 'sesame');
    assert.equal(await secrets.kept('lease:one'), '{"token":"t-1"}');
    assert.equal(await tagOf(secrets, masterKey), tag, 'logins made before are still ours');
    const [begun] = await store.timeline('run_a');
    assert.deepEqual(begun?.payload, { intent: 'before' });
    const verifier = (await store.seal())?.verifier;
    await store.commit(beginRun(`run_${turn}`));
    await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: doors.clock.now() });
    assert.equal((await store.seal())?.verifier, verifier, 'the ledger has the same key');
  } finally {
    await store.close();
  }
  assert.deepEqual((await verifyAt({ directory }, { masterKey })).problems, []);
  return masterKey;
}

async function rotate(at: KeyPlace, source: object | null, change?: (store: StoreAtRest) => void) {
  const { directory } = at;
  const order = { bytes: doors.entropy.bytes, at: doors.clock.now() };
  const store = await storeAtRest({ directory }, order);
  change?.(store);
  try {
    return await rotateKey(at, store, source as Parameters<typeof rotateKey>[2]);
  } finally {
    await store.close();
  }
}

const printing = (text: string) => ({
  from: 'command',
  command: [process.execPath, '-e', `console.log('${text}')`],
});

test('everything that was sealed is there under the new key, and nothing under the old one', async (t) => {
  const one = await scene(t);
  const { at, directory } = one;
  const before = await lived(one);
  const done = await rotate(at, null);
  assert.deepEqual(
    { ...done, how: 'new' },
    { how: 'new', chains: 2, secrets: 2, unreadable: [], kept: ['master.key.old'] },
  );
  const after = await starts(at, deploymentTag(before), 'b');
  assert.notDeepEqual(after, before);
  assert.equal((await stat(join(directory, 'master.key'))).mode & 0o777, 0o600);
  await assert.rejects(verifyAt({ directory }, { masterKey: before }), { code: 'MASTER_KEY' });
  const store = await openStore({ directory, masterKey: after, doors, soon: setImmediate });
  const told = (await store.timeline(SYSTEM_CHAIN)).map(({ body }) => JSON.parse(body));
  await store.close();
  assert.deepEqual(told.find(({ note }) => note === 'key.rotated')?.data, {
    ...{ keyCheck: keyCheck(after), previous: keyCheck(before) },
    ...{ chains: 2, secrets: 2, unreadable: 0 },
  });
  const bytes = await readFile(join(directory, 'signalbox.db'));
  for (const key of [before, after])
    for (const form of ['hex', 'base64'] as const)
      assert.equal(bytes.includes(Buffer.from(key).toString(form)), false);
});

test('the key before is kept until it is forgotten, and a second change waits for that', async (t) => {
  const one = await scene(t);
  const { at, directory } = one;
  const tag = deploymentTag(await lived(one));
  await rotate(at, null);
  await assert.rejects(rotate(at, null), /still kept: `master.key.old`/);
  const check = () => keyCheckAt({ directory });
  assert.deepEqual(await forgetOld(at, await check()), ['master.key.old']);
  await rotate(at, null);
  await starts(at, tag, 'c');
  // a backup from before came back: its key is the one before, which is not forgotten then
  await rm(join(directory, 'master.key'));
  await assert.rejects(forgetOld(at, await check()), { code: 'MASTER_KEY' });
  assert.deepEqual(await keptIn(directory), ['master.key.old']);
});

test('a store that runs is refused, and so is one of another key', async (t) => {
  const one = await scene(t);
  const { at, directory } = one;
  const masterKey = await lived(one);
  const store = await openStore({ directory, masterKey, doors, soon: setImmediate });
  await assert.rejects(rotate(at, null), { code: 'STORE_LOCKED' });
  await store.close();
  await writeFile(join(directory, 'master.key'), HEX);
  await assert.rejects(rotate(at, null), { code: 'MASTER_KEY' });
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.includes('.next')),
    [],
    'nothing was begun',
  );
});

test('a death between any two steps, from any source to any other, leaves the key that the store is under', async (t) => {
  const vault = await startVault();
  t.after(() => vault.close());
  const folder = (await scene(t)).folder;
  for (const [name, text] of Object.entries({ 'secret-id': SECRET_ID, first: HEX, second: OTHER }))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  const wrapped = {
    ...{ from: 'transit', url: vault.url, allowPrivate: true, key: 'signalbox' },
    auth: { method: 'approle', roleId: ROLE_ID, secret: join(folder, 'secret-id') },
  };
  const [first, second] = ['first', 'second'].map((name) => ({ from: 'systemd', name }));
  const pairs: (readonly [object | null, object | null])[] = [
    ...[null, { from: 'file' }, wrapped].flatMap((from) =>
      [from, { from: 'file' }, wrapped, second].map((to) => [from, to ?? null] as const),
    ),
    ...[{ from: 'file' }, wrapped, second].map((to) => [first ?? null, to ?? null] as const),
  ];
  for (const [from, to] of pairs) {
    // before the transaction, after it, after each step, and each of them done twice
    for (let died = -1, steps = 0; died <= steps; died++) {
      const what = `${JSON.stringify(from)} to ${JSON.stringify(to)}, dead at ${died}`;
      const directory = await mkdtemp(join(folder, 'data-'));
      if (from !== null)
        await writeFile(join(directory, 'key.json'), JSON.stringify(from), { mode: 0o600 });
      const at = { ...(await scene(t)).at, directory, credentials: folder };
      const before = await masterKeyOf(directory, at);
      let check = keyCheck(before);
      const store: StoreAtRest = {
        keyCheck: check,
        rekey: async (order) => {
          if (died >= 0) check = keyCheck(order.to);
          throw new Error('killed');
        },
      };
      await assert.rejects(rotateKey(at, store, to as JsonObject), /killed/, what);
      const left = died < 0 ? [] : await stepsOf(directory);
      steps = Math.max(steps, left.length);
      for (const step of left.slice(0, died)) await step();
      for (const time of ['first', 'second']) {
        const key = await settledKey(at, async () => check).catch((cause: unknown) => {
          throw new Error(what, { cause });
        });
        assert.equal(keyCheck(key), check, `${what}, ${time} start`);
      }
      const names = await readdir(directory);
      assert.equal(
        names.some((name) => name.includes('.next')),
        died < 0,
        what,
      );
      assert.equal(
        names.some((name) => name.includes('.old')),
        died >= 0,
        what,
      );
    }
  }
});

test('a change that was cut short is finished by asking for it again', async (t) => {
  const one = await scene(t);
  const { at } = one;
  const tag = deploymentTag(await lived(one));
  const cut = (store: StoreAtRest) => {
    const { rekey } = store;
    store.rekey = async (order) => {
      await rekey.call(store, order);
      throw new Error('killed');
    };
  };
  await assert.rejects(rotate(at, null, cut), /killed/);
  assert.equal((await rotate(at, null)).how, 'finished');
  await starts(at, tag, 'b');
});

test('a key that is not made here needs to be said where, and another one', async (t) => {
  const one = await scene(t, printing(HEX));
  await lived(one);
  await assert.rejects(rotate(one.at, null), /names a key that is not made here/);
  await assert.rejects(rotate(one.at, printing(HEX)), /gives the key that is in use/);
  await assert.rejects(rotate(one.at, { from: 'env' }), /names no source that is known/);
  await starts(one.at, deploymentTag(Buffer.from(HEX, 'hex')), 'b');
});

test('kill -9 in the midst of it', async (t) => {
  for (const line of ['begun', 'changed']) {
    const one = await scene(t);
    const { at, directory } = one;
    const tag = deploymentTag(await lived(one));
    const child = spawn(process.execPath, [CHILD, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const said of createInterface(child.stdout))
      if (said === line) child.kill('SIGKILL');
    await starts(at, tag, 'b');
  }
});
