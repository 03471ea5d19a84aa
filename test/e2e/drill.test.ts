import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DrillReport } from '../../src/domain/drill.ts';
import { type DrillFile, readDrillFile, verifyDrill } from '../../src/ledger/drill-file.ts';
import { readVerifier, signingKey } from '../../src/ledger/signed-note.ts';
import { type System, startSystem } from '../../src/system.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';
import { closeConnections, member, send } from '../crash/wire.ts';

/** `signalbox drill` on a whole Signalbox: a canary that works, a halt that stops it, a report that can be believed. */

const host = '127.0.0.1';
let folder: string;
let system: System;
let operator: Operator;
let blind = false;
const touched = { last: 0, touches: 0 };

const site = createServer((request, response) => {
  if (request.url === '/touch') {
    touched.last = Date.now();
    touched.touches++;
  }
  const sight = blind ? { sorry: true } : { now: Date.now(), last: touched.last };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(request.url === '/look' ? sight : {}));
});

function configText(url: string): string {
  return `
version: 1
organisation: { name: acme }
connections:
  site: { kind: http, url: "${url}", allowPrivate: true, secret: site-token }
tools:
  touch: { connection: site, description: Touches, http: { method: GET, path: /touch } }
  look: { connection: site, description: Looks, http: { method: GET, path: /look } }
  mark: { connection: site, description: Marks, http: { method: POST, path: /mark } }
agents:
  canary: { owner: dana@acme.example }
  watcher: { owner: dana@acme.example }
  worker: { owner: dana@acme.example }
grants:
  - { agent: canary, tools: [touch], rung: read }
  - { agent: canary, tools: [mark], rung: approve }
  - { agent: watcher, tools: [look], rung: read }
  - { agent: worker, tools: [look], rung: read }
drill: { hours: 24, agent: canary, witness: watcher, connection: site, touch: touch, look: look, ask: mark }
`;
}

before(async () => {
  await new Promise<void>((resolve) => site.listen(0, host, resolve));
  folder = await mkdtemp(join(tmpdir(), 'signalbox-drill-'));
  system = await startSystem({
    directory: join(folder, 'data'),
    agents: { host, port: 0 },
    operators: { host, port: 0 },
    log: () => {},
  });
  const at = system.operatorsUrl;
  operator = await claimOperator(at, system.setupCode ?? '');
  await operator.secret(at, 'site-token', 'a-token-of-the-site-0123456789');
  await operator.planAndApply(
    at,
    configText(`http://${host}:${(site.address() as AddressInfo).port}`),
  );
});

after(async () => {
  await system.close();
  await closeConnections();
  await new Promise((resolve) => site.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function drilled(agent = ''): Promise<DrillReport> {
  const reply = await send('POST', `${system.operatorsUrl}/api/drills`, operator.key, { agent });
  assert.equal(reply?.status, 200, JSON.stringify(reply?.body));
  return reply.body.report as unknown as DrillReport;
}

const get = async (path: string) =>
  (await send('GET', `${system.operatorsUrl}${path}`, operator.key))?.body ?? {};

test('the canary is halted for real: timed, tried again, seen at the target, set free, kept', async () => {
  const report = await drilled();
  assert.deepEqual(report.problems, []);
  assert.equal(report.ok, true);
  assert.ok(touched.touches >= 3, 'it did work before');
  const { gateMs, inflightMs, issuerMs, effectMs } = report.parts;
  for (const ms of [gateMs, inflightMs, issuerMs, effectMs]) assert.equal(typeof ms, 'number');
  assert.equal(
    report.timeToInertMs,
    Math.max(...[gateMs, inflightMs, issuerMs, effectMs].map(Number)),
  );
  assert.deepEqual(
    report.probes.filter(({ held }) => !held),
    [],
  );
  const names = report.probes.map(({ name }) => name);
  for (const name of [
    'agent token',
    'sub-agent token',
    'refresh',
    'a new run',
    'open stream',
    'the approved call',
  ])
    assert.ok(names.includes(name), name);
  assert.ok(report.credentials.length > 0);
  for (const { verdict } of report.credentials) assert.equal(verdict, 'not-revocable');
  const { halts } = (await get('/api/halts')) as { halts: unknown[] };
  assert.deepEqual(halts, [], 'the canary is free again');
  const listed = await get('/api/drills');
  assert.equal(member(listed, 'health', 'state'), 'fresh');
  assert.equal((await get('/api/ledger/verify')).ok, true);
});

test('a report is believed by the key of the ledger and its head, and one changed byte is found', async () => {
  const report = await drilled();
  const early = readDrillFile(JSON.stringify(await get(`/api/drills/${report.id}`)));
  assert.deepEqual(JSON.parse(early.report), report);
  const key = readVerifier(early.key ?? '');
  assert.equal(verifyDrill(early, key, null).report.id, report.id);
  const { store } = system.broker;
  await store.commit({ kind: 'ledger.seal', most: 1_024, sign: true, at: Date.now() });
  const file = readDrillFile(JSON.stringify(await get(`/api/drills/${report.id}`)));
  assert.ok((verifyDrill(file, key, null).sealed ?? 0) > 0, 'the ledger holds it');

  const better = file.report.replace(/"timeToInertMs":\d+/, '"timeToInertMs":1');
  const forged = (change: Partial<DrillFile>, code: string): void =>
    assert.throws(() => verifyDrill({ ...file, ...change }, key, null), { code });
  forged({ report: better }, 'SIGNATURE_INVALID');
  forged({ signature: null }, 'DRILL_FORGED');
  forged({ drill: 'drill_another' }, 'DRILL_FORGED');
  const other = (await drilled()).id;
  await store.commit({ kind: 'ledger.seal', most: 1_024, sign: true, at: Date.now() });
  const another = readDrillFile(JSON.stringify(await get(`/api/drills/${other}`)));
  forged({ proof: another.proof }, 'DRILL_FORGED');
  const stranger = signingKey('signalbox/ledger/other', new Uint8Array(32).fill(7)).verifier;
  assert.throws(() => verifyDrill(file, readVerifier(stranger), null), {
    code: 'SIGNATURE_INVALID',
  });
  assert.throws(() => readDrillFile('{}'), { code: 'DRILL_FORGED' });
});

test('a target that says nothing of what it saw fails the drill, and that is kept and told', async () => {
  blind = true;
  const report = await drilled();
  blind = false;
  assert.equal(report.ok, false);
  assert.ok(
    report.problems.some((text) => text.includes('`now` and `last`')),
    String(report.problems),
  );
  assert.equal(member(await get('/api/drills'), 'health', 'state'), 'failed');
  assert.equal((await drilled()).ok, true, 'and the next one can pass');
});

test('a named agent is halted and stays halted; the canary counts nothing then', async () => {
  const report = await drilled('worker');
  assert.deepEqual([report.ok, report.kind, report.parts.effectMs], [true, 'named', null]);
  const { halts } = (await get('/api/halts')) as { halts: { scope: string }[] };
  assert.deepEqual(
    halts.map(({ scope }) => scope),
    ['agent:worker'],
  );
  const unknown = await send('POST', `${system.operatorsUrl}/api/drills`, operator.key, {
    agent: 'nobody',
  });
  assert.equal(member(unknown?.body, 'error', 'code'), 'AGENT_UNKNOWN');
});
