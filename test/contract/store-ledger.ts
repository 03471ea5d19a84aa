import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { GENESIS, hashOf } from '../../src/ledger/chain.ts';
import { EVENTS, type EventKind, isEventType } from '../../src/ledger/events.ts';
import type { Open } from './store.ts';
import {
  action,
  admit,
  applyBundle,
  BUNDLE_1,
  BUNDLE_2,
  beginRun,
  park,
  settle,
  T0,
} from './store-cast.ts';
import { everyKind } from './store-everything.ts';
import { scene, types } from './store-scene.ts';

export function ledgerContract(open: Open): void {
  describe('ledger', () => {
    bundles(open);
    chains(open);
    erasing(open);
  });
}

function bundles(open: Open): void {
  scene(open, 'a bundle replaces exactly the one it was planned against', async (store) => {
    const first = applyBundle('bundle_1');
    assert.deepEqual(await store.commit(first), { ok: true });
    assert.deepEqual(await store.bundle(BUNDLE_1), first.bundle);
    assert.equal(await store.bundle(BUNDLE_2), null);
    assert.equal((await store.haltState()).stamp.bundle, BUNDLE_1);
    const late = applyBundle('bundle_2');
    assert.deepEqual(await store.commit(late), { ok: false, because: 'moved' });
    assert.equal(await store.bundle(BUNDLE_2), null);
    assert.deepEqual(await store.commit(applyBundle('bundle_2', BUNDLE_1)), { ok: true });
    assert.deepEqual(await store.commit(applyBundle('bundle_1', BUNDLE_2)), { ok: true }, 'back');
  });
}

function chains(open: Open): void {
  scene(open, 'chains link from their first record, each by itself', async (store) => {
    await everyKind(store);
    const known = await store.chains();
    assert.ok(known.length >= 3);
    for (const { chain, length, head } of known) {
      let previous = GENESIS;
      const events = await store.timeline(chain);
      assert.equal(events.length, length);
      for (const [index, event] of events.entries()) {
        assert.equal(event.seq, index + 1);
        assert.equal(event.previous, previous);
        assert.equal(event.hash, hashOf(event));
        previous = event.hash;
      }
      assert.equal(head, previous);
    }
  });

  scene(
    open,
    'every kind of record has the fields of the catalogue and no others',
    async (store) => {
      await everyKind(store);
      const seen = new Set<string>();
      for (const { chain } of await store.chains()) {
        for (const event of await store.timeline(chain)) {
          assert.ok(isEventType(event.type), event.type);
          seen.add(event.type);
          const kind: EventKind = EVENTS[event.type];
          const { v, code, sealed, withheld, ...fields } = JSON.parse(event.body);
          assert.equal(v, kind.version);
          assert.match(code, /^[A-Z][0-9]{3}[INWE]$/);
          assert.deepEqual(Object.keys(fields).toSorted(), kind.fields.toSorted(), event.type);
          const isSealed = sealed !== undefined || withheld === true;
          assert.equal(isSealed, kind.payload.length > 0, event.type);
          const unknown = Object.keys(event.payload ?? {}).filter((f) => !kind.payload.includes(f));
          assert.deepEqual(unknown, [], event.type);
        }
      }
      assert.deepEqual([...seen].toSorted(), Object.keys(EVENTS).toSorted());
    },
  );

  scene(open, 'a timeline is read in pages', async (store) => {
    await everyKind(store);
    const all = await store.timeline('run_a');
    assert.deepEqual(await store.timeline('run_a', 2, 3), all.slice(2, 5));
    assert.deepEqual(await store.timeline('run_a', all.length), []);
    assert.deepEqual(await store.timeline('nothing'), []);
  });

  scene(open, 'notes have names', async (store) => {
    const note = { kind: 'system.note', type: 'system.started', body: { pid: 7 }, at: T0 } as const;
    assert.deepEqual(await store.commit(note), { ok: true });
    assert.equal((await types(store, SYSTEM_CHAIN)).at(-1), 'ledger.note');
    await assert.rejects(store.commit({ ...note, type: 'Halt\nlifted' }), { code: 'INTERNAL' });
  });
}

function erasing(open: Open): void {
  const erase = (runId: string) =>
    ({ kind: 'ledger.erase', runId, reason: 'the law', by: 'dana', at: T0 }) as const;

  scene(open, 'erasing destroys what a run said and keeps that it was said', async (store) => {
    await store.commit(beginRun('run_a'));
    const act = action('act_a', 'run_a', { arguments: { email: 'ann@acme.example' } });
    await store.commit(park('ask_a', act));
    await store.commit(admit(action('act_b', 'run_a')));
    const before = await store.timeline('run_a');
    assert.deepEqual(await store.commit(erase('run_x')), { ok: false, because: 'missing' });
    assert.deepEqual(await store.commit(erase('run_a')), { ok: true, payloads: before.length });
    assert.deepEqual(await store.commit(erase('run_a')), { ok: false, because: 'missing' });
    const after = await store.timeline('run_a');
    assert.deepEqual(
      after.map(({ payload, ...event }) => [payload, event]),
      before.map(({ payload, ...event }) => [null, event]),
    );
    assert.equal((await store.run('run_a'))?.intent, '[erased]');
    const ask = await store.ask('ask_a');
    assert.equal(ask?.arguments, null);
    assert.equal(ask?.runIntent, null);
    assert.equal(ask?.approval.binding.argumentsDigest, '');
  });

  scene(open, 'an erased run can still be settled, and says nothing more', async (store) => {
    await store.commit(beginRun('run_a'));
    const act = action('act_a', 'run_a');
    await store.commit(admit(act));
    await store.commit(erase('run_a'));
    assert.deepEqual(await store.commit(settle(act)), { ok: true });
    const last = (await store.timeline('run_a')).at(-1);
    assert.equal(last?.type, 'action.outcome');
    assert.equal(last?.payload, null);
    assert.match(last?.body ?? '', /"withheld":true/);
  });
}
