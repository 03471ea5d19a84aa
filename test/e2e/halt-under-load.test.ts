/** A halt on a real PostgreSQL with 32 calls in flight: everything lands, nothing stays at the database, the process lives. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { act } from '../../src/broker/act.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { AGENT, openSite, type Site } from '../../src/connectors/postgres/testing/site.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { bundleDigest, EMPTY_BUNDLE, type Tool } from '../../src/domain/bundle.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import type { Store } from '../../src/domain/store.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

test('32 calls in flight, a halt: all land, no session and no role is left, and it goes on after', async (t) => {
  const site = await openSite();
  t.after(() => site.stop());
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-load-'));
  const { doors } = site;
  const store = await openSqliteStore({ directory, masterKey: Buffer.alloc(32, 7), doors });
  t.after(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const slow = await site.tool(
    'slow',
    `select count(*) from customers a, customers b, customers c, customers d
     where a.id + b.id + c.id + d.id = :n`,
    { timeoutMs: 60_000 },
  );
  await site.grant(slow);
  const { broker, leases } = await brokerAt(site, store, slow);
  t.after(() => leases.close());
  const { rows } = await site.sql(
    'SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = $1',
    [site.acme.broker.user],
  );
  assert.deepEqual(rows, [{ rolsuper: false, rolcreaterole: true, rolbypassrls: false }]);

  const runs = await Promise.all([1, 2, 3, 4].map((n) => begin(broker, `task ${n}`)));
  const flying = runs.flatMap((runId) =>
    Array.from({ length: 8 }, (_, n) => propose(broker, runId, slow.name, { n: -n - 1 })),
  );
  await until(async () => (await sessions(site)) >= 16, 'sixteen statements compute');
  const lent = await store.leases({ state: ['live'] });
  const report = await halt(broker, { scope: `agent:${AGENT}`, reason: 'load', by: 'olga' });
  assert.equal(report.aborted, 32);
  assert.ok(report.inertMs !== null, JSON.stringify(report));
  assert.deepEqual(
    report.leases.map(({ dead }) => dead),
    lent.map(() => true),
  );
  assert.equal(await sessions(site), 0);
  for (const outcome of await Promise.all(flying))
    assert.ok(outcome === 'HALTED' || outcome === 'failed', outcome);
  const left = await site.sql('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [
    lent.map(({ handle }) => handle),
  ]);
  assert.deepEqual(left.rows, []);

  await resume(broker, { scope: `agent:${AGENT}`, reason: 'over', by: 'dana' });
  const after = propose(broker, await begin(broker, 'again'), slow.name, { n: -99 });
  await until(async () => (await sessions(site)) === 1, 'it computes again');
  await halt(broker, { scope: 'connection:acme-db', reason: 'enough', by: 'olga' });
  assert.equal(await after, 'HALTED');
});

async function begin(broker: Broker, intent: string): Promise<string> {
  return (await beginRun(broker, { agent: AGENT, intent, budget: {} })).id;
}

async function propose(
  broker: Broker,
  runId: string,
  tool: string,
  given: { n: number },
): Promise<string> {
  const outcome = await act(broker, { runId, tool, arguments: given, via: 'test' });
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

/** Sessions of minted roles in which a statement runs. */
async function sessions(site: Site): Promise<number> {
  const { rows } = await site.sql(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%' AND state = 'active'",
  );
  return rows[0].n;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) if (await holds()) return;
  throw new Error(`never: ${what}`);
}

async function brokerAt(
  site: Site,
  store: Store,
  tool: Tool,
): Promise<{ broker: Broker; leases: Leases }> {
  const { doors, connection } = site;
  const contents = {
    ...EMPTY_BUNDLE,
    connections: { [connection.name]: connection },
    tools: { [tool.name]: tool },
    agents: { [AGENT]: { name: AGENT, owner: 'dana@acme.example' } },
    grants: [{ agent: AGENT, tool: tool.name, rung: 'read' as const }],
  };
  const bundle = { ...contents, digest: bundleDigest(contents) };
  const expected = EMPTY_BUNDLE.digest;
  await store.commit({ kind: 'bundle.apply', bundle, expected, widenings: [], by: 'test', at: 1 });
  const leases = new Leases({
    store,
    issuers: [site.issuer],
    connection: async () => connection,
    doors,
    log: () => {},
  });
  const broker: Broker = {
    doors,
    store,
    connectors: new Map([[site.connector.kind, site.connector]]),
    inspectors: new Map(),
    credentials: leases,
    inputs: () => [],
    bundles: bundleSource(store),
    policies: new PolicyRoom(),
    flights: new Flights(),
    freshness: new Freshness(store, doors.clock),
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts: NO_ALERTS,
    notices: new Notices(doors.timers),
    lineage: new Lineages({ store, bundles: bundleSource(store), doors, isSecret: () => false }),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
    grants: NO_GRANTS,
  };
  return { broker, leases };
}
