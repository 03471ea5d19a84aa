import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { bundleOf, done, type Heard, type Stage, startStage } from './testing/stage.ts';

/** A target asks a client: all four pairs of eras. */

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

const QUESTION = { method: 'elicitation/create', params: { mode: 'form', message: 'Your name?' } };
const ANSWER = { action: 'accept', content: { name: 'Ada' } };
const ASKED = { elicitation: {} };
const PLAIN = { name: 'plain', arguments: {} };

/** A legacy session: its headers. */
async function begin(capabilities: object): Promise<Record<string, string>> {
  const { headers } = await stage.speak({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'c' } },
  });
  return {
    'mcp-session-id': String(headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  };
}

const call = (headers: Record<string, string>, id = 1): Promise<Heard> =>
  stage.speak({ jsonrpc: '2.0', id, method: 'tools/call', params: PLAIN }, headers);

test('legacy client, legacy target: asked on the stream of its call', async () => {
  stage.act(async (_proposal, sink) => done({ content: [await sink.ask(QUESTION)] }));
  const headers = await begin(ASKED);
  const heard = await call(headers);
  const asked = await heard.next();
  assert.deepEqual([asked.method, asked.params], [QUESTION.method, QUESTION.params]);
  const answer = { jsonrpc: '2.0', id: asked.id, result: ANSWER };
  // another session cannot answer in its place
  await stage.speak({ ...answer, result: { action: 'decline' } }, await begin(ASKED));
  assert.equal((await stage.speak(answer, headers)).status, 202);
  assert.deepEqual((await heard.next()).result.content, [ANSWER]);
});

test('legacy client, modern target: asked live, then the call goes on with the answers', async () => {
  stage.act(async ({ continuation }) =>
    continuation === undefined
      ? ({
          kind: 'done',
          result: { text: '', cut: [], wants: { questions: { who: QUESTION }, state: 's1' } },
        } as never)
      : done({ content: [{ ...continuation }] }),
  );
  const headers = await begin(ASKED);
  const heard = await call(headers);
  const { id } = await heard.next();
  await stage.speak({ jsonrpc: '2.0', id, result: ANSWER }, headers);
  assert.deepEqual((await heard.next()).result.content, [
    { responses: { who: ANSWER }, state: 's1' },
  ]);
});

test('modern client, modern target: sent away with sealed state, once', async () => {
  const wants = { questions: { who: QUESTION }, state: 's1' };
  stage.act(async ({ continuation }) =>
    continuation === undefined
      ? ({ kind: 'done', result: { text: '', cut: [], wants } } as never)
      : done({ content: [{ ...continuation }] }),
  );
  const capable = { capabilities: ASKED };
  const first = await (await stage.modern('tools/call', PLAIN, capable)).next();
  assert.deepEqual(first.result.inputRequests, wants.questions);
  assert.equal(first.result.resultType, 'input_required');
  const { requestState } = first.result;
  assert.ok(!Buffer.from(requestState, 'base64url').includes('s1'));
  const retry = (more: object) =>
    stage
      .modern(
        'tools/call',
        { ...PLAIN, requestState, inputResponses: { who: ANSWER }, ...more },
        capable,
      )
      .then((heard) => heard.next());
  const refused = [
    { requestState: `${requestState}-TAMPERED` },
    { name: 'write' },
    { arguments: { other: 1 } },
    { inputResponses: null },
  ];
  for (const more of refused) assert.equal((await retry(more)).error.code, -32602);
  assert.deepEqual((await retry({})).result.content, [{ responses: { who: ANSWER }, state: 's1' }]);
  assert.match((await retry({})).error.message, /used already/);
});

test('a state goes on at whichever replica it comes back, once', async (t) => {
  const shared = { claims: new Set<string>(), stateKey: randomBytes(32) };
  const [one, two] = [await startStage(bundleOf(), shared), await startStage(bundleOf(), shared)];
  t.after(() => Promise.all([one.close(), two.close()]));
  const wants = { questions: { who: QUESTION }, state: 's1' };
  for (const { act } of [one, two])
    act(async ({ continuation }) =>
      continuation === undefined
        ? ({ kind: 'done', result: { text: '', cut: [], wants } } as never)
        : done({ content: [{ ...continuation }] }),
    );
  const capable = { capabilities: ASKED };
  const { requestState } = (await (await one.modern('tools/call', PLAIN, capable)).next()).result;
  const again = { ...PLAIN, requestState, inputResponses: { who: ANSWER } };
  const retry = async (at: Stage) => (await at.modern('tools/call', again, capable)).next();
  assert.deepEqual((await retry(two)).result.content, [
    { responses: { who: ANSWER }, state: 's1' },
  ]);
  for (const at of [one, two]) assert.match((await retry(at)).error.message, /used already/);
  assert.equal(one.proposals.length + two.proposals.length, 2);
});

test('modern client, legacy target: the call stays in the air until its client is back', async () => {
  let calls = 0;
  stage.act(async (_proposal, sink) => {
    calls++;
    const first = await sink.ask(QUESTION);
    await sink.tell({ method: 'notifications/progress', params: { progress: 1 } });
    return done({ content: [first, await sink.ask({ method: 'roots/list', params: {} })] });
  });
  const capable = { capabilities: { elicitation: {}, roots: {} } };
  const ask = async (more: object) =>
    (await stage.modern('tools/call', { ...PLAIN, ...more }, capable)).next();
  const first = (await ask({})).result;
  assert.deepEqual(first.inputRequests, { q1: QUESTION });
  // a wrong key: asked again, nothing is lost
  const again = (await ask({ requestState: first.requestState, inputResponses: { x: ANSWER } }))
    .result;
  assert.deepEqual(again.inputRequests, { q1: QUESTION });
  assert.match((await ask({ requestState: first.requestState })).error.message, /used already/);
  const inputResponses = { q1: ANSWER };
  const second = (await ask({ requestState: again.requestState, inputResponses })).result;
  assert.deepEqual(Object.keys(second.inputRequests), ['q2']);
  const roots = { roots: [] };
  const last = await ask({ requestState: second.requestState, inputResponses: { q2: roots } });
  assert.deepEqual(last.result.content, [ANSWER, roots]);
  assert.equal(calls, 1);
  const gone = await ask({ requestState: second.requestState, inputResponses: { q2: roots } });
  assert.match(gone.error.message, /no longer held/);
});

test('nobody is asked what they did not say they answer', async () => {
  stage.act(async (_proposal, sink) => {
    const refused = await sink.ask(QUESTION).catch((error: Error) => error.message);
    return done({ content: [{ type: 'text', text: refused }], isError: true });
  });
  const lacking = await stage.modern('tools/call', PLAIN, { capabilities: { roots: {} } });
  const { error: missing } = await lacking.next();
  assert.deepEqual([lacking.status, missing.code], [400, -32021]);
  assert.deepEqual(missing.data.requiredCapabilities, { elicitation: { form: {} } });
  assert.equal((await (await call(await begin({}))).next()).result.isError, true);
  const onlyUrl = { elicitation: { url: {} } };
  const wants = { questions: { who: QUESTION }, state: null };
  stage.act(async () => ({ kind: 'done', result: { text: '', cut: [], wants } }) as never);
  const heard = await stage.modern('tools/call', PLAIN, { capabilities: onlyUrl });
  const { error } = await heard.next();
  assert.deepEqual([heard.status, error.code], [400, -32021]);
  assert.deepEqual(error.data.requiredCapabilities, { elicitation: { form: {} } });
});

test('a client that leaves while it is asked takes its call with it', async () => {
  const left = Promise.withResolvers<string>();
  stage.act(async ({ signal }, sink) => {
    const asking = sink.ask(QUESTION).catch((error: Error) => error.message);
    assert.equal(signal?.aborted, false);
    left.resolve(String(await asking));
    return done({ content: [] });
  });
  const headers = { ...(await begin(ASKED)), 'mcp-protocol-version': '2025-11-25' };
  const heard = await call(headers);
  const { id } = await heard.next();
  await stage.speak(
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    headers,
  );
  assert.match(await left.promise, /its client is gone/);
  assert.match(String(id), /signalbox/);
});
