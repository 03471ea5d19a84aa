import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Resolve } from '../../boundary/egress.ts';
import { reachOf } from '../../boundary/outbound.ts';
import type { Connection } from '../../domain/bundle.ts';
import { ConnectorFailure, NO_SINK } from '../../domain/connector.ts';
import { realDoors } from '../../doors.ts';
import { capFor } from '../../tools/caps.ts';
import { createHttpConnector } from './connector.ts';
import {
  callOf,
  connectionTo,
  httpTool,
  json,
  startTarget,
  type TestTarget,
} from './testing/target.ts';

const cap = capFor('write', 'none', {}, true);
const GET = httpTool({ method: 'GET', path: '/inside' }, { cap });
const POST = httpTool({ method: 'POST', path: '/inside' }, { cap });

let target: TestTarget;
before(async () => {
  target = await startTarget((response) => json(response, {}));
});
after(() => target.close());

/** Calls once through a connector whose names resolve to what `answers` says, one answer after the other. */
async function attempt(
  connection: Connection,
  answers: readonly (readonly string[])[] = [],
  tool = GET,
): Promise<string> {
  let asked = 0;
  const resolve: Resolve = async () => answers[Math.min(asked++, answers.length - 1)] ?? [];
  const connector = createHttpConnector(realDoors(), { resolve });
  try {
    const flight = await connector.begin(callOf(tool, connection), NO_SINK);
    await flight.finish();
    return 'reached';
  } catch (error) {
    assert.ok(error instanceof ConnectorFailure, String(error));
    assert.equal(error.effect, 'none');
    return error.code;
  } finally {
    await connector.close();
  }
}

const named = (settings = {}) => connectionTo(`http://name.example:${target.port}`, settings);
const open = { allowPrivate: false };

test('a private network is reached only where the connection says so, and then the address that was checked', async () => {
  const sent = target.seen.length;
  assert.equal(await attempt(connectionTo(target.url, open)), 'EGRESS_REFUSED');
  assert.equal(await attempt(named(open), [['127.0.0.1']]), 'EGRESS_REFUSED');
  assert.equal(target.seen.length, sent);
  assert.equal(await attempt(connectionTo(target.url)), 'reached');
  assert.equal(await attempt(named(), [['127.0.0.1']]), 'reached');
  assert.equal(target.seen.at(-1)?.headers.host, `name.example:${target.port}`);
});

for (const address of [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.5.5',
  '192.168.1.1',
  '100.64.0.1',
  '0.0.0.0',
  '169.254.169.254',
  '::1',
  '::',
  'fd00::1',
  'fe80::1',
  '::ffff:127.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '224.0.0.1',
  'not-an-address',
])
  test(`a name that answers \`${address}\` is not followed`, async () => {
    const sent = target.seen.length;
    for (const tool of [GET, POST])
      assert.equal(await attempt(named(open), [[address]], tool), 'EGRESS_REFUSED');
    assert.equal(target.seen.length, sent);
  });

for (const url of [
  'http://[::1]',
  'http://[::ffff:7f00:1]',
  'http://2130706433',
  'http://0x7f.1',
  'http://0177.0.0.1',
])
  test(`the literal \`${url}\` is not followed`, async () => {
    assert.equal(await attempt(connectionTo(`${url}:${target.port}`, open)), 'EGRESS_REFUSED');
  });

test('metadata services and link-local addresses are never reached, private networks allowed or not', async () => {
  for (const address of [
    '169.254.169.254',
    'fd00:ec2::254',
    '168.63.129.16',
    '100.100.100.200',
    'fe80::1',
    '::ffff:169.254.169.254',
  ])
    for (const settings of [open, {}])
      assert.equal(await attempt(named(settings), [[address]]), 'EGRESS_REFUSED', address);
});

test('a name that mixes public and private answers is not followed at all', async () => {
  assert.equal(await attempt(named(open), [['93.184.216.34', '127.0.0.1']]), 'EGRESS_REFUSED');
  assert.equal(await attempt(named(), [['127.0.0.1', '93.184.216.34']]), 'EGRESS_REFUSED');
  assert.equal(await attempt(named(open), [[]]), 'CONNECTOR_UNREACHABLE');
});

test('a name that changes its answer gains nothing: each connect is checked, and asks once', async () => {
  let asked = 0;
  const answers = [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1']];
  const resolve: Resolve = async () => answers[asked++] ?? [];
  const connector = createHttpConnector(realDoors(), { resolve });
  const connection = named();
  const call = async () => (await connector.begin(callOf(GET, connection), NO_SINK)).finish();
  await call();
  await new Promise((done) => setImmediate(done)); // the socket is free once its answer was taken
  await call();
  assert.equal(asked, 1, 'an open socket needs no second answer');
  await connector.close();
  const fresh = createHttpConnector(realDoors(), { resolve });
  const flight = await fresh.begin(callOf(GET, connection), NO_SINK);
  await assert.rejects(flight.finish(), { code: 'EGRESS_REFUSED' });
  assert.equal(asked, 2);
  await fresh.close();
});

test('a socket that one connection opened is not used by another that may not go there', async () => {
  const connector = createHttpConnector(realDoors());
  const call = async (connection: Connection) =>
    (await connector.begin(callOf(GET, connection), NO_SINK)).finish();
  await call(connectionTo(target.url));
  await assert.rejects(call(connectionTo(target.url, open)), { code: 'EGRESS_REFUSED' });
  await call(connectionTo(target.url));
  await connector.close();
});

test('a redirect is not followed, wherever it leads', async () => {
  const lure = await startTarget((response) =>
    response.writeHead(302, { location: `${target.url}/inside` }).end(),
  );
  const sent = target.seen.length;
  assert.equal(await attempt(connectionTo(lure.url)), 'CONNECTOR_REFUSED');
  assert.equal(target.seen.length, sent);
  await lure.close();
});

test('`allowPrivate` promises a private address, unless the host is the organisation’s own and encrypted', () => {
  const reach = (url: string, settings: object) => {
    const connection = connectionTo(url, { ...settings });
    return reachOf(connection, new URL(url));
  };
  assert.equal(reach('https://api.example', { allowPrivate: false, inside: true }), 'public');
  assert.equal(reach('https://api.example', { allowPrivate: true, inside: false }), 'private');
  assert.equal(reach('http://api.example', { allowPrivate: true, inside: true }), 'private');
  assert.equal(reach('https://api.example', { allowPrivate: true, inside: true }), 'any');
});

test('no more bytes leave the organisation than the cap says; inside nothing leaves', async () => {
  const tool = httpTool(
    { method: 'POST', path: '/x', body: 'x'.repeat(100) },
    { cap: capFor('write', 'none', { bytesOut: 50 }) },
  );
  const sent = target.seen.length;
  assert.equal(await attempt(named(open), [['127.0.0.1']], tool), 'CONNECTOR_REFUSED');
  assert.equal(target.seen.length, sent);
  assert.equal(await attempt(named(), [['127.0.0.1']], tool), 'reached');
});

test('a target without its certificate is not spoken to', async () => {
  const sent = target.seen.length;
  const url = `https://127.0.0.1:${target.port}`;
  assert.equal(await attempt(connectionTo(url), [], POST), 'CONNECTOR_UNREACHABLE');
  assert.equal(target.seen.length, sent);
});
