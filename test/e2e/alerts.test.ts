/** Alerts at a real receiver: signed, with a stable id, repeated until taken, silent about what they may not say. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { Webhooks } from '../../src/boundary/webhook.ts';
import { act } from '../../src/broker/act.ts';
import { Alerts, signatureOf } from '../../src/broker/alerts.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { ALERT_EVENTS, type AlertTarget } from '../../src/domain/alert.ts';
import { AUTOMATIC } from '../../src/domain/halt.ts';
import { openWorld, type PropertyWorld } from '../properties/world.ts';

interface Heard {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const SECRET = 'a-secret-of-the-test';
let server: Server;
let heard: Heard[] = [];
let answers: number[] = [];

before(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      heard.push({ headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answers.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  heard = [];
  answers = [];
});
after(() => server.close());

/** Waits shorter than the real ones, so that ten tries pass while the test lasts. */
function alertsOf(world: PropertyWorld, more: Partial<AlertTarget> = {}) {
  const { doors, store, bundles } = world.broker;
  const webhooks = new Webhooks(doors.timers);
  const known = new KnownSecrets();
  known.add(SECRET, true);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=1`;
  const target: AlertTarget = {
    ...{ name: 'pager', url, secret: 'pager', allowPrivate: true, events: ALERT_EVENTS },
    ...more,
  };
  const soon = {
    ...doors.timers,
    after: (ms: number, run: () => void) => doors.timers.after(ms / 100, run),
  };
  const alerts = new Alerts({
    doors: { ...doors, timers: soon },
    store,
    bundles: { active: async () => ({ ...(await bundles.active()), alerts: [target] }) },
    secret: async () => SECRET,
    redact: (facts) => known.json(facts),
    post: (delivery) => webhooks.post(delivery),
    log: (line) => world.logged.push(line),
  });
  return {
    alerts,
    broker: { ...world.broker, alerts } satisfies Broker,
    close: () => webhooks.close(),
  };
}

test('a halt is told when it is raised, inert and lifted; the receiver can check who says so', async (t) => {
  const world = await openWorld(t);
  const { broker, close } = alertsOf(world);
  t.after(close);
  const ann = await world.run('ann');
  await act(broker, { runId: ann, tool: 'look', arguments: { note: 'argument-77' }, via: 'test' });
  const scope = 'agent:ann';
  await halt(broker, { scope, reason: 'words of an operator', by: 'olga' });
  await resume(broker, { scope, reason: 'words of another', by: 'dana' });
  await until(() => heard.length === 3);
  const told = heard.map(({ body }) => JSON.parse(body));
  assert.deepEqual(told.map(({ event }) => event).toSorted(), [
    'halt.inert',
    'halt.lifted',
    'halt.raised',
  ]);
  for (const { headers, body } of heard) {
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    assert.equal(signature, `v1,${signatureOf(SECRET, `${id}.${at}.${body}`)}`);
    assert.equal(JSON.parse(body).id, id);
    for (const word of ['words of', 'argument-77', SECRET, 'canary'])
      assert.ok(!body.includes(word), `it says \`${word}\``);
  }
});

test('what is refused comes again under the same id; what is not taken ends as a note', async (t) => {
  const world = await openWorld(t);
  const { alerts, close } = alertsOf(world);
  t.after(close);
  answers = [500, 302, 200];
  alerts.tell('overload', { refused: 3 });
  await until(() => heard.length === 3);
  assert.equal(new Set(heard.map(({ headers }) => headers['webhook-id'])).size, 1);
  assert.equal(new Set(heard.map(({ body }) => body)).size, 1);
  answers = Array.from({ length: 10 }, () => 503);
  alerts.tell('drill.failed', { drill: 'd1' });
  await until(() => alerts.standing.undelivered === 1);
  assert.equal(heard.length, 13);
  let note = '';
  for (let tries = 0; tries < 100 && !note.includes('alert.undelivered'); tries++)
    note = (await world.store.timeline('system', 0, 1_000)).at(-1)?.body ?? '';
  assert.match(note, /the receiver answered 503.*alert\.undelivered/);
});

test('a secret that somebody wrote into what is told goes nowhere, and what is sent is what was signed', async (t) => {
  const world = await openWorld(t);
  const { alerts, close } = alertsOf(world);
  t.after(close);
  const dressed = Buffer.from(SECRET).toString('base64');
  alerts.tell('overload', { by: `olga ${SECRET}`, [SECRET]: [dressed], plain: 'stays' });
  await until(() => heard.length === 1);
  const [{ headers, body } = { headers: {} as Record<string, string>, body: '' }] = heard;
  assert.ok(!body.includes(SECRET) && !body.includes(dressed), body);
  assert.equal(JSON.parse(body).facts.plain, 'stays');
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
  assert.equal(signature, `v1,${signatureOf(SECRET, `${id}.${at}.${body}`)}`);
});

test('the same key is told once in five minutes, and others than those asked for never', async (t) => {
  const world = await openWorld(t);
  const { alerts, close } = alertsOf(world, { events: ['lease.irrevocable'] });
  t.after(close);
  for (let n = 0; n < 5; n++) alerts.tell('lease.irrevocable', { lease: 'l1' }, 'l1');
  alerts.tell('overload', {});
  alerts.tell('lease.irrevocable', { lease: 'l2' }, 'l2');
  await until(() => heard.length === 2);
  assert.deepEqual(heard.map(({ body }) => JSON.parse(body).facts.lease).toSorted(), ['l1', 'l2']);
});

test('it goes nowhere where a connection may not go', async (t) => {
  const world = await openWorld(t);
  for (const more of [
    { allowPrivate: false },
    { allowPrivate: false, url: 'https://127.0.0.1:1/x' },
    { url: 'https://169.254.169.254/x' },
  ]) {
    const { alerts, close } = alertsOf(world, more);
    alerts.tell('overload', {});
    await until(() => alerts.standing.undelivered === 1);
    assert.match(alerts.standing.why ?? '', /EGRESS_REFUSED/);
    await close();
  }
  assert.equal(heard.length, 0);
});

test('a flood is bounded, and who tells never waits', async (t) => {
  const world = await openWorld(t);
  const { alerts, close } = alertsOf(world);
  t.after(close);
  answers = Array.from({ length: 5_000 }, () => 500);
  for (let n = 0; n < 600; n++) alerts.tell('overload', { n });
  await until(() => alerts.standing.undelivered >= 344);
  assert.ok(alerts.standing.waiting <= 256);
  alerts.close();
});

test('too many refusals of one kind halt the run by `automatic`, told and recorded; others go on', async (t) => {
  const world = await openWorld(t);
  await world.apply(() => ({
    automaticHalts: { denials: { count: 3, seconds: 60, halts: 'run' } },
  }));
  const { broker, close } = alertsOf(world);
  t.after(close);
  const [ann, bob] = [await world.run('ann'), await world.run('bob')];
  const nothing = () => act(broker, { runId: ann, tool: 'nothing', arguments: {}, via: 'test' });
  for (let n = 0; n < 3; n++) assert.equal((await nothing()).kind, 'refused');
  await until(() => heard.some(({ body }) => body.includes('halt.automatic')));
  const { halts } = await world.store.haltState();
  assert.deepEqual(
    halts.map(({ scope, by, reason }) => [scope, by, reason]),
    [[`run:${ann}`, AUTOMATIC, '3 refusals for the same reason (NOT_GRANTED) within 60 s']],
  );
  const look = await act(broker, { runId: ann, tool: 'look', arguments: {}, via: 'test' });
  assert.ok(look.kind === 'refused' && look.refusal.code === 'HALTED');
  const other = await act(broker, { runId: bob, tool: 'look', arguments: {}, via: 'test' });
  assert.equal(other.kind, 'done');
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 800 && !holds(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  assert.ok(holds(), 'it never came to be');
}
