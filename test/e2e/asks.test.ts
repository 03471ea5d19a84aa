import assert from 'node:assert/strict';
import { request } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { type AgentsSide, startAgentsSide } from './agents-side.ts';
import { type Answer, legacy, modern, type Wire } from './wire.ts';

/** Calls that need a human, at the level of the wire: held, sent away with a handle, continued, done exactly once. */

const PLAN = { name: 'set_plan', arguments: { customer: 7, plan: 'pro' } };

let side: AgentsSide;
let token: string;
let call: Wire;
beforeEach(async () => {
  side = await startAgentsSide({ hold: { modernMs: 60, legacyMs: 60 } });
  token = (await side.run()).token;
  call = modern(side, token);
});
afterEach(() => side.close());

const effects = (): number => side.target.hits.length;
const writes = () => side.target.hits.filter(({ method }) => method !== 'GET');
const refusalOf = (answer: Answer): string => answer.json.result.structuredContent?.signalbox?.code;

async function askedFor(wire: Wire = call): Promise<{ state: string; approvalId: string }> {
  const answer = await wire('tools/call', PLAN);
  assert.equal(answer.json.result.resultType, 'input_required');
  return { state: answer.json.result.requestState, approvalId: await side.ask() };
}

test('modern: input_required, approved, and the same retry completes it exactly once', async () => {
  const { state, approvalId } = await askedFor();
  const again = await call('tools/call', { ...PLAN, requestState: state });
  assert.equal(again.json.result.resultType, 'input_required');
  assert.equal(effects(), 0);
  await side.approve(approvalId);
  const done = await call('tools/call', { ...PLAN, requestState: state });
  assert.equal(done.json.result.resultType, 'complete');
  assert.notEqual(done.json.result.isError, true);
  assert.equal(effects(), 1);
  for (const used of [state, again.json.result.requestState]) {
    const replay = await call('tools/call', { ...PLAN, requestState: used });
    assert.deepEqual([replay.json.result.isError, refusalOf(replay)], [true, 'APPROVAL_CLOSED']);
  }
  assert.equal(effects(), 1);
  assert.deepEqual(await side.broker.store.asks({ limit: 9, state: 'pending' }), []);
});

test('retries of one ask at the same time: one executes, the others are told', async () => {
  const { state, approvalId } = await askedFor();
  await side.approve(approvalId);
  const retry = { ...PLAN, requestState: state };
  const answers = await Promise.all(Array.from({ length: 5 }, () => call('tools/call', retry)));
  assert.equal(effects(), 1);
  const done = answers.filter(({ json }) => json.result.isError !== true);
  assert.equal(done.length, 1);
  assert.deepEqual(
    answers.filter((answer) => !done.includes(answer)).map(refusalOf),
    Array(4).fill('APPROVAL_CLOSED'),
  );
  assert.deepEqual(await side.broker.store.asks({ limit: 9, state: 'pending' }), []);
});

test('state that was changed, made for another call or run, or is too old: -32602 and no effect', async () => {
  const { state, approvalId } = await askedFor();
  await side.approve(approvalId);
  const other = modern(side, (await side.run()).token);
  const changed = `${state.slice(0, -4)}${state.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
  const tried: [string, Promise<Answer>][] = [
    ['changed', call('tools/call', { ...PLAN, requestState: changed })],
    ['empty', call('tools/call', { ...PLAN, requestState: '' })],
    ['no text', call('tools/call', { ...PLAN, requestState: { a: 1 } })],
    [
      'arguments',
      call('tools/call', {
        name: 'set_plan',
        arguments: { customer: 8, plan: 'pro' },
        requestState: state,
      }),
    ],
    [
      'tool',
      call('tools/call', { name: 'slow_write', arguments: PLAN.arguments, requestState: state }),
    ],
    ['run', other('tools/call', { ...PLAN, requestState: state })],
    ['responses', call('tools/call', { ...PLAN, requestState: state, inputResponses: [] })],
  ];
  for (const [name, answer] of tried) assert.equal((await answer).json.error?.code, -32602, name);
  assert.equal(effects(), 0);
  assert.equal(
    (await call('tools/call', { ...PLAN, requestState: state })).json.result.isError,
    undefined,
  );
  assert.equal(effects(), 1);
});

test('refused by a human: the agent is told, whether held or back later', async () => {
  const { state, approvalId } = await askedFor();
  await side.refuse(approvalId);
  assert.equal(
    refusalOf(await call('tools/call', { ...PLAN, requestState: state })),
    'APPROVAL_REFUSED',
  );
  assert.equal(effects(), 0);
});

test('an elicitation goes only to a client that declared it, in the mode it declared', async () => {
  const cases: [object, string | undefined][] = [
    [{}, undefined],
    [{ elicitation: {} }, 'form'],
    [{ elicitation: { form: {} } }, 'form'],
    [{ elicitation: { form: {}, url: {} } }, 'form'],
    [{ elicitation: { url: {} } }, undefined],
  ];
  for (const [capabilities, mode] of cases) {
    const { result } = (await modern(side, token, capabilities)('tools/call', PLAN)).json;
    assert.equal(result.inputRequests?.approval.params.mode, mode, JSON.stringify(capabilities));
  }
});

test('legacy: progress while held, then a pending result; the same call again continues the same ask', async () => {
  const speak = legacy(side, token);
  const first = await speak('tools/call', PLAN, { meta: { progressToken: 'p1' } });
  assert.equal(first.headers['content-type'], 'text/event-stream');
  assert.deepEqual(
    first.earlier.map(({ method, params }) => [method, params.progressToken, params.progress]),
    [['notifications/progress', 'p1', 0.001]],
  );
  const { signalbox } = first.json.result.structuredContent;
  assert.deepEqual([first.json.result.isError, signalbox.status], [false, 'pending']);
  const second = await speak('tools/call', PLAN);
  assert.equal(second.json.result.structuredContent.signalbox.approval, signalbox.approval);
  await side.approve(signalbox.approval);
  const done = await speak('tools/call', PLAN);
  assert.notEqual(done.json.result.isError, true);
  assert.equal(effects(), 1);
});

test('legacy: a client that takes no stream is held without one', async () => {
  const speak = legacy(side, token);
  const answer = await speak('tools/call', PLAN, { headers: { accept: 'application/json' } });
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.json.result.structuredContent.signalbox.status, 'pending');
});

test('a halt ends a held call at once, and its approval with it', async () => {
  await side.close();
  side = await startAgentsSide({ hold: { modernMs: 30_000 } });
  const { run, token: mine } = await side.run();
  const held = modern(side, mine)('tools/call', PLAN);
  const approvalId = await side.ask();
  await side.halt(`run:${run.id}`);
  assert.equal(refusalOf(await held), 'HALTED');
  await assert.rejects(side.approve(approvalId), { code: 'APPROVAL_CLOSED' });
  const after = await modern(side, mine)('tools/call', PLAN);
  assert.deepEqual([after.status, after.json.error.data.code], [403, 'HALTED']);
  assert.equal(effects(), 0);
});

test('a call whose client went away is not executed when it is approved later', async () => {
  await side.close();
  side = await startAgentsSide({ hold: { legacyMs: 30_000 }, maxCalls: 1 });
  const { token: mine } = await side.run();
  const echo = { name: 'echo', arguments: { text: 'x' } };
  const outgoing = request(side.mcpUrl, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${mine}` },
  });
  outgoing.on('error', () => undefined);
  outgoing.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: PLAN }));
  const approvalId = await side.ask();
  assert.equal((await legacy(side, mine)('tools/call', echo)).status, 429);
  outgoing.destroy();
  // One call at a time: once another is let in, the held one has left.
  while ((await legacy(side, mine)('tools/call', echo)).status === 429);
  await side.approve(approvalId);
  await legacy(side, mine)('tools/call', echo);
  assert.deepEqual(writes(), []);
  const done = await legacy(side, mine)('tools/call', PLAN);
  assert.notEqual(done.json.result.isError, true);
  assert.equal(writes().length, 1);
});

test('notifications/cancelled stops the call it names, and no other of another run', async () => {
  const { token: other } = await side.run();
  const slow = { name: 'slow_echo', arguments: { text: 'x' } };
  const running = legacy(side, token)('tools/call', slow, { id: 'a' });
  await side.target.arrived(1);
  const cancel = { requestId: 'a' };
  await legacy(side, other)('notifications/cancelled', cancel, { id: null });
  await legacy(side, token)('notifications/cancelled', { requestId: 'b' }, { id: null });
  const accepted = await legacy(side, token)('notifications/cancelled', cancel, { id: null });
  assert.deepEqual([accepted.status, accepted.text], [202, '']);
  const answer = await running;
  assert.equal(answer.json.result.isError, true);
  side.target.release();
});

test('a held call that is cancelled by id ends at once, and its ask stays open', async () => {
  await side.close();
  side = await startAgentsSide({ hold: { legacyMs: 30_000 } });
  const speak = legacy(side, (await side.run()).token);
  const held = speak('tools/call', PLAN, { id: 'h' });
  const approvalId = await side.ask();
  await speak('notifications/cancelled', { requestId: 'h' }, { id: null });
  assert.equal((await held).json.error.data.code, 'CONNECTOR_ABORTED');
  await side.approve(approvalId);
  assert.equal(effects(), 0);
  assert.notEqual((await speak('tools/call', PLAN)).json.result.isError, true);
  assert.equal(effects(), 1);
});
