import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UNDECLARED_INTENT } from '../../src/domain/run.ts';
import { type AgentsSide, startAgentsSide } from './agents-side.ts';
import { send } from './echo-target.ts';
import { type Answer, legacy, modern } from './wire.ts';

/** A run's life over HTTP, and the runs of clients that declare none. */

const ECHO = { name: 'echo', arguments: { text: 'x' } };

let side: AgentsSide;
before(async () => {
  side = await startAgentsSide();
});
after(() => side.close());

async function api(
  path: string,
  token: string | null,
  body?: unknown,
): Promise<Pick<Answer, 'status' | 'json'>> {
  const sent = await send(side.url + path, {
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: sent.status, json: JSON.parse(sent.text) };
}

const undeclared = async () =>
  (await side.broker.store.runs({ limit: 100, state: 'live' })).filter(
    ({ run }) => run.intent === UNDECLARED_INTENT,
  );

test('begin, use, renew, end', async () => {
  const begun = await api('/v1/runs', side.secret, {
    intent: 'answer ticket 12',
    budget: { calls: 2 },
  });
  assert.equal(begun.status, 201);
  const { run, token, expiresAt, mcpUrl } = begun.json;
  assert.deepEqual(
    [run.agent, run.intent, run.budget, mcpUrl],
    ['support', 'answer ticket 12', { calls: 2 }, side.mcpUrl],
  );
  assert.ok(expiresAt <= Date.now() + 5 * 60_000);

  const speak = legacy(side, token);
  assert.equal((await speak('tools/call', ECHO)).json.result.isError, undefined);
  assert.equal((await speak('tools/call', ECHO)).json.result.isError, undefined);
  const spent = await speak('tools/call', ECHO);
  assert.equal(spent.json.result.isError, true, 'the budget of two calls is spent');

  const renewed = await api(`/v1/runs/${run.id}/renew`, token);
  assert.ok(renewed.status === 200 && renewed.json.expiresAt >= expiresAt);
  const ended = await api(`/v1/runs/${run.id}/end`, token, { why: 'done' });
  assert.deepEqual(ended, { status: 200, json: { ended: run.id } });
  for (const path of ['renew', 'end']) {
    const again = await api(`/v1/runs/${run.id}/${path}`, token);
    assert.deepEqual([again.status, again.json.error.code], [403, 'RUN_OVER']);
  }
  assert.equal((await speak('tools/call', ECHO)).json.error.data.code, 'RUN_OVER');
});

test('a run cannot be begun with less, or anything else, than is asked for', async () => {
  const cases: [unknown, string][] = [
    [undefined, 'REQUEST_UNSUPPORTED'],
    ['{"intent":', 'REQUEST_MALFORMED'],
    [[], 'REQUEST_MALFORMED'],
    [{}, 'REQUEST_MALFORMED'],
    [{ intent: '  ' }, 'REQUEST_MALFORMED'],
    [{ intent: 7 }, 'REQUEST_MALFORMED'],
    [{ intent: 'x'.repeat(4_001) }, 'REQUEST_MALFORMED'],
    [{ intent: 'a\u0000b' }, 'REQUEST_MALFORMED'],
    [{ intent: 'a\u001b[2Jb' }, 'REQUEST_MALFORMED'],
    ['{"intent":"\\ud800"}', 'REQUEST_MALFORMED'],
    [{ intent: 'x', agent: 'other' }, 'REQUEST_MALFORMED'],
    [{ intent: 'x', budget: [] }, 'REQUEST_MALFORMED'],
    [{ intent: 'x', budget: { calls: -1 } }, 'REQUEST_MALFORMED'],
    [{ intent: 'x', budget: { calls: 1.5 } }, 'REQUEST_MALFORMED'],
    [{ intent: 'x', budget: { calls: '9' } }, 'REQUEST_MALFORMED'],
    [{ intent: 'x', budget: { wishes: 3 } }, 'REQUEST_MALFORMED'],
    ['{"intent":"x","budget":{"__proto__":{"calls":9}}}', 'REQUEST_MALFORMED'],
  ];
  const before = await side.broker.store.runs({ limit: 1000 });
  for (const [body, code] of cases) {
    const { json } = await api('/v1/runs', side.secret, body);
    assert.equal(json.error.code, code, JSON.stringify(body)?.slice(0, 60));
    assert.ok(json.error.help.length > 0);
  }
  assert.equal((await side.broker.store.runs({ limit: 1000 })).length, before.length);
});

test('only the right token: the secret begins runs, a run renews and ends itself and begins others under it', async () => {
  const { run, token } = await side.run();
  const other = await side.run();
  const both = { intent: 'x', parentToken: other.token };
  const cases: [string, string | null, unknown, number, string][] = [
    ['/v1/runs', null, { intent: 'x' }, 401, 'TOKEN_MISSING'],
    ['/v1/runs', token, both, 400, 'REQUEST_MALFORMED'],
    ['/v1/runs', side.secret, { ...both, parentToken: side.secret }, 403, 'TOKEN_AUDIENCE'],
    [`/v1/runs/${run.id}/renew`, side.secret, undefined, 403, 'TOKEN_AUDIENCE'],
    [`/v1/runs/${run.id}/renew`, other.token, undefined, 404, 'RUN_NOT_FOUND'],
    [`/v1/runs/${run.id}/end`, other.token, undefined, 404, 'RUN_NOT_FOUND'],
    [`/v1/runs/${run.id}/end`, null, undefined, 401, 'TOKEN_MISSING'],
  ];
  for (const [path, by, body, status, code] of cases) {
    const answer = await api(path, by, body);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], path);
  }
  assert.equal((await legacy(side, token)('tools/call', ECHO)).status, 200);
});

test('no run begins, renews or goes on under a halt; after it only new tokens work', async () => {
  const { run, token } = await side.run();
  await side.halt('agent:support');
  const begun = await api('/v1/runs', side.secret, { intent: 'x' });
  assert.deepEqual([begun.status, begun.json.error.code], [403, 'HALTED']);
  const renewed = await api(`/v1/runs/${run.id}/renew`, token);
  assert.deepEqual([renewed.status, renewed.json.error.code], [403, 'HALTED']);
  const implicit = await legacy(side, side.secret)('tools/call', ECHO);
  assert.equal(
    implicit.json.error?.data.code ?? implicit.json.result.structuredContent.signalbox.code,
    'HALTED',
  );
  await side.resume('agent:support');
  assert.equal((await legacy(side, token)('tools/call', ECHO)).status, 401);
  assert.equal((await api('/v1/runs', side.secret, { intent: 'x' })).status, 201);
});

test('an agent secret at the MCP endpoint: one undeclared run per client, begun at the first call', async () => {
  const before = (await undeclared()).length;
  const named = (name: string) => ({
    meta: { 'io.modelcontextprotocol/clientInfo': { name, version: '1' } },
  });
  const speak = modern(side, side.secret);
  await speak('server/discover');
  assert.equal((await speak('tools/list')).json.result.tools.length, 5);
  assert.equal((await undeclared()).length, before);
  const calls = Array.from({ length: 4 }, () => speak('tools/call', ECHO, named('one')));
  for (const { json } of await Promise.all(calls)) assert.equal(json.result.isError, undefined);
  assert.equal((await undeclared()).length, before + 1);
  await speak('tools/call', ECHO, named('two'));
  assert.equal((await undeclared()).length, before + 2);
});

test('a halted undeclared run keeps its secret from opening another one', async () => {
  const live = await undeclared();
  const [first] = live;
  assert.ok(first !== undefined);
  await side.halt(`run:${first.run.id}`);
  const fresh = {
    meta: { 'io.modelcontextprotocol/clientInfo': { name: 'renamed', version: '1' } },
  };
  const answer = await modern(side, side.secret)('tools/call', ECHO, fresh);
  assert.deepEqual([answer.status, answer.json.error.data.code], [403, 'HALTED']);
  assert.equal((await undeclared()).length, live.length);
  await side.resume(`run:${first.run.id}`);
  const after = await modern(side, side.secret)('tools/call', ECHO, fresh);
  assert.equal(after.json.result.isError, undefined);
});

test('health says whether the process answers and whether it can do anything', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const { status } = await send(side.url + path, { method: 'GET' });
    assert.equal(status, 200, path);
  }
});
