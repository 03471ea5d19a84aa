import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { type AgentsSide, startAgentsSide, startSystemSide } from './agents-side.ts';
import { type Answer, modern } from './wire.ts';

/** A flood in front of something that stands still: bounded, told clearly, and nothing is done twice or half. */

const MOST_OF_RUN = 32;
const MOST_OF_LISTENER = 1_024;
const READ = { name: 'slow_echo', arguments: { text: 'x' } };

function counted(answers: readonly Answer[]) {
  const done = answers.filter(({ status, json }) => status === 200 && json.result.isError !== true);
  const refused = answers.filter(({ status }) => status === 429);
  for (const { headers, json } of refused) {
    assert.equal(headers['retry-after'], '1');
    assert.equal((json.error.data ?? json.error).code, 'OVERLOADED');
  }
  assert.equal(done.length + refused.length, answers.length, 'nothing but answers and refusals');
  return { done: done.length, refused: refused.length };
}

async function tokens(side: AgentsSide, count: number): Promise<string[]> {
  const begun = await Promise.all(Array.from({ length: count }, () => side.run()));
  return begun.map(({ token }) => token);
}

/** Resolves when so many calls were refused, while the others still wait. */
function flood(side: AgentsSide, each: readonly string[], calls: number, refused: number) {
  const enough = Promise.withResolvers<void>();
  let seen = 0;
  const answers = each.flatMap((token) => {
    const speak = modern(side, token);
    return Array.from({ length: calls }, async () => {
      const answer = await speak('tools/call', READ);
      if (answer.status === 429 && ++seen === refused) enough.resolve();
      return answer;
    });
  });
  return { answers: Promise.all(answers), refused: enough.promise };
}

test('one run in front of a target that stands still: 32 wait, the others are told to come back', async () => {
  const side = await startSystemSide();
  try {
    const flooding = flood(side, await tokens(side, 1), 200, 200 - MOST_OF_RUN);
    await side.target.arrived(MOST_OF_RUN);
    await flooding.refused;
    const [other = ''] = await tokens(side, 1);
    const besides = await modern(side, other)('tools/call', {
      name: 'echo',
      arguments: { text: 'y' },
    });
    assert.equal(besides.status, 200, 'another run is not in its way');
    side.target.release();
    const got = counted(await flooding.answers);
    assert.deepEqual(got, { done: MOST_OF_RUN, refused: 200 - MOST_OF_RUN });
    const slow = side.target.hits.filter(({ path }) => path.startsWith('/slow'));
    assert.equal(slow.length, got.done, 'effects at the target are the successes');
    const chain = await side.broker.store.timeline(SYSTEM_CHAIN);
    assert.ok(
      chain.some(({ body }) => body.includes('"overload"')),
      'the overload is an event of the ledger',
    );
  } finally {
    await side.close();
  }
});

test('many runs in front of a target that stands still: the listener is bounded', async () => {
  const side = await startSystemSide();
  try {
    const runs = 40;
    const all = runs * MOST_OF_RUN;
    const flooding = flood(side, await tokens(side, runs), MOST_OF_RUN, all - MOST_OF_LISTENER);
    await flooding.refused;
    const freeing = setInterval(() => side.target.release(), 5);
    const got = counted(await flooding.answers.finally(() => clearInterval(freeing)));
    assert.deepEqual(got, { done: MOST_OF_LISTENER, refused: all - MOST_OF_LISTENER });
    assert.equal(side.target.hits.length, got.done, 'effects at the target are the successes');
  } finally {
    await side.close();
  }
});

test('a store that stands still holds no more than a run may have under way', async () => {
  const side = await startAgentsSide();
  try {
    const [token = ''] = await tokens(side, 1);
    const { store } = side.broker;
    const commit = store.commit.bind(store);
    const disk = Promise.withResolvers<void>();
    store.commit = async (op) => {
      await disk.promise;
      return commit(op);
    };
    const speak = modern(side, token);
    const enough = Promise.withResolvers<void>();
    let refused = 0;
    const answers = Array.from({ length: 100 }, async () => {
      const answer = await speak('tools/call', { name: 'echo', arguments: { text: 'x' } });
      if (answer.status === 429 && ++refused === 100 - MOST_OF_RUN) enough.resolve();
      return answer;
    });
    await enough.promise;
    disk.resolve();
    const got = counted(await Promise.all(answers));
    assert.deepEqual(got, { done: MOST_OF_RUN, refused: 100 - MOST_OF_RUN });
    assert.equal(side.target.hits.length, MOST_OF_RUN);
  } finally {
    await side.close();
  }
});
