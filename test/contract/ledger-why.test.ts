import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Store } from '../../src/domain/store.ts';
import { type Why, why } from '../../src/ledger/why.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { BUNDLE_1, MASTER_KEY, MEASURED, stillDoors, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

describe('why', () => {
  let core: SqliteCore;
  let store: Store;
  before(async () => {
    const doors = stillDoors();
    const { bytes } = doors.entropy;
    core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
    store = storeOver(core, MASTER_KEY, doors);
    await everyKind(store);
  });
  after(async () => {
    await store.close();
    core.close();
  });

  const ask = async (id: string): Promise<{ story: Why; text: string }> => {
    const told = await why(store, id);
    if (told === null) throw new Error(`nothing is known of ${id}`);
    return { story: told.json as unknown as Why, text: told.lines.join('\n') };
  };

  test('an action tells tool, arguments, verdicts, approval, credential, effect and outcome', async () => {
    const { story, text } = await ask('act_4');
    const [action, ...more] = story.actions;
    assert.equal(story.kind, 'action');
    assert.deepEqual(more, []);
    assert.equal(story.run.intent, 'the intent of run_a');
    assert.equal(action?.tool, 'set_plan');
    assert.deepEqual(action?.arguments, { id: 7 });
    assert.deepEqual(action?.verdicts, [
      {
        check: 'grant',
        ceiling: 'approve',
        code: 'GRANT_APPROVE',
        reason: 'the grant says `approve`',
        fix: 'an operator answers the ask',
      },
    ]);
    assert.deepEqual(action?.stamp, { halt: 0, bundle: BUNDLE_1 });
    const { id, previewedBy, answeredBy, usedBy, askedBy } = action?.approval ?? {};
    const told = { id, previewedBy, answeredBy, usedBy, askedBy };
    assert.deepEqual(told, {
      id: 'ask_1',
      previewedBy: 'act_2',
      answeredBy: 'dana',
      usedBy: 'act_4',
      askedBy: 'act_3',
    });
    assert.equal(action?.lease?.handle, 'sbx_support_1');
    assert.deepEqual(
      action?.lease?.states.map(({ state }) => state),
      ['minting', 'live', 'revoking', 'dead'],
    );
    assert.deepEqual(action?.trace, { xid: '9' });
    assert.deepEqual(action?.measured, MEASURED);
    assert.equal(action?.outcome.kind, 'done');
    assert.equal(action?.outcome.posted?.calls, 1);
    assert.deepEqual(action?.outcome.content, { result: { text: 'one row changed', cut: [] } });
    assert.deepEqual(
      action?.records.map(({ code }) => code),
      ['A100I', 'A200I', 'A300I'],
    );
    for (const part of ['{"id":7}', 'approved by dana', 'rowsWritten 1', 'sbx_support_1', 'done'])
      assert.ok(text.includes(part), `${part} in\n${text}`);
  });

  test('an approval tells the preview, the ask and the action that used it', async () => {
    const { story } = await ask('ask_1');
    assert.equal(story.kind, 'approval');
    assert.deepEqual(
      story.actions.map(({ id, purpose, outcome }) => [id, purpose, outcome.kind]),
      [
        ['act_2', 'preview', 'done'],
        ['act_3', 'execute', 'parked'],
        ['act_4', 'execute', 'done'],
      ],
    );
  });

  test('a run tells everything it did, and an unknown id nothing', async () => {
    const { story } = await ask('run_b');
    assert.deepEqual(
      story.actions.map(({ outcome }) => outcome.kind),
      ['failed', 'unknown', 'running', 'refused', 'denied', 'drafted', 'parked', 'parked'],
    );
    const voided = story.actions.at(-1)?.approval;
    assert.equal(voided?.voided, 'broker');
    assert.equal(await why(store, 'act_none'), null);
  });

  test('of an erased run it tells what was done and not to what', async () => {
    const { story, text } = await ask('ask_4');
    assert.equal(story.run.intent, null);
    assert.equal(story.actions[0]?.arguments, null);
    assert.equal(story.actions[0]?.verdicts[0]?.reason, null);
    assert.equal(story.actions[0]?.tool, 'set_plan');
    assert.match(text, /arguments erased/);
  });
});
