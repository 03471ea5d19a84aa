import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bundleOf, done, type Stage, send, startStage } from './testing/stage.ts';

/** Sessions, streams and subscriptions on the wire. */

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

async function begin(version = '2025-11-25', at = stage): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'c' } };
  const { headers } = await at.speak({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const id = String(headers['mcp-session-id']);
  assert.match(id, /^[\x21-\x7e]+$/);
  return { 'mcp-session-id': id, 'mcp-protocol-version': version };
}

const say = (headers: Record<string, string>, method: string, params: object = {}, id = 1) =>
  stage.speak({ jsonrpc: '2.0', id, method, params }, headers);
const PLAIN = { name: 'plain', arguments: {} };

test('a session lives until it is ended, and for its own caller only', async () => {
  const session = await begin();
  assert.equal((await say(session, 'ping')).status, 200);
  assert.equal((await say({ ...session, authorization: 'Bearer two' }, 'ping')).status, 404);
  assert.equal((await say({ ...session, 'mcp-session-id': 'forged' }, 'ping')).status, 404);
  assert.equal(
    (await say({ ...session, 'mcp-protocol-version': '2025-06-18' }, 'ping')).status,
    400,
  );
  assert.equal((await send(stage.url, 'DELETE', null, session)).status, 200);
  for (const method of ['GET', 'DELETE'])
    assert.equal((await send(stage.url, method, null, session)).status, 404, method);
  assert.equal((await say(session, 'ping')).status, 404);
  // without one, all goes as it did
  assert.equal((await say({}, 'ping')).status, 200);
  assert.equal((await send(stage.url, 'GET', null)).status, 405);
  const modern = { 'mcp-protocol-version': '2026-07-28' };
  assert.equal((await send(stage.url, 'GET', null, { ...session, ...modern })).status, 405);
});

test('progress under the client’s token, log lines by its level, nothing after the answer', async () => {
  let late: (() => Promise<void>) | null = null;
  stage.act(async (_proposal, sink) => {
    const tell = (method: string, params: object) =>
      sink.tell({ method: `notifications/${method}`, params: params as never });
    for (const progress of [0, 50, 50, 10, 100])
      await tell('progress', { progressToken: 9, progress });
    for (const level of ['debug', 'info', 'error']) await tell('message', { level, data: level });
    late = () => tell('progress', { progress: 200 });
    return done({ content: [] });
  });
  const session = await begin();
  await say(session, 'logging/setLevel', { level: 'error' });
  const heard = await say(session, 'tools/call', { ...PLAIN, _meta: { progressToken: 'mine' } });
  assert.equal(heard.headers['x-accel-buffering'], 'no');
  const told: unknown[] = [];
  for (let message = await heard.next(); message !== null; message = await heard.next())
    told.push(message.params?.progress ?? message.params?.data ?? message.result);
  await (late as unknown as () => Promise<void>)();
  assert.deepEqual(told, [0, 50, 100, 'error', { content: [] }]);
  assert.match(heard.raw[0] ?? '', /^id: \S+\nretry: \d+\ndata: $/);

  const modern = (meta: object) => stage.modern('tools/call', PLAIN, { meta: meta as never });
  const quiet = await modern({});
  assert.match(String(quiet.headers['content-type']), /json/);
  const loud = await modern({ 'io.modelcontextprotocol/logLevel': 'info' });
  assert.deepEqual(
    [(await loud.next()).params.level, (await loud.next()).params.level],
    ['info', 'error'],
  );
  assert.doesNotMatch(loud.raw[0] ?? '', /^id:/);
});

test('a client comes back to the stream of its call by its last event id', async () => {
  const go = Promise.withResolvers<void>();
  stage.act(async (_proposal, sink) => {
    await sink.tell({ method: 'notifications/message', params: { level: 'error', data: 1 } });
    await go.promise;
    await sink.tell({ method: 'notifications/message', params: { level: 'error', data: 2 } });
    return done({ content: ['end'] });
  });
  const session = await begin();
  const heard = await say(session, 'tools/call', PLAIN);
  assert.equal((await heard.next()).params.data, 1);
  const last = /^id: (\S+)/.exec(heard.raw.at(-1) ?? '')?.[1] ?? '';
  heard.hangUp();
  const other = await begin();
  const stolen = await send(stage.url, 'GET', null, { ...other, 'last-event-id': last });
  const back = await send(stage.url, 'GET', null, { ...session, 'last-event-id': last });
  go.resolve();
  assert.equal((await back.next()).params.data, 2);
  assert.deepEqual((await back.next()).result.content, ['end']);
  assert.equal(
    stolen.raw.some((event) => event.includes('end')),
    false,
  );
  stolen.hangUp();
});

test('an older session without event ids: closing the stream cancels the call', async () => {
  const cancelled = Promise.withResolvers<boolean>();
  stage.act(async ({ signal }, sink) => {
    await sink.tell({ method: 'notifications/message', params: { level: 'error', data: 1 } });
    signal?.addEventListener('abort', () => cancelled.resolve(true));
    await cancelled.promise;
    return done({ content: [] });
  });
  const heard = await say(await begin('2025-06-18'), 'tools/call', PLAIN);
  await heard.next();
  heard.hangUp();
  assert.equal(await cancelled.promise, true);
});

test('the stream of a session tells what changed, and what was watched', async () => {
  stage.act(async () => done({}));
  const session = await begin();
  const stream = await send(stage.url, 'GET', null, session);
  await (await say(session, 'resources/subscribe', { uri: 'notes+memo://1' })).next();
  stage.surface.changed({ connection: 'notes', what: 'resource', uri: 'notes+memo://2' });
  stage.surface.changed({ connection: 'notes', what: 'resource', uri: 'notes+memo://1' });
  const updated = await stream.next();
  assert.deepEqual(
    [updated.method, updated.params.uri],
    ['notifications/resources/updated', 'notes+memo://1'],
  );
  stage.surface.changed({ connection: 'elsewhere', what: 'tools' });
  stage.surface.changed({ connection: 'files', what: 'tools' });
  assert.equal((await stream.next()).method, 'notifications/tools/list_changed');
  stage.apply(bundleOf({}, 'f'.repeat(64)));
  const lists = [await stream.next(), await stream.next(), await stream.next()];
  assert.deepEqual(
    lists.map(({ method }) => method.split('/')[1]),
    ['tools', 'prompts', 'resources'],
  );
  stream.hangUp();
});

test('subscriptions/listen: acknowledged first, filtered, tagged, ended with a result', async () => {
  stage.act(async ({ arguments: { uri } }) =>
    uri === 'notes+memo://1'
      ? done({})
      : ({ kind: 'refused', refusal: { code: 'X', reasons: [] } } as never),
  );
  const stream = await stage.modern('subscriptions/listen', {
    notifications: { toolsListChanged: true, resourceSubscriptions: ['notes+memo://1', 'no://1'] },
  });
  const ack = await stream.next();
  assert.equal(ack.method, 'notifications/subscriptions/acknowledged');
  assert.deepEqual(ack.params.notifications, {
    toolsListChanged: true,
    resourceSubscriptions: ['notes+memo://1'],
  });
  const about = 'io.modelcontextprotocol/subscriptionId';
  stage.surface.changed({ connection: 'notes', what: 'prompts' });
  stage.surface.changed({ connection: 'notes', what: 'resource', uri: 'notes+memo://1' });
  const updated = await stream.next();
  assert.equal(updated.method, 'notifications/resources/updated');
  assert.equal(updated.params._meta[about], ack.params._meta[about]);
  stage.surface.hush();
  const end = await stream.next();
  assert.deepEqual([end.id, end.result.resultType], [ack.params._meta[about], 'complete']);
  assert.equal(await stream.next(), null);
});

test('a stream whose token is revoked is dropped and told nothing', async () => {
  const own = await startStage();
  const stream = await own.modern('subscriptions/listen', {
    notifications: { toolsListChanged: true },
  });
  await stream.next();
  own.revoke();
  own.surface.changed({ connection: 'files', what: 'tools' });
  assert.equal(await stream.next(), null);
  await own.close();
});

test('a halt closes the streams in its scope at once, and no other', async () => {
  const own = await startStage();
  const listen = { notifications: { toolsListChanged: true } };
  const [first, second] = [
    await own.modern('subscriptions/listen', listen),
    await own.modern('subscriptions/listen', listen, { headers: { authorization: 'Bearer two' } }),
  ];
  await Promise.all([first.next(), second.next()]);
  assert.deepEqual(
    ['agent:other', 'tool:write', 'connection:files'].map((scope) => own.halt(scope)),
    [0, 0, 0],
  );
  assert.equal(own.halt('agent:coder'), 2);
  assert.deepEqual(await Promise.all([first.next(), second.next()]), [null, null]);
  await own.close();
});

test('too many calls at once are refused, and that is a fact of the ledger', async () => {
  const own = await startStage();
  const go = Promise.withResolvers<void>();
  own.act(async () => {
    await go.promise;
    return done({ content: [] });
  });
  const eighth = Promise.withResolvers<void>();
  let refused = 0;
  const calls = Array.from({ length: 40 }, async () => {
    const { status } = await own.modern('tools/call', PLAIN);
    if (status === 429 && ++refused === 8) eighth.resolve();
    return status;
  });
  await eighth.promise;
  go.resolve();
  const statuses = await Promise.all(calls);
  assert.equal(statuses.filter((status) => status === 200).length, 32);
  assert.equal(own.notes[0]?.refused, 1);
  await own.close();
});

test('streams leave room for calls: one too many of a caller is refused until another is closed', async (t) => {
  const own = await startStage();
  t.after(() => own.close());
  own.act(async () => done({ content: [] }));
  const open = async () => send(own.url, 'GET', null, await begin('2025-06-18', own));
  const streams = await Promise.all(Array.from({ length: 256 }, open));
  assert.equal(streams.filter(({ status }) => status === 200).length, 256);
  const more = await open();
  assert.equal(more.status, 429);
  assert.match(more.raw.join() || JSON.stringify(await more.next()), /256 streams of this caller/);
  assert.equal((await own.modern('tools/call', PLAIN)).status, 200);
  streams[0]?.hangUp();
  for (let again = await open(); again.status !== 200; again = await open());
});
