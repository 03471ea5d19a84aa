import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connector } from '../../domain/connector.ts';
import { NO_SINK } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
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
    const flight = await connector.begin(callOf(POST, connectionTo(target.url)), NO_SINK);
    assert.equal(flight.measured, null);
    await flight.cancel();
    const preview = callOf(POST, connectionTo(target.url), {}, { purpose: 'preview' });
    const previewed = await connector.begin(preview, NO_SINK);
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

test('a target that is not there did nothing', async () => {
  const target = await startTarget(() => {});
  await target.close();
  const connector = createHttpConnector(realDoors());
  const failed = await failure(run(connector, callOf(POST, connectionTo(target.url))));
  assert.deepEqual([failed.code, failed.effect], ['CONNECTOR_UNREACHABLE', 'none']);
  await connector.close();
});

test('calls share sockets, and one that is aborted while it waits is never sent', async (t) => {
  const release: (() => void)[] = [];
  const target = await startTarget((response, { method }) => {
    if (method === 'GET') release.push(() => json(response, {}));
    else json(response, {});
  });
  const connector = createHttpConnector(realDoors());
  t.after(() => Promise.all([connector.close(), target.close()]));
  const connection = connectionTo(target.url);
  const running = Array.from({ length: 64 }, () => run(connector, callOf(GET, connection)));
  while (target.seen.length < 64) await new Promise((done) => setImmediate(done));
  const controller = new AbortController();
  const queued = await connector.begin(
    callOf(POST, connection, {}, { signal: controller.signal }),
    NO_SINK,
  );
  const waiting = failure(queued.finish());
  controller.abort();
  assert.deepEqual([(await waiting).code, (await waiting).effect], ['CONNECTOR_ABORTED', 'none']);
  for (const go of release.splice(0)) go();
  await Promise.all(running);
  const last = run(connector, callOf(GET, connection));
  while (release.length === 0) await new Promise((done) => setImmediate(done));
  release[0]?.();
  await last;
  assert.equal(target.seen.filter(({ method }) => method === 'POST').length, 0);
});

describe('what is sent again', () => {
  const KEYED = { path: '/things', idempotencyHeader: 'idempotency-key', retries: 2 };
  async function tried(binding: JsonObject, statuses: (number | 'cut')[], signal?: AbortSignal) {
    const left = [...statuses];
    const target = await startTarget((response) => {
      const status = left.shift() ?? 200;
      if (status === 'cut') response.destroy();
      else json(response, {}, status);
    });
    const connector = createHttpConnector(realDoors());
    const more = signal === undefined ? {} : { signal };
    const outcome = await run(
      connector,
      callOf(httpTool(binding), connectionTo(target.url), {}, more),
    )
      .then(() => 'done')
      .catch(({ code }: { code: string }) => code);
    await connector.close();
    await target.close();
    return { outcome, keys: target.seen.map(({ headers }) => headers['idempotency-key']) };
  }
  test('is a PUT or DELETE with a key, and the key stays the same', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const { outcome, keys } = await tried({ method, ...KEYED }, ['cut', 503, 200]);
      assert.deepEqual([outcome, keys], ['done', ['act_fixture', 'act_fixture', 'act_fixture']]);
    }
    const given = await tried({ method: 'PUT', ...KEYED }, [502, 502, 502, 200]);
    assert.deepEqual([given.outcome, given.keys.length], ['CONNECTOR_REFUSED', 3]);
  });
  test('is nothing else', async () => {
    const once: JsonObject[] = [
      { method: 'POST', ...KEYED },
      { method: 'PATCH', ...KEYED },
      { method: 'GET', ...KEYED },
      { method: 'PUT', path: '/things', retries: 2 },
      { method: 'DELETE', path: '/things', idempotencyHeader: 'idempotency-key' },
    ];
    for (const binding of once)
      for (const first of ['cut', 503] as const)
        assert.equal((await tried(binding, [first])).keys.length, 1, JSON.stringify(binding));
    for (const status of [400, 404, 409, 429, 500, 302])
      assert.equal((await tried({ method: 'PUT', ...KEYED }, [status])).keys.length, 1);
  });
  test('is nothing that was aborted', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const { outcome, keys } = await tried(
      { method: 'PUT', ...KEYED },
      ['cut', 'cut', 'cut'],
      controller.signal,
    );
    assert.equal(outcome, 'CONNECTOR_ABORTED');
    assert.ok(keys.length <= 1);
  });
});
