import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { type Listener, listen, type Route } from './listener.ts';

let counter = 0;
const doors: Doors = {
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  entropy: {
    bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    id: (prefix) => `${prefix}_${++counter}`,
  },
  timers: {
    after: (ms, run) => {
      const timer = setTimeout(run, ms).unref();
      return { cancel: () => clearTimeout(timer) };
    },
    every: (ms, run) => {
      const timer = setInterval(run, ms).unref();
      return { cancel: () => clearInterval(timer) };
    },
  },
};

const logged: string[] = [];
const held: (() => void)[] = [];
let gone: Promise<void> = Promise.resolve();
const routes: Route[] = [
  {
    method: 'POST',
    path: '/echo',
    handle: async (exchange) => exchange.reply(200, { got: await exchange.json() }),
  },
  {
    method: 'GET',
    path: '/things/{id}',
    handle: async () => undefined,
  },
  {
    method: 'GET',
    path: '/named/{id}/part/{part}',
    handle: async (exchange) =>
      exchange.reply(200, { ...exchange.params, q: exchange.url.searchParams.get('q') }),
  },
  { method: 'GET', path: '/page', handle: async (exchange) => exchange.html(200, '<p>hello</p>') },
  {
    method: 'GET',
    path: '/boom',
    handle: async () => {
      throw new TypeError('the password is hunter2');
    },
  },
  {
    method: 'GET',
    path: '/refused',
    handle: async () => {
      throw new SignalboxError('RUN_OVER', 'the run is over');
    },
  },
  {
    method: 'GET',
    path: '/held',
    handle: async (exchange) => {
      gone = new Promise((resolve) => {
        exchange.signal.addEventListener('abort', () => resolve());
      });
      await new Promise<void>((resolve) => held.push(resolve));
      exchange.reply(200, {});
    },
  },
];

let listener: Listener;
before(async () => {
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    routes,
    origins: 'same',
    maxBodyBytes: 1000,
    doors,
    log: (line) => logged.push(line),
    maxConcurrent: 3,
    slow: { headersMs: 300, requestMs: 300 },
  });
});
after(() => listener.close(50));

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function call(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: listener.port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers,
        agent: false,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

/** Writes bytes as they are; what comes back until the other side closes. */
const half = (text: string) =>
  new Promise<string>((resolve) => {
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      got += chunk;
    });
    socket.on('close', () => resolve(got));
    socket.on('error', () => undefined);
  });

const codeOf = (answer: Answer): string => JSON.parse(answer.body).error.code;
const json = { 'content-type': 'application/json' };

test('a non-loopback host without TLS is refused', async () => {
  const options = { port: 0, routes: [], origins: 'none', maxBodyBytes: 1, doors } as const;
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.test'])
    await assert.rejects(listen({ ...options, host, log: () => undefined }), {
      code: 'CONFIG_INVALID',
    });
});

test('answers JSON with security headers', async () => {
  const answer = await call('/echo', { method: 'POST', headers: json, body: '{"a":[1]}' });
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body), { got: { a: [1] } });
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('parameters are decoded, the query is apart, HEAD gives no body', async () => {
  const answer = await call('/named/a%2Fb/part/c?q=1');
  assert.deepEqual(JSON.parse(answer.body), { id: 'a/b', part: 'c', q: '1' });
  assert.equal((await call('/named/%zz/part/c')).status, 400);
  assert.equal((await call('/named//part/c')).status, 404);
  const head = await call('/page', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body], [200, '']);
});

test('a page carries a policy without inline scripts and may not be framed', async () => {
  const { headers } = await call('/page');
  assert.match(
    String(headers['content-security-policy']),
    /script-src 'self'.*frame-ancestors 'none'/,
  );
  assert.equal(headers['x-frame-options'], 'DENY');
});

test('unknown path, wrong method', async () => {
  const missing = await call('/nothing');
  assert.deepEqual([missing.status, codeOf(missing)], [404, 'NOT_FOUND']);
  const wrong = await call('/echo');
  assert.deepEqual(
    [wrong.status, codeOf(wrong), wrong.headers.allow],
    [405, 'METHOD_REFUSED', 'POST'],
  );
});

test('foreign Host and Origin are refused, own ones are taken', async () => {
  const own = `127.0.0.1:${listener.port}`;
  for (const host of ['evil.test', `evil.test:${listener.port}`, '127.0.0.1', '127.0.0.1:1']) {
    const answer = await call('/page', { headers: { host } });
    assert.deepEqual([answer.status, codeOf(answer)], [421, 'HOST_REFUSED'], host);
  }
  for (const host of [own, `localhost:${listener.port}`, `LOCALHOST:${listener.port}`])
    assert.equal((await call('/page', { headers: { host } })).status, 200, host);
  for (const origin of [
    'null',
    'http://evil.test',
    `https://${own}`,
    `http://localhost:${listener.port}`,
  ]) {
    const answer = await call('/page', { headers: { origin } });
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'ORIGIN_REFUSED'], origin);
  }
  assert.equal((await call('/page', { headers: { origin: `http://${own}` } })).status, 200);
  const post = {
    method: 'POST',
    headers: { ...json, 'sec-fetch-site': 'cross-site' },
    body: '{}',
  };
  assert.equal(codeOf(await call('/echo', post)), 'ORIGIN_REFUSED');
});

test('bodies: too large (declared and streamed), not JSON, not UTF-8, compressed, wrong type', async () => {
  const post = (body: string | Buffer, headers: Record<string, string> = json) =>
    call('/echo', { method: 'POST', headers, body });
  const cases: [string, Answer, number][] = [
    ['REQUEST_TOO_LARGE', await post(`"${'x'.repeat(1000)}"`), 413],
    [
      'REQUEST_TOO_LARGE',
      await post(`"${'x'.repeat(5000)}"`, { ...json, 'transfer-encoding': 'chunked' }),
      413,
    ],
    ['REQUEST_MALFORMED', await post('{"a":'), 400],
    ['REQUEST_MALFORMED', await post(Buffer.from([0x22, 0xff, 0x22])), 400],
    ['REQUEST_UNSUPPORTED', await post('{}', { ...json, 'content-encoding': 'gzip' }), 415],
    ['REQUEST_UNSUPPORTED', await post('{}', { 'content-type': 'text/plain' }), 415],
    ['REQUEST_UNSUPPORTED', await post('{}', { 'content-type': 'application/jsonp' }), 415],
  ];
  for (const [code, answer, status] of cases) {
    assert.deepEqual([codeOf(answer), answer.status], [code, status]);
    assert.ok(JSON.parse(answer.body).error.help.length > 0);
  }
  assert.equal(
    (await post('{}', { 'content-type': 'application/json; charset=utf-8' })).status,
    200,
  );
});

test('a fault shows an incident and never its text; the log has it', async () => {
  const answer = await call('/boom');
  assert.equal(answer.status, 500);
  assert.equal(codeOf(answer), 'INTERNAL');
  assert.ok(!answer.body.includes('hunter2'));
  const incident = /inc_\d+/.exec(answer.body)?.[0] ?? 'none';
  assert.ok(logged.some((line) => line.startsWith(incident)));
  const refused = await call('/refused');
  assert.deepEqual([refused.status, codeOf(refused)], [403, 'RUN_OVER']);
  assert.equal(codeOf(await call('/things/1')), 'INTERNAL');
});

test('slow headers and slow bodies end with REQUEST_TOO_SLOW', async () => {
  const head = `POST /echo HTTP/1.1\r\nhost: 127.0.0.1:${listener.port}\r\ncontent-type: application/json\r\n`;
  const [headers, body, garbage] = await Promise.all([
    half(head),
    half(`${head}content-length: 100\r\n\r\n{"a":`),
    half('this is not http\r\n\r\n'),
  ]);
  assert.match(headers, /^HTTP\/1\.1 408 [\s\S]*REQUEST_TOO_SLOW/);
  assert.match(body, /^HTTP\/1\.1 408 [\s\S]*REQUEST_TOO_SLOW/);
  assert.match(garbage, /^HTTP\/1\.1 400 [\s\S]*REQUEST_MALFORMED/);
});

test('no host, an expectation, a tunnel: each says why, in the form of every refusal', async () => {
  const host = `host: 127.0.0.1:${listener.port}\r\n`;
  const [nameless, expecting, foreign, tunnel] = await Promise.all([
    half('GET /page HTTP/1.1\r\nconnection: close\r\n\r\n'),
    half(`GET /page HTTP/1.1\r\n${host}expect: wonders\r\nconnection: close\r\n\r\n`),
    half('GET /page HTTP/1.1\r\nhost: evil.test\r\nexpect: a\r\nconnection: close\r\n\r\n'),
    half(`CONNECT evil.test:443 HTTP/1.1\r\n${host}\r\n`),
  ]);
  assert.match(nameless, /^HTTP\/1\.1 400 [\s\S]*REQUEST_MALFORMED[\s\S]*"help"/);
  assert.match(expecting, /^HTTP\/1\.1 417 [\s\S]*EXPECTATION_REFUSED[\s\S]*"help"/);
  assert.match(foreign, /^HTTP\/1\.1 421 [\s\S]*HOST_REFUSED/);
  assert.match(tunnel, /^HTTP\/1\.1 405 [\s\S]*METHOD_REFUSED[\s\S]*"help"/);
});

test('more than the maximum at once: OVERLOADED with retry-after, and room again afterwards', async () => {
  const running = [call('/held'), call('/held'), call('/held')];
  while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
  const refused = await call('/page');
  assert.deepEqual(
    [refused.status, codeOf(refused), refused.headers['retry-after']],
    [429, 'OVERLOADED', '1'],
  );
  for (const release of held.splice(0)) release();
  await Promise.all(running);
  assert.equal((await call('/page')).status, 200);
});

test('the signal aborts when the caller goes away', async () => {
  const request = httpRequest({
    host: '127.0.0.1',
    port: listener.port,
    path: '/held',
    agent: false,
  });
  request.on('error', () => undefined);
  request.end();
  while (held.length < 1) await new Promise((resolve) => setImmediate(resolve));
  request.destroy();
  await gone;
  for (const release of held.splice(0)) release();
});
