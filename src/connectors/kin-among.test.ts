import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kinAmong, type Process, UNSAID } from './kin-among.ts';

interface One extends Process {
  readonly mark: string | null;
}

const ROOT = { pid: 100, mark: 'child-a', started: 1_000 };
const NOBODY: ReadonlyMap<number, number> = new Map();
const SELF = 50;

function one(pid: number, is: Partial<One> = {}): One {
  return { pid, parent: 1, session: 1, started: 2_000, over: false, mark: null, ...is };
}

function look(all: readonly One[], killed = NOBODY) {
  const { found, unsaid } = kinAmong(new Map(all.map((each) => [each.pid, each])), {
    ...{ root: ROOT, killed, self: SELF },
    markOf: ({ mark }) => mark,
  });
  return { found: found.map(({ pid }) => pid), unsaid };
}

describe('who is of a child', () => {
  it('is found by session, by mark and by descent, and nobody else is', () => {
    const all = [
      one(100, { session: 100, started: 1_000, mark: 'child-a' }),
      one(101, { session: 100 }),
      one(102, { mark: 'child-a' }),
      one(103, { parent: 102 }),
      one(104, { parent: 103 }),
      one(105, { mark: 'child-b' }),
      one(106, { mark: 'child-a', started: 999 }),
      one(SELF, { mark: 'child-a' }),
      one(107),
    ];
    assert.deepEqual(look(all), { found: [100, 101, 102, 103, 104], unsaid: false });
  });

  it('is looked for, once killed, until it is gone: it has no session, mark or parent of ours any more', () => {
    const killed = new Map([[102, 2_000]]);
    const dying = one(102, { mark: UNSAID });
    assert.deepEqual(look([dying], killed), { found: [102], unsaid: false });
    assert.deepEqual(look([one(102, { mark: null })], killed).found, [102]);
    assert.deepEqual(look([dying, one(103, { parent: 102 })], killed).found, [102, 103]);
    assert.deepEqual(look([{ ...dying, over: true }], killed).found, [], 'only not yet asked for');
    assert.deepEqual(look([], killed).found, []);
  });

  it('is not whoever got the number of one that was killed, or of the child', () => {
    assert.deepEqual(look([one(102, { started: 2_001 })], new Map([[102, 2_000]])).found, []);
    const taken = [one(100, { session: 100, started: 5_000 }), one(101, { session: 100 })];
    assert.deepEqual(look(taken).found, []);
  });

  it('cannot be told while an environment says nothing, but for the kernel’s own', () => {
    assert.deepEqual(look([one(102, { mark: UNSAID })]), { found: [], unsaid: true });
    assert.equal(look([one(102, { mark: UNSAID, parent: 2 })]).unsaid, false);
    assert.equal(look([one(102, { mark: UNSAID, over: true })]).unsaid, false);
  });
});
