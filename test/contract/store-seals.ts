import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { type Store, SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { openCheckpoint, recordLeaf } from '../../src/ledger/checkpoint.ts';
import { consistencyProblems, inclusionProblems } from '../../src/ledger/proof.ts';
import { prove, proveConsistency } from '../../src/ledger/prove.ts';
import { readVerifier } from '../../src/ledger/signed-note.ts';
import { edgePlaces } from '../../src/ledger/tiles.ts';
import { rootOf } from '../../src/ledger/tree.ts';
import type { Open } from './store.ts';
import { action, admit, beginRun, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';
import { scene } from './store-scene.ts';

export function sealContract(open: Open): void {
  describe('seals', () => {
    sealing(open);
    proving(open);
  });
}

async function seal(store: Store, most = 1_000, sign = false) {
  const sealed = await store.commit({ kind: 'ledger.seal', most, sign, at: T0 });
  assert.ok(sealed.ok, JSON.stringify(sealed));
  return sealed;
}

/** Every record of the store at its leaf. */
async function leaves(store: Store): Promise<{ chain: string; seq: number; hash: string }[]> {
  const found: { chain: string; seq: number; hash: string }[] = [];
  for (const { chain } of await store.chains()) {
    for (const { seq, hash } of await store.timeline(chain)) {
      const leaf = await store.leafOf(chain, seq);
      if (leaf === null) continue;
      assert.equal(found[leaf], undefined, `leaf ${leaf} twice`);
      found[leaf] = { chain, seq, hash };
    }
  }
  return found;
}

async function signedBy(store: Store) {
  const found = await store.seal();
  assert.ok(found?.checkpoint);
  return openCheckpoint(found.checkpoint.note, readVerifier(found.verifier));
}

function sealing(open: Open): void {
  scene(open, 'the first seal makes the key, says so, and signs', async (store) => {
    assert.equal(await store.seal(), null);
    const { sealed, left, checkpoint } = await seal(store);
    assert.deepEqual([sealed, left], [2, 0]);
    const found = await store.seal();
    const keyed = (await store.timeline(SYSTEM_CHAIN)).at(-1);
    assert.equal(keyed?.type, 'ledger.keyed');
    assert.equal(JSON.parse(keyed?.body ?? '').key, found?.verifier);
    assert.deepEqual(found?.checkpoint, { note: checkpoint, at: T0 });
    assert.deepEqual([found?.size, found?.unsealed], [2, 0]);
    const text = Buffer.from(found?.signer ?? []).toString('latin1');
    assert.ok(text.length > 32);
  });

  scene(open, 'nothing new, nothing signed', async (store) => {
    await seal(store);
    const before = await store.seal();
    const again = await seal(store, 1_000, true);
    assert.deepEqual(again, { ok: true, sealed: 0, left: 0, checkpoint: null });
    assert.deepEqual(await store.seal(), before);
  });

  scene(
    open,
    'every record gets one leaf, in pieces, and the root is that of all',
    async (store) => {
      await everyKind(store);
      for (let more = 0; more < 40; more++) await store.commit(beginRun(`run_${more}_more`));
      for (let left = 1; left > 0; ) ({ left } = await seal(store, 7));
      const all = await leaves(store);
      const records = (await store.chains()).reduce((sum, { length }) => sum + length, 0);
      assert.equal(all.length, records);
      const { size, root } = await signedBy(store);
      assert.equal(size, records);
      assert.ok(root.equals(rootOf(all.map(recordLeaf))));
    },
  );

  scene(open, 'a checkpoint waits until no record does, or is asked for', async (store) => {
    await everyKind(store);
    const { size } = await signedBy(store);
    for (let more = 0; more < 4; more++) await store.commit(beginRun(`run_${more}_more`));
    assert.equal((await seal(store, 2)).checkpoint, null);
    assert.equal((await signedBy(store)).size, size);
    assert.notEqual((await seal(store, 2, true)).checkpoint, null);
    assert.equal((await signedBy(store)).size, size + 4);
  });

  scene(open, 'one seal takes a whole tile and no more than it was told', async (store) => {
    const runs = Array.from({ length: 200 }, (_, n) => store.commit(beginRun(`run_${n}`)));
    await Promise.all(runs);
    assert.equal((await seal(store, 256)).sealed, 256);
    assert.equal((await seal(store, 100)).sealed, 100);
    const { size = 0 } = (await store.seal()) ?? {};
    const tiles = await store.tiles([...edgePlaces(size), { level: 0, place: 0 }]);
    assert.deepEqual(tiles.map(({ level, hashes }) => [level, hashes.length / 32]).toSorted(), [
      [0, 100],
      [0, 256],
      [1, 1],
    ]);
    assert.deepEqual(await store.tiles([{ level: 3, place: 9 }]), []);
    for (const most of [0, 1.5, 5_000])
      await assert.rejects(store.commit({ kind: 'ledger.seal', most, sign: false, at: T0 }), {
        code: 'INTERNAL',
      });
  });

  scene(open, 'what a batch records before it is sealed in it', async (store) => {
    await seal(store);
    const [, sealed] = await Promise.all([store.commit(beginRun('run_a')), seal(store)]);
    const rest = await seal(store);
    assert.equal(sealed.sealed + rest.sealed, 2);
    assert.equal((await store.seal())?.unsealed, 0);
  });
}

function proving(open: Open): void {
  scene(open, 'proofs hold, of old and new trees, and after an erasure', async (store) => {
    await everyKind(store);
    const early = await signedBy(store);
    await store.commit(beginRun('run_z'));
    await store.commit(admit(action('act_z', 'run_z'), { stamp: (await store.haltState()).stamp }));
    await seal(store);
    const late = await signedBy(store);
    const erase = {
      kind: 'ledger.erase',
      runId: 'run_b',
      reason: 'law',
      by: 'dana',
      at: T0,
    } as const;
    const before = await prove(store, 'act_50');
    assert.ok((await store.commit(erase)).ok);
    assert.deepEqual(await prove(store, 'act_50'), before);
    for (const id of [
      'act_4',
      'ask_1',
      'act_z',
      'run_a',
      'run_z',
      'halt:1',
      'system:3',
      'run_b:2',
    ]) {
      const proof = await prove(store, id);
      assert.ok(proof.records.length > 0, id);
      assert.deepEqual(inclusionProblems(proof, late), [], id);
      assert.equal(JSON.stringify(proof).includes('"payload"'), false);
    }
    assert.deepEqual(inclusionProblems(await prove(store, 'act_4', early.size), early), []);
    const proof = await proveConsistency(store, early.size);
    assert.deepEqual(consistencyProblems(proof, early, late), []);
    const runA = await prove(store, 'run_a');
    assert.deepEqual(
      runA.records.map(({ type }) => type),
      ['run.begun', 'run.ended'],
    );
  });

  scene(open, 'what is not sealed is not proven', async (store) => {
    const refused = { code: 'NOT_SEALED' };
    await assert.rejects(prove(store, 'system:1'), refused);
    await assert.rejects(proveConsistency(store, 0), refused);
    await seal(store);
    await store.commit(beginRun('run_a'));
    await assert.rejects(prove(store, 'run_a'), refused);
    await assert.rejects(prove(store, 'system:1', 99), refused);
    await assert.rejects(proveConsistency(store, 99), refused);
    await assert.rejects(prove(store, 'act_nobody'), { code: 'NOT_FOUND' });
    assert.equal(await store.leafOf('run_a', 1), null);
    assert.equal(await store.leafOf('run_a', 7), null);
  });
}
