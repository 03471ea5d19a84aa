import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalboxError } from '../domain/errors.ts';
import type { Op, SystemNote } from '../domain/ops.ts';
import { CommitQueue, MOST_WAITING } from './queue.ts';
import type { Answers } from './wire.ts';

const note = (type: string): SystemNote => ({ kind: 'system.note', type, body: {}, at: 0 });
const nothing = (): void => {};
const queueTo = (post: (texts: readonly string[]) => void): CommitQueue =>
  new CommitQueue({ post, soon: setImmediate });
const fine = (count: number): Answers => ({ count, others: [], drawn: [] });

test('what one turn brings goes over together, in order', async () => {
  const posts: (readonly string[])[] = [];
  const queue = queueTo((texts) => posts.push(texts));
  const first = Promise.all(['a', 'b'].map((type) => queue.commit(note(type))));
  await Promise.resolve().then(() => void queue.commit(note('c')));
  assert.equal(posts.length, 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    posts.map((ops) => ops.map((text) => JSON.parse(text).type)),
    [['a', 'b', 'c']],
  );
  queue.answered(fine(2));
  assert.deepEqual(await first, [{ ok: true }, { ok: true }]);
});

test('too much waiting is refused, not queued', async () => {
  const queue = queueTo(nothing);
  const waiting = Array.from({ length: MOST_WAITING }, () => queue.commit(note('a')));
  const settled = Promise.allSettled(waiting);
  await assert.rejects(queue.commit(note('b')), { code: 'OVERLOADED' });
  queue.answered(fine(1));
  queue.commit(note('c')).catch(nothing);
  queue.fail(new SignalboxError('STORE_DOWN', 'gone'));
  const results = await settled;
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('outcomes and the kill switch are queued however much waits', async () => {
  const queue = queueTo(nothing);
  const results = Array.from({ length: MOST_WAITING }, () => queue.commit(note('a')));
  const kinds: readonly Op['kind'][] = [
    ...(['action.mark', 'action.settle', 'approval.void', 'lease.write', 'run.end'] as const),
    ...(['halt.raise', 'halt.inert', 'halt.lift', 'token.revoke'] as const),
  ];
  for (const kind of kinds) results.push(queue.commit({ kind } as SystemNote));
  const settled = Promise.allSettled(results);
  for (const kind of ['action.admit', 'action.park', 'run.begin', 'token.issue'] as const)
    await assert.rejects(queue.commit({ kind } as unknown as SystemNote), { code: 'OVERLOADED' });
  queue.answered(fine(results.length));
  assert.deepEqual(
    (await settled).filter(({ status }) => status === 'rejected'),
    [],
  );
  assert.equal(queue.down, null);
});

test('after the first failure everything rejects with it', async () => {
  const posts: unknown[] = [];
  const queue = queueTo((texts) => posts.push(texts));
  const waiting = queue.commit(note('a'));
  queue.fail(new SignalboxError('STORE_DOWN', 'the first reason'));
  queue.fail(new SignalboxError('STORE_DOWN', 'the second'));
  await assert.rejects(waiting, { message: 'the first reason' });
  await assert.rejects(queue.commit(note('b')), { message: 'the first reason' });
  await queue.drain();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(posts, []);
});
