import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { act } from '../../src/broker/act.ts';
import { apply } from '../../src/broker/apply.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { readConfig } from '../../src/config/file.ts';
import { type Plan, planBundle } from '../../src/config/plan.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { createHttpInspector } from '../../src/connectors/http/inspector.ts';
import { json, startTarget } from '../../src/connectors/http/testing/target.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { realDoors } from '../../src/doors.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createInputCheck } from '../../src/tools/input.ts';

/** The parts of a file that an agent with a text editor would like to change. */
interface Wish {
  readonly rung: string | null;
  readonly effect: string | null;
  readonly method: string;
  readonly environment: string;
  readonly rows: number;
  readonly calls: number | null;
  readonly extra: string;
}

const MODEST: Wish = {
  rung: null,
  effect: null,
  method: 'GET',
  environment: 'production',
  rows: 1,
  calls: 5,
  extra: '',
};

/** The first one most of the time, so that many wishes are files that load. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const wishes: fc.Arbitrary<Wish> = fc.record({
  rung: fc.constantFrom(null, 'read', 'draft', 'approve', 'auto'),
  effect: mostly(null, 'read', 'write', 'destroy'),
  method: mostly('GET', 'POST', 'DELETE'),
  environment: mostly('production', 'staging', 'prod'),
  rows: fc.nat(1_000_000),
  calls: fc.constantFrom(null, 0, 5, 1_000_000),
  extra: mostly('', 'admin: true\n', '<<: *all\n', 'agents: {}\n', '\u202e', '- x'),
});

function textOf(wish: Wish, url: string): string {
  const effect = wish.effect === null ? '' : `    effect: ${wish.effect}\n`;
  const grants =
    wish.rung === null ? '' : `grants:\n  - { agent: bot, tools: [things], rung: ${wish.rung} }\n`;
  const limits = wish.calls === null ? '' : `limits:\n  run: { calls: ${wish.calls} }\n`;
  return `version: 1
organisation: { name: acme }
connections:
  api: { kind: http, url: "${url}", allowPrivate: true, environment: ${wish.environment} }
tools:
  things:
    connection: api
    description: things
    http: { method: ${wish.method}, path: /things }
    cap: { rowsRead: ${wish.rows} }
${effect}agents:
  bot: { owner: dana@acme.example }
${grants}${limits}${wish.extra}`;
}

async function openHouse(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-files-'));
  const doors = realDoors();
  const target = await startTarget((response) => json(response, {}));
  const store = await openSqliteStore({ directory, masterKey: Buffer.alloc(32, 7), doors });
  const bundles = bundleSource(store);
  const leases = new Leases({
    store,
    issuers: [],
    connection: async () => null,
    doors,
    log: () => {},
  });
  const connector = createHttpConnector(doors);
  const inspector = createHttpInspector();
  const broker: Broker = {
    doors,
    store,
    connectors: new Map([[connector.kind, connector]]),
    inspectors: new Map([[inspector.kind, inspector]]),
    credentials: leases,
    inputs: createInputCheck(),
    bundles,
    policies: new PolicyRoom(),
    flights: new Flights(),
    freshness: new Freshness(store, doors.clock),
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts: NO_ALERTS,
    notices: new Notices(doors.timers),
    lineage: new Lineages({ store, bundles, doors, isSecret: () => false }),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
    grants: NO_GRANTS,
  };
  t.after(async () => {
    leases.close();
    await connector.close();
    await store.close();
    await target.close();
    await rm(directory, { recursive: true, force: true });
  });
  const path = join(directory, 'signalbox.yaml');
  return {
    broker,
    target,
    /** What is in force, and every record of the system: a change of authority shows in one of them. */
    async authority() {
      return JSON.stringify([(await store.haltState()).stamp.bundle, await store.chains()]);
    },
    write: (wish: Wish) => writeFile(path, textOf(wish, target.url)),
    async plan(): Promise<Plan> {
      return planBundle(await readConfig(path), {
        active: await bundles.active(),
        inspectors: broker.inspectors,
      });
    },
  };
}

type House = Awaited<ReturnType<typeof openHouse>>;

async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

async function callThings({ broker }: House, runId: string) {
  return act(broker, { runId, tool: 'things', arguments: {}, via: 'test' });
}

const OWNER = { name: 'olga', role: 'owner' } as const;

test('files_only_propose: whatever a file says, loading and planning it changes nothing', async (t) => {
  const house = await openHouse(t);
  await house.write(MODEST);
  await apply(house.broker, await house.plan(), OWNER);
  const run = await beginRun(house.broker, { agent: 'bot', intent: 'a test', budget: {} });
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(wishes, async (wish) => {
      await house.write(wish);
      const before = await house.authority();
      if ((await attempt(() => house.plan())) !== null) planned++;
      assert.equal(await house.authority(), before);
    }),
    { numRuns: 80 },
  );
  assert.ok(planned > 5, 'some wishes must be plans');
  await house.write({ ...MODEST, rung: 'auto' });
  await house.plan();
  assert.equal((await callThings(house, run.id)).kind, 'refused');
  assert.equal(house.target.seen.length, 0);
});

test('files_only_propose: an owner’s apply changes authority, and only to what was planned', async (t) => {
  const house = await openHouse(t);
  await house.write(MODEST);
  await apply(house.broker, await house.plan(), OWNER);
  const run = await beginRun(house.broker, { agent: 'bot', intent: 'a test', budget: {} });

  await house.write({ ...MODEST, rung: 'read' });
  const plan = await house.plan();
  assert.equal(plan.widenings.length, 1);
  await house.write({ ...MODEST, rung: 'approve', method: 'DELETE' });
  const before = await house.authority();
  await assert.rejects(apply(house.broker, plan, { name: 'otto', role: 'operator' }), {
    code: 'APPLY_NEEDS_OWNER',
  });
  assert.equal(await house.authority(), before);

  await apply(house.broker, plan, OWNER);
  assert.equal((await house.broker.bundles.active()).digest, plan.bundle.digest);
  assert.equal((await callThings(house, run.id)).kind, 'done');
  assert.deepEqual(
    house.target.seen.map(({ method }) => method),
    ['GET'],
  );
});

test('files_only_propose: a plan that was overtaken is not applied', async (t) => {
  const house = await openHouse(t);
  await house.write({ ...MODEST, rung: 'read' });
  const overtaken = await house.plan();
  await house.write(MODEST);
  await apply(house.broker, await house.plan(), OWNER);
  const before = await house.authority();
  await assert.rejects(apply(house.broker, overtaken, OWNER), { code: 'BUNDLE_MOVED' });
  assert.equal(await house.authority(), before);
});

test('files_only_propose: what narrows needs no owner, what widens does', async (t) => {
  const house = await openHouse(t);
  await house.write({ ...MODEST, rung: 'read', rows: 50 });
  await apply(house.broker, await house.plan(), OWNER);
  const operator = { name: 'otto', role: 'operator' } as const;
  await house.write({ ...MODEST, rung: 'read', rows: 20 });
  await apply(house.broker, await house.plan(), operator);
  await house.write({ ...MODEST, rung: 'read', rows: 21 });
  const wider = await house.plan();
  await assert.rejects(apply(house.broker, wider, operator), { code: 'APPLY_NEEDS_OWNER' });
  assert.equal((await house.broker.bundles.active()).tools.things?.cap.rowsRead, 20);
});
