import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Call, Connector } from '../../domain/connector.ts';
import { realDoors } from '../../doors.ts';
import { createHttpConnector } from './connector.ts';
import {
  callOf,
  connectionTo,
  failure,
  httpTool,
  json,
  run,
  startTarget,
  type TestTarget,
} from './testing/target.ts';

const GET = httpTool({ method: 'GET', path: '/things' });
const POST = httpTool({ method: 'POST', path: '/things', body: { fixed: true } });

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

  test('never carry the credential back behind escapes', async () => {
    const value = 'fixture/secret+x/42==tail';
    const bearer = `Bearer ${value}`;
    const units = [...bearer].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const slashed = bearer.replaceAll('/', '\\/');
    const connection = connectionTo(target.url, {}, 'name');
    const credential = { kind: 'secret', leaseId: 'l', value } as const;
    const as = (body: string, status = 200) => {
      answer = (response) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    };
    const hides = (said: unknown) => {
      const text = JSON.stringify(said);
      assert.ok(!text.includes(value) && !text.includes(slashed), text);
      assert.ok(!text.includes('u0066'), text);
    };
    const projecting = httpTool({ method: 'GET', path: '/', project: ['/echo'] });
    for (const body of [
      `{"echo":"${slashed}"}`,
      `{"echo":"${units.join('')}"}`,
      `{"echo":{"${units.join('')}":1}}`,
      `{"echo":"${units.join('')}","echo":"x"}`,
      `["${slashed}"]`,
      `{"echo":"${slashed}`,
    ])
      for (const tool of [GET, projecting]) {
        as(body);
        const result = await run(connector, callOf(tool, connection, {}, { credential }));
        hides(result);
        hides(result.text.replaceAll('\\/', '/'));
        if (result.structured !== undefined && result.text !== '{}')
          assert.deepEqual(JSON.parse(result.text), result.structured);
      }
    as(`no ${slashed}, no ${encodeURIComponent(bearer).toLowerCase()}`, 400);
    const failed = await failure(run(connector, callOf(POST, connection, {}, { credential })));
    assert.match(failed.message, /: no .*withheld\], no .*withheld\]$/);
    hides(failed.message);
  });

  test('are made well-formed, and it is said', async () => {
    const said = ['characters of the answer that are no Unicode (lone surrogates) were replaced'];
    answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"note":"cut \\ud83d","\\udc00":1}');
    const structured = { note: 'cut \ufffd', '\ufffd': 1 };
    for (const tool of [POST, httpTool({ method: 'GET', path: '/', project: ['/*'] })])
      assert.deepEqual(await run(connector, call(tool)), {
        text: JSON.stringify(structured),
        structured,
        cut: said,
      });
    answer = (response) => response.writeHead(400).end(`${'x'.repeat(299)}😀`);
    const failed = await failure(run(connector, call(POST)));
    assert.ok(failed.message.isWellFormed());
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
