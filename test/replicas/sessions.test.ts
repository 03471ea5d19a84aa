import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../src/domain/caller.ts';
import { createSessionIds } from '../../src/protocols/mcp/session-id.ts';
import { Sessions } from '../../src/surfaces/mcp/sessions.ts';
import { type Fellow, openPair } from './pair.ts';

const KEY = new Uint8Array(32).fill(3);
const CALLER: Caller = { kind: 'run', runId: 'run_a', tokenHash: 'hash' } as Caller;
const TERMS = { holder: 'run_a', version: '2025-11-25', capabilities: {}, client: null };
const OVER = { status: 404 };

function sessionsOf({ broker }: Fellow): { readonly sessions: Sessions; readonly ended: string[] } {
  const ended: string[] = [];
  const { clock, entropy } = broker.doors;
  const parts = { clock, store: broker.store };
  const sessions = new Sessions(createSessionIds(KEY, entropy), parts, (id) => ended.push(id));
  return { sessions, ended };
}

test('a session that was ended on one replica is over on the others: at once where it is new, in seconds where it is known', async (t) => {
  const { time, a, b, join } = await openPair(t);
  const [here, there] = [sessionsOf(a), sessionsOf(b)];
  const id = here.sessions.issue(TERMS);
  const known = await time.until(Promise.resolve(here.sessions.find(id, CALLER)));
  await time.until(Promise.resolve(there.sessions.find(id, CALLER)));
  assert.ok(
    !(there.sessions.find(id, CALLER) instanceof Promise),
    'an ordinary request asks nobody',
  );
  await time.until(here.sessions.end(known));
  assert.throws(() => here.sessions.find(id, CALLER), OVER);
  const third = sessionsOf(await join());
  await assert.rejects(time.until(Promise.resolve(third.sessions.find(id, CALLER))), OVER);
  await time.pass(5_000);
  await assert.rejects(time.until(Promise.resolve(there.sessions.find(id, CALLER))), OVER);
  assert.deepEqual([here.ended, there.ended], [[id], [id]], 'its streams are closed');
  assert.throws(() => there.sessions.find(id, CALLER), OVER);
});

test('a session is not served before the store has said that it was not ended', async (t) => {
  const { time, a, b } = await openPair(t);
  const [here, there] = [sessionsOf(a), sessionsOf(b)];
  const id = here.sessions.issue(TERMS);
  b.way.cut();
  let isServed = false;
  const asked = Promise.resolve(there.sessions.find(id, CALLER));
  void asked.then(() => {
    isServed = true;
  });
  await time.pass(3_000);
  assert.equal(isServed, false);
  b.way.mend();
  assert.equal((await time.until(asked)).id, id);
});
