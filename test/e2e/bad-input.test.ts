import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { createOperators } from '../../src/identity/operators.ts';
import { type AgentsSide, startAgentsSide } from './agents-side.ts';
import { send } from './echo-target.ts';
import { type Answer, legacy, modern, raw, VERSION } from './wire.ts';

/** Whatever is wrong with a request: a clear error with a code, and nothing reaches the target. */

const ECHO = { name: 'echo', arguments: { text: 'x' } };

let side: AgentsSide;
let token: string;
let ahead = 0;
before(async () => {
  side = await startAgentsSide({
    hold: { modernMs: 50, legacyMs: 50 },
    ahead: () => ahead,
    maxCalls: 4,
    maxBodyBytes: 20_000,
    slow: { headersMs: 300, requestMs: 300 },
  });
  token = (await side.run()).token;
});
after(() => side.close());

/** HTTP status, and the most precise code that the answer carries. */
function verdictOf({ status, json }: Answer): [number, string | number] {
  if (json.error === undefined) return [status, json.result.structuredContent?.signalbox?.code];
  return [status, json.error.data?.code ?? json.error.code];
}

async function nothingReached(tried: () => Promise<void>): Promise<void> {
  const before = side.target.hits.length;
  await tried();
  assert.equal(side.target.hits.length, before, 'something was executed');
  const { json } = await legacy(side, token)('tools/call', ECHO);
  assert.equal(json.result.structuredContent.method, 'GET', 'the control call works');
}

const authorized = () => ({ authorization: `Bearer ${token}` });
const bodyOf = (method: string, params?: object, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

test('what is no JSON-RPC', () =>
  nothingReached(async () => {
    const whole = bodyOf('tools/call', ECHO);
    const cases: [string | Buffer, [number, string | number]][] = [
      ['', [400, -32700]],
      [whole.slice(0, -1), [400, -32700]],
      [`${whole}${whole}`, [400, -32700]],
      [
        Buffer.concat([Buffer.from(whole.slice(0, -2)), Buffer.from([0xff])]),
        [400, 'REQUEST_MALFORMED'],
      ],
      ['[]', [400, -32600]],
      ['"tools/call"', [400, -32600]],
      [bodyOf('tools/call', ECHO, null), [400, -32600]],
      [bodyOf('tools/call', ECHO, [1]), [400, -32600]],
      [JSON.stringify({ id: 1, method: 'tools/call', params: ECHO }), [400, -32600]],
      [
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: ['tools/call'], params: ECHO }),
        [400, -32600],
      ],
      [
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: 'echo' }),
        [400, -32600],
      ],
    ];
    for (const [body, verdict] of cases)
      assert.deepEqual(
        verdictOf(await raw(side.mcpUrl, body, authorized())),
        verdict,
        String(body).slice(0, 60),
      );
  }));

test('texts and shapes that somebody downstream would read otherwise', () =>
  nothingReached(async () => {
    const withText = (text: string) =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":${text}}}}`;
    const deep = '['.repeat(5_000) + ']'.repeat(5_000);
    for (const text of ['"\\ud800"', '"a\\u0000b"', '{"__proto__":{"isAdmin":true}}', deep]) {
      const answer = await raw(side.mcpUrl, withText(text), authorized());
      assert.deepEqual([...verdictOf(answer), answer.json.id], [400, -32600, 1], text.slice(0, 30));
    }
    for (const given of [
      { constructor: { prototype: { a: 1 } }, text: 'x' },
      { toString: 'x' },
      { text: 7 },
      {},
    ]) {
      const answer = await legacy(side, token)('tools/call', { name: 'echo', arguments: given });
      assert.deepEqual(
        [answer.status, answer.json.result.isError],
        [200, true],
        JSON.stringify(given),
      );
    }
    for (const name of [
      'constructor',
      'toString',
      'hasOwnProperty',
      'ECHO',
      'echo ',
      'forbidden',
    ]) {
      const answer = await legacy(side, token)('tools/call', { name, arguments: {} });
      assert.deepEqual(verdictOf(answer), [200, 'NOT_GRANTED'], name);
    }
    assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined);
  }));

test('parameters of the wrong type', () =>
  nothingReached(async () => {
    const speak = legacy(side, token);
    for (const params of [
      {},
      { name: 7 },
      { name: 'echo', arguments: [] },
      { name: 'echo', arguments: 'x' },
      { name: 'e'.repeat(200) },
    ])
      assert.deepEqual(verdictOf(await speak('tools/call', params)), [200, 'REQUEST_MALFORMED']);
    for (const params of [{ cursor: 7 }, { cursor: 'AAAA' }])
      assert.equal((await speak('tools/list', params)).json.error.code, -32602);
    assert.equal((await speak('resources/list')).json.error.code, -32601);
    const gone = await modern(side, token)('initialize', {});
    assert.deepEqual([gone.status, gone.json.error.code], [404, -32601]);
  }));

test('bodies that are too large, compressed, or of another type', () =>
  nothingReached(async () => {
    const big = bodyOf('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(30_000) } });
    const fine = bodyOf('tools/call', ECHO);
    const cases: [string, Record<string, string>, [number, string]][] = [
      [big, {}, [413, 'REQUEST_TOO_LARGE']],
      [big, { 'transfer-encoding': 'chunked' }, [413, 'REQUEST_TOO_LARGE']],
      [fine, { 'content-encoding': 'gzip' }, [415, 'REQUEST_UNSUPPORTED']],
      [fine, { 'content-type': 'text/plain' }, [415, 'REQUEST_UNSUPPORTED']],
      [fine, { 'content-type': 'application/x-www-form-urlencoded' }, [415, 'REQUEST_UNSUPPORTED']],
    ];
    for (const [body, headers, verdict] of cases)
      assert.deepEqual(
        verdictOf(await raw(side.mcpUrl, body, { ...authorized(), ...headers })),
        verdict,
      );
  }));

test('tokens: none, foreign, tampered, expired, of another kind, of a run that is over; each with a challenge', () =>
  nothingReached(async () => {
    const { store, doors } = side.broker;
    const setup = (await createOperators({ store, doors }).setupCode()) ?? '';
    const over = await side.run();
    const end = `${side.url}/v1/runs/${over.run.id}/end`;
    assert.equal(
      (await send(end, { headers: { authorization: `Bearer ${over.token}` } })).status,
      200,
    );
    const elsewhere = await startAgentsSide();
    const foreign = (await elsewhere.run()).token;
    await elsewhere.close();
    const tampered = token.slice(0, 20) + (token[20] === 'a' ? 'b' : 'a') + token.slice(21);
    const cases: [string | null, number, string][] = [
      [null, 401, 'TOKEN_MISSING'],
      ['Bearer', 401, 'TOKEN_INVALID'],
      ['Bearer x', 401, 'TOKEN_INVALID'],
      [`Basic ${token}`, 401, 'TOKEN_INVALID'],
      [`Bearer ${tampered}`, 401, 'TOKEN_INVALID'],
      [`Bearer ${foreign}`, 401, 'TOKEN_INVALID'],
      [`Bearer ${setup}`, 403, 'TOKEN_AUDIENCE'],
      [`Bearer ${over.token}`, 403, 'RUN_OVER'],
    ];
    for (const [authorization, status, code] of cases) {
      const headers = authorization === null ? {} : { authorization };
      const answer = await raw(
        side.mcpUrl,
        bodyOf('tools/call', ECHO),
        headers as Record<string, string>,
      );
      assert.deepEqual(verdictOf(answer), [status, code]);
      const challenge = answer.headers['www-authenticate'] ?? '';
      const metadata = /^Bearer resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '';
      const resource = JSON.parse((await send(metadata, { method: 'GET' })).text);
      assert.equal(resource.resource, side.mcpUrl);
      assert.ok(!answer.text.includes(token.slice(8, 40)));
    }
    ahead = 5 * 60_000;
    const late = await raw(side.mcpUrl, bodyOf('tools/call', ECHO), authorized());
    ahead = 0;
    assert.deepEqual(verdictOf(late), [401, 'TOKEN_EXPIRED']);
    assert.match(late.headers['www-authenticate'] ?? '', /error="invalid_token"/);
  }));

test('hosts and origins that are not ours', () =>
  nothingReached(async () => {
    const port = Number(new URL(side.url).port);
    const cases: [Record<string, string>, number, string][] = [
      [{ host: `rebound.example:${port}` }, 421, 'HOST_REFUSED'],
      [{ host: 'localhost' }, 421, 'HOST_REFUSED'],
      [{ origin: 'http://evil.example' }, 403, 'ORIGIN_REFUSED'],
      [{ origin: 'null' }, 403, 'ORIGIN_REFUSED'],
      [{ origin: `http://127.0.0.1:${port + 1}` }, 403, 'ORIGIN_REFUSED'],
    ];
    for (const [headers, status, code] of cases) {
      const answer = await raw(side.mcpUrl, bodyOf('tools/call', ECHO), {
        ...authorized(),
        ...headers,
      });
      assert.deepEqual(verdictOf(answer).slice(0, 1), [status]);
      assert.equal(answer.json.error.code, code);
    }
  }));

test('methods and paths that are not there', () =>
  nothingReached(async () => {
    for (const method of ['GET', 'DELETE', 'PUT', 'OPTIONS']) {
      const answer = await send(side.mcpUrl, { method, headers: authorized() });
      // a session of an older revision may `GET` and `DELETE`
      const allowed = method === 'GET' || method === 'DELETE' ? 'POST' : 'POST, GET, DELETE';
      assert.deepEqual([answer.status, answer.headers.allow], [405, allowed], method);
    }
    for (const path of ['/', '/mcp/', '//mcp', '/mcp%00', '/v1/runs//renew'])
      assert.equal((await send(side.url + path, { headers: authorized() })).status, 404, path);
  }));

test('headers that disagree with the body, and versions nobody speaks', () =>
  nothingReached(async () => {
    const speak = modern(side, token);
    const wrong: Record<string, string>[] = [
      { 'mcp-method': 'tools/list' },
      { 'mcp-name': 'set_plan' },
      { 'mcp-protocol-version': '2025-11-25' },
    ];
    for (const headers of wrong)
      assert.deepEqual(verdictOf(await speak('tools/call', ECHO, { headers })), [400, -32020]);
    const bare = await raw(side.mcpUrl, bodyOf('tools/call', ECHO), {
      ...authorized(),
      'mcp-protocol-version': VERSION,
    });
    assert.deepEqual(verdictOf(bare), [400, -32602]);
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2030-01-01' };
    const future = await speak('tools/call', ECHO, {
      meta,
      headers: { 'mcp-protocol-version': '2030-01-01' },
    });
    assert.deepEqual([future.status, future.json.error.code], [400, -32022]);
    assert.ok(future.json.error.data.supported.includes(VERSION));
    const past = await legacy(side, token)('tools/call', ECHO, {
      headers: { 'mcp-protocol-version': '2023-01-01' },
    });
    assert.deepEqual([past.status, past.json.error.code], [400, -32022]);
  }));

test('batches: only where the revision had them, never twice the same id', async () => {
  const two = (first: unknown, second: unknown) =>
    `[${bodyOf('ping', undefined, first)},${bodyOf('ping', undefined, second)}]`;
  const newer = { ...authorized(), 'mcp-protocol-version': '2025-06-18' };
  await nothingReached(async () => {
    assert.deepEqual(verdictOf(await raw(side.mcpUrl, two(1, 2), newer)), [400, -32600]);
    assert.deepEqual(verdictOf(await raw(side.mcpUrl, two(1, 1), authorized())), [400, -32600]);
    const opening = `[${bodyOf('initialize', { protocolVersion: '2025-03-26' })}]`;
    const [refused] = (await raw(side.mcpUrl, opening, authorized())).json;
    assert.equal(refused.error.code, -32600);
  });
  const answers = (await raw(side.mcpUrl, two(1, 'b'), authorized())).json;
  assert.deepEqual(
    answers.map((answer: { id: unknown; result: object }) => [answer.id, answer.result]),
    [
      [1, {}],
      ['b', {}],
    ],
  );
});

test('an id that is in flight: a write is refused, reads are answered apart', async () => {
  const { token: mine } = await side.run();
  const speak = legacy(side, mine);
  const write = { name: 'slow_write', arguments: { plan: 'pro' } };
  await speak('tools/call', write);
  await side.approve(await side.ask());
  const before = side.target.hits.length;
  const first = speak('tools/call', write, { id: 'same' });
  await side.target.arrived(before + 1);
  const second = await speak('tools/call', write, { id: 'same' });
  assert.deepEqual([second.status, second.json.error.code], [400, -32600]);
  assert.equal((await speak('tools/call', ECHO, { id: 'same' })).json.result.isError, undefined);
  side.target.release();
  assert.equal((await first).json.result.isError, undefined);
  assert.equal(side.target.hits.filter(({ path }) => path === '/slow/plan').length, 1);
});

test('more calls at once than a token may have: OVERLOADED, and room again afterwards', async () => {
  const { token: mine } = await side.run();
  const speak = legacy(side, mine);
  const before = side.target.hits.length;
  const slow = { name: 'slow_echo', arguments: { text: 'x' } };
  const running = Array.from({ length: 4 }, () => speak('tools/call', slow));
  await side.target.arrived(before + 4);
  const fifth = await speak('tools/call', slow);
  assert.deepEqual(verdictOf(fifth), [429, 'OVERLOADED']);
  assert.equal(fifth.headers['retry-after'], '1');
  assert.equal(side.target.hits.length, before + 4);
  side.target.release();
  for (const answer of await Promise.all(running))
    assert.equal(answer.json.result.isError, undefined);
  assert.equal((await speak('tools/call', ECHO)).status, 200);
});

test('clients that are slow to say what they want', () =>
  nothingReached(async () => {
    const head = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${Number(new URL(side.url).port)}\r\nauthorization: Bearer ${token}\r\n`;
    const body = bodyOf('tools/call', ECHO);
    const sent = `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, -5)}`;
    for (const answer of await Promise.all([trickle(head), trickle(sent)]))
      assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*REQUEST_TOO_SLOW/);
    const smuggled = `${head}content-type: application/json\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n`;
    assert.match(await trickle(smuggled), /^HTTP\/1\.1 400 [\s\S]*REQUEST_MALFORMED/);
  }));

function trickle(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(side.url).port), '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      got += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });
}

test('nothing of all this was an unexpected fault', () => {
  assert.deepEqual(side.logged, []);
});
