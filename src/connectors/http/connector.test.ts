import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Call, type Connector, ConnectorFailure } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import { realDoors } from '../../doors.ts';
import { createHttpConnector } from './connector.ts';
import {
  callOf,
  connectionTo,
  httpTool,
  json,
  startTarget,
  type TestTarget,
} from './testing/target.ts';

const SINK = { write() {} };
const GET = httpTool({ method: 'GET', path: '/things' });
const POST = httpTool({ method: 'POST', path: '/things', body: { fixed: true } });

async function run(connector: Connector, call: Call) {
  return await (await connector.begin(call, SINK)).finish();
}

async function failure(work: Promise<unknown>): Promise<ConnectorFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ConnectorFailure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a failure' });
}

describe('requests', () => {
  let target: TestTarget;
  let connector: Connector;
  before(async () => {
    target = await startTarget((response, seen) => json(response, { url: seen.url }));
    connector = createHttpConnector(realDoors());
  });
  after(async () => {
    await connector.close();
    await target.close();
  });

  test('carry path, query, headers and body as their template says', async () => {
    const tool = httpTool({
      method: 'POST',
      path: '/v/{id}/notes',
      query: { dry: 'true', tag: '{tags}', q: '{q}' },
      headers: { 'x-fixed': 'yes' },
      body: { text: '{text}', count: '{count}', title: 'for {id}' },
    });
    const connection = connectionTo(`${target.url}/base`);
    const result = await run(
      connector,
      callOf(tool, connection, { id: 'a b', tags: ['x', '&y=1'], text: '"},{"', count: 3 }),
    );
    const seen = target.seen.at(-1);
    assert.equal(seen?.method, 'POST');
    assert.equal(seen?.url, '/base/v/a%20b/notes?dry=true&tag=x&tag=%26y%3D1');
    assert.equal(seen?.headers['x-fixed'], 'yes');
    assert.equal(seen?.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(seen?.body ?? ''), { text: '"},{"', count: 3, title: 'for a b' });
    assert.deepEqual(result.structured, { url: seen?.url });
    assert.equal(seen?.headers['idempotency-key'], undefined);
  });

  test('carry the credential where the connection says, and nothing without it', async () => {
    const credential = { kind: 'secret', leaseId: 'l', value: 'fixture-secret' } as const;
    const usual = connectionTo(target.url, {}, 'name');
    await run(connector, callOf(GET, usual, {}, { credential }));
    assert.equal(target.seen.at(-1)?.headers.authorization, 'Bearer fixture-secret');
    const own = connectionTo(target.url, { header: 'x-api-key', prefix: '' }, 'name');
    await run(connector, callOf(GET, own, {}, { credential }));
    assert.equal(target.seen.at(-1)?.headers['x-api-key'], 'fixture-secret');
    assert.equal(target.seen.at(-1)?.headers.authorization, undefined);
    const sent = target.seen.length;
    const missing = await failure(run(connector, callOf(GET, usual)));
    assert.deepEqual([missing.code, missing.effect], ['CREDENTIAL_FAILED', 'none']);
    for (const value of ['a\r\nx-admin: 1', 'ä', '', ' x']) {
      const bad = { ...credential, value };
      const refused = await failure(run(connector, callOf(GET, usual, {}, { credential: bad })));
      assert.deepEqual([refused.code, refused.effect], ['CREDENTIAL_FAILED', 'none']);
      assert.ok(value === '' || !refused.message.includes(value));
    }
    assert.equal(target.seen.length, sent);
  });

  test('carry the action id as key where the target keeps it', async () => {
    const tool = httpTool({ method: 'POST', path: '/pay', idempotencyHeader: 'idempotency-key' });
    await run(connector, callOf(tool, connectionTo(target.url)));
    assert.equal(target.seen.at(-1)?.headers['idempotency-key'], 'act_fixture');
  });

  test('are not sent by begin, by a preview or by cancel', async () => {
    const sent = target.seen.length;
    const flight = await connector.begin(callOf(POST, connectionTo(target.url)), SINK);
    assert.equal(flight.measured, null);
    await flight.cancel();
    const preview = callOf(POST, connectionTo(target.url), {}, { purpose: 'preview' });
    const previewed = await connector.begin(preview, SINK);
    assert.equal((await failure(previewed.finish())).effect, 'none');
    assert.equal(target.seen.length, sent);
  });

  const INJECTIONS: [string, string, JsonObject][] = [
    ['a segment', '/v/{id}', { id: 'a/b' }],
    ['two steps up', '/v/{id}/x', { id: '../../admin' }],
    ['a dot segment', '/v/{id}/x', { id: '..' }],
    ['one dot', '/v/{id}/x', { id: '.' }],
    ['an encoded dot segment', '/v/{id}/x', { id: '%2e%2e' }],
    ['an encoded slash', '/v/{id}', { id: 'a%2Fb' }],
    ['a doubly encoded slash', '/v/{id}', { id: 'a%252Fb' }],
    ['a backslash', '/v/{id}', { id: '..\\admin' }],
    ['nothing', '/v/{id}/x', { id: '' }],
    ['a host', '/{id}', { id: '/evil.example' }],
    ['a NUL', '/v/{id}', { id: 'a\u0000' }],
    ['a line break', '/v/{id}', { id: 'a\r\nx: y' }],
    ['a direction mark and a break', '/v/{id}', { id: '\u0085' }],
    ['half a character', '/v/{id}', { id: '\ud800' }],
    ['a long text', '/v/{id}', { id: 'x'.repeat(2_000) }],
    ['dots in two parts', '/v/{id}{b}/x', { id: '.', b: '.' }],
    ['a list', '/v/{id}', { id: ['a'] }],
    ['an object', '/v/{id}', { id: { toString: 'x' } }],
    ['null', '/v/{id}', { id: null }],
    ['a prototype', '/v/{constructor}', {}],
  ];
  for (const [what, path, input] of INJECTIONS)
    test(`are refused unsent when an argument of the path holds ${what}`, async () => {
      const sent = target.seen.length;
      const tool = httpTool({ method: 'DELETE', path }, { effect: 'destroy' });
      const refused = await failure(run(connector, callOf(tool, connectionTo(target.url), input)));
      assert.deepEqual([refused.code, refused.effect], ['CONNECTOR_REFUSED', 'none']);
      assert.equal(target.seen.length, sent);
    });

  const HARMLESS: [string, string][] = [
    ['a?admin=true', 'a%3Fadmin%3Dtrue'],
    ['a#b', 'a%23b'],
    ['a&b', 'a%26b'],
    ['user:pw@evil.example:1', 'user%3Apw%40evil.example%3A1'],
    ['a;b=c', 'a%3Bb%3Dc'],
    ['{volume}', '%7Bvolume%7D'],
    ["'; drop", '%27%3B%20drop'],
    ['*', '%2A'],
  ];
  for (const [id, encoded] of HARMLESS)
    test(`keep \`${id}\` inside its segment and inside its query value`, async () => {
      const tool = httpTool({ method: 'GET', path: '/v/{id}/x', query: { q: 'is {id}' } });
      await run(connector, callOf(tool, connectionTo(target.url), { id }));
      assert.equal(target.seen.at(-1)?.url, `/v/${encoded}/x?q=is%20${encoded}`);
    });
});

describe('answers', () => {
  let answer: Parameters<typeof startTarget>[0];
  let target: TestTarget;
  let connector: Connector;
  before(async () => {
    target = await startTarget((...seen) => answer(...seen));
    connector = createHttpConnector(realDoors());
  });
  after(async () => {
    await connector.close();
    await target.close();
  });
  const call = (tool = GET, more: Partial<Call> = {}) =>
    callOf(tool, connectionTo(target.url), {}, more);

  test('are handed on as they are, with the object when there is one', async () => {
    answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
        .end('{"a" : 1}');
    assert.deepEqual(await run(connector, call()), {
      text: '{"a" : 1}',
      structured: { a: 1 },
      cut: [],
    });
    answer = (response) => json(response, [1]);
    assert.deepEqual(await run(connector, call()), { text: '[1]', cut: [] });
    answer = (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('{"a":1}');
    assert.deepEqual(await run(connector, call()), { text: '{"a":1}', cut: [] });
    answer = (response) => response.writeHead(204).end();
    assert.deepEqual(await run(connector, call(POST)), { text: '', cut: [] });
  });

  test('that are too long are cut, said so, and not read further', async () => {
    const tool = httpTool({ method: 'GET', path: '/' }, { maxResultBytes: 1_000 });
    let closed: Promise<unknown> = Promise.resolve();
    answer = (response) => {
      closed = new Promise((done) => response.on('close', () => done(null)));
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (response.write('x'.repeat(10_000)));
        response.once('drain', more);
      };
      more();
    };
    const result = await run(connector, call(tool));
    assert.equal(result.text, 'x'.repeat(1_000));
    assert.deepEqual(result.cut, ['the answer was cut after 1000 bytes']);
    assert.equal(result.structured, undefined);
    await closed;
    answer = (response) => response.end('ä'.repeat(1_000));
    const split = await run(
      connector,
      call(httpTool({ method: 'GET', path: '/' }, { maxResultBytes: 3 })),
    );
    assert.equal(split.text, 'ä');
    assert.deepEqual(split.cut, ['the answer was cut after 3 bytes of 2000']);
  });

  test('of other encodings and kinds are not shown', async () => {
    answer = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('zip');
    assert.deepEqual(await run(connector, call()), {
      text: '',
      cut: ['the answer came as `gzip`, which was not asked for, and is not shown'],
    });
    answer = (response) => response.writeHead(200, { 'content-type': 'image/png' }).end('png');
    assert.equal((await run(connector, call())).text, '');
  });

  test('are reduced to what the tool names, or not shown at all', async () => {
    const tool = httpTool({
      method: 'GET',
      path: '/',
      project: ['/total', '/items/*/name', '/items/0/tags'],
    });
    answer = (response) =>
      json(response, {
        total: 2,
        secret: 'x',
        items: [{ name: 'a', tags: [1], hidden: 1 }, { name: 'b', tags: [2] }, {}],
      });
    const parts = { total: 2, items: [{ name: 'a', tags: [1] }, { name: 'b' }] };
    assert.deepEqual(await run(connector, call(tool)), {
      text: JSON.stringify(parts),
      structured: parts,
      cut: [],
    });
    answer = (response) => json(response, { other: 1 });
    assert.equal((await run(connector, call(tool))).text, '{}');
    answer = (response) => response.end('secret text');
    const hidden = await run(connector, call(tool));
    assert.equal(hidden.text, '');
    assert.equal(hidden.cut.length, 1);
  });

  test('never carry the credential back', async () => {
    const value = 'fixture/secret=42';
    answer = (response, seen) =>
      json(response, { headers: seen.headers, again: Buffer.from(value).toString('base64') });
    const connection = connectionTo(target.url, {}, 'name');
    const credential = { kind: 'secret', leaseId: 'l', value } as const;
    const result = await run(connector, callOf(GET, connection, {}, { credential }));
    assert.match(result.text, /secret withheld/);
    answer = (response, seen) => json(response, { error: seen.headers.authorization }, 500);
    const failed = await failure(run(connector, callOf(POST, connection, {}, { credential })));
    for (const said of [result.text, JSON.stringify(result.structured), failed.message]) {
      assert.ok(!said.includes(value), said);
      assert.ok(!said.includes(Buffer.from(value).toString('base64')), said);
    }
  });

  const STATUSES: [number, 'none' | 'unknown'][] = [
    [400, 'none'],
    [401, 'none'],
    [403, 'none'],
    [404, 'none'],
    [409, 'none'],
    [422, 'none'],
    [429, 'none'],
    [408, 'unknown'],
    [499, 'unknown'],
    [500, 'unknown'],
    [501, 'none'],
    [502, 'unknown'],
    [503, 'unknown'],
    [504, 'unknown'],
    [301, 'unknown'],
    [302, 'unknown'],
    [303, 'unknown'],
    [307, 'none'],
    [308, 'none'],
  ];
  for (const [status, effect] of STATUSES)
    test(`status ${status} leaves a write \`${effect}\` and a read without effect`, async () => {
      answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end('why');
      const sent = target.seen.length;
      const write = await failure(run(connector, call(POST)));
      assert.deepEqual([write.code, write.effect], ['CONNECTOR_REFUSED', effect]);
      assert.match(write.message, status < 400 ? /redirect, which is not followed/ : /: why$/);
      assert.equal((await failure(run(connector, call(GET)))).effect, 'none');
      assert.equal(target.seen.length, sent + 2, 'nothing was followed or sent twice');
    });

  test('that do not come in time are a timeout; what was sent is unknown', async () => {
    answer = () => {};
    const slow = { timeoutMs: 150 };
    const write = await failure(
      run(connector, call(httpTool({ method: 'POST', path: '/' }, slow))),
    );
    assert.deepEqual([write.code, write.effect], ['CONNECTOR_TIMEOUT', 'unknown']);
    const read = await failure(run(connector, call(httpTool({ method: 'GET', path: '/' }, slow))));
    assert.deepEqual([read.code, read.effect], ['CONNECTOR_TIMEOUT', 'none']);
  });

  test('that trickle are cut off by the same clock', async () => {
    answer = (response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    };
    const failed = await failure(
      run(connector, call(httpTool({ method: 'GET', path: '/' }, { timeoutMs: 200 }))),
    );
    assert.equal(failed.code, 'CONNECTOR_TIMEOUT');
  });

  test('stop when the call is aborted, before and in the middle', async () => {
    const early = await failure(run(connector, call(POST, { signal: AbortSignal.abort() })));
    assert.deepEqual([early.code, early.effect], ['CONNECTOR_ABORTED', 'none']);
    const controller = new AbortController();
    const gone = Promise.withResolvers<void>();
    answer = (response) => {
      response.on('close', () => gone.resolve());
      response.writeHead(200);
      response.write('half', () => controller.abort());
    };
    const late = await failure(run(connector, call(POST, { signal: controller.signal })));
    assert.deepEqual([late.code, late.effect], ['CONNECTOR_ABORTED', 'unknown']);
    await gone.promise;
  });

  test('that break off leave a write unknown', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    const broken = await failure(run(connector, call(POST)));
    assert.deepEqual([broken.code, broken.effect], ['CONNECTOR_UNREACHABLE', 'unknown']);
    answer = (response) => response.socket?.destroy();
    const sent = target.seen.length;
    assert.equal((await failure(run(connector, call(POST)))).effect, 'unknown');
    assert.equal((await failure(run(connector, call(GET)))).effect, 'none');
    assert.equal(target.seen.length, sent + 2, 'nothing is sent a second time');
  });

  test('of a HEAD are its headers', async () => {
    answer = (response) => response.writeHead(200, { 'content-length': '12', etag: '"v1"' }).end();
    const tool = httpTool({ method: 'HEAD', path: '/' }, { effect: 'read' });
    assert.deepEqual((await run(connector, call(tool))).structured, {
      status: 200,
      'content-length': '12',
      etag: '"v1"',
    });
  });

  test('after a crash: a read did nothing, of a write nobody knows', async () => {
    const connection = connectionTo(target.url);
    const ask = (tool: typeof GET) =>
      connector.probe({ actionId: 'a', tool, connection, trace: {} });
    assert.equal(await ask(GET), 'failed');
    assert.equal(await ask(POST), 'unknown');
  });
});

test('a target that is not there did nothing', async () => {
  const target = await startTarget(() => {});
  await target.close();
  const connector = createHttpConnector(realDoors());
  const failed = await failure(run(connector, callOf(POST, connectionTo(target.url))));
  assert.deepEqual([failed.code, failed.effect], ['CONNECTOR_UNREACHABLE', 'none']);
  await connector.close();
});

test('calls share sockets, and one that is aborted while it waits is never sent', async () => {
  const release: (() => void)[] = [];
  const target = await startTarget((response) => release.push(() => json(response, {})));
  const connector = createHttpConnector(realDoors());
  const connection = connectionTo(target.url);
  const running = Array.from({ length: 64 }, () => run(connector, callOf(GET, connection)));
  while (target.seen.length < 64) await new Promise((done) => setImmediate(done));
  const controller = new AbortController();
  const waiting = failure(
    run(connector, callOf(POST, connection, {}, { signal: controller.signal })),
  );
  controller.abort();
  assert.deepEqual([(await waiting).code, (await waiting).effect], ['CONNECTOR_ABORTED', 'none']);
  for (const go of release.splice(0)) go();
  await Promise.all(running);
  const last = run(connector, callOf(GET, connection));
  while (release.length === 0) await new Promise((done) => setImmediate(done));
  release[0]?.();
  await last;
  assert.equal(target.seen.filter(({ method }) => method === 'POST').length, 0);
  await connector.close();
  await target.close();
});
