/** Calls that end before they are done: nothing may happen at the target, and nothing may stay there. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import type { Tool } from '../../domain/bundle.ts';
import { ConnectorFailure, type Flight } from '../../domain/connector.ts';
import type { Lease } from '../../domain/credential.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let setPlan: Tool;
let slowRead: Tool;
let order: Tool;
let lease: Lease;
let login: Awaited<ReturnType<Site['mint']>>['login'];

before(async () => {
  site = await openSite();
  setPlan = await site.tool('set_plan', 'update customers set plan = :plan where id = :id');
  order = await site.tool(
    'order',
    `insert into orders (customer_id, amount_cents, status) values (:c, 1, 'open')`,
  );
  slowRead = await site.tool(
    'slow',
    `select count(*) from customers a, customers b, customers c, customers d
     where a.id + b.id + c.id + d.id = :n`,
  );
  await site.grant(setPlan, slowRead, order);
});
beforeEach(async () => {
  ({ lease, login } = await site.mint());
});
after(() => site.stop());

const failure = async (work: Promise<unknown>): Promise<ConnectorFailure> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof ConnectorFailure) return error;
    throw error;
  }
  throw new Error('expected a fault');
};

/** Polls the server, not the clock. */
async function until(what: string, sql: string): Promise<void> {
  for (let tries = 0; tries < 20_000; tries++) {
    const { rows } = await site.sql(`SELECT (${sql}) AS yes`, [lease.handle]);
    if (rows[0].yes) return;
  }
  throw new Error(`never: ${what}`);
}
/** So many sessions compute; one that is only being opened is not among them. */
const busy = (sessions = 1): Promise<void> =>
  until(
    'busy',
    `(SELECT count(*) = ${sessions} FROM pg_stat_activity WHERE usename = $1
        AND state = 'active' AND query LIKE 'select count(*) from customers a%')`,
  );
const waiting = (): Promise<void> =>
  until(
    'waiting for a lock',
    `EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock')`,
  );
const noSession = (): Promise<void> =>
  until('no session', 'NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1)');

const planOf = async (id: number): Promise<string> =>
  (await site.sql('SELECT plan FROM customers WHERE id = $1', [id])).rows[0].plan;

/** Holds the row of customer 1 in a transaction of its own while `work` runs. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const holder = await site.leaked((await site.mint()).login);
  await holder.query(`BEGIN; UPDATE customers SET plan = plan WHERE id = 1`);
  try {
    return await work();
  } finally {
    await holder.query('ROLLBACK');
  }
}

test('an abort ends a write that waits for a lock, at once and at the server too', async () => {
  const abort = new AbortController();
  const call = site.call(setPlan, { id: 1, plan: 'business' }, login, { signal: abort.signal });
  const was = await planOf(1);
  await whileLocked(async () => {
    const begun = failure(site.begin(call));
    await waiting();
    abort.abort();
    const error = await begun;
    assert.equal(error.code, 'CONNECTOR_ABORTED');
    assert.equal(error.effect, 'none');
    await noSession();
  });
  assert.equal(await planOf(1), was);
});

test('an abort ends a read that computes for ever', async () => {
  const abort = new AbortController();
  const begun = failure(site.begin(site.call(slowRead, { n: 1 }, login, { signal: abort.signal })));
  await busy();
  abort.abort();
  assert.equal((await begun).code, 'CONNECTOR_ABORTED');
  await noSession();
});

test('a deadline ends a read, and says how long it was', async () => {
  const error = await failure(
    site.begin(site.call({ ...slowRead, timeoutMs: 200 }, { n: 1 }, login)),
  );
  assert.equal(error.code, 'CONNECTOR_TIMEOUT');
  assert.equal(error.effect, 'none');
  assert.match(error.message, /200 ms/);
  await noSession();
});

test('a deadline ends a write that waits for a lock', async () => {
  await whileLocked(async () => {
    const call = site.call({ ...setPlan, timeoutMs: 200 }, { id: 1, plan: 'team' }, login);
    const error = await failure(site.begin(call));
    assert.equal(error.effect, 'none');
  });
});

test('a call aborted before it begins opens nothing', async () => {
  const signal = AbortSignal.abort();
  const error = await failure(
    site.begin(site.call(setPlan, { id: 1, plan: 'team' }, login, { signal })),
  );
  assert.equal(error.code, 'CONNECTOR_ABORTED');
  await noSession();
});

test('an abort between begin and finish rolls back, and finish says that nothing happened', async () => {
  const abort = new AbortController();
  const was = await planOf(2);
  const plan = was === 'team' ? 'free' : 'team';
  const flight = await site.begin(
    site.call(setPlan, { id: 2, plan }, login, { signal: abort.signal }),
  );
  abort.abort();
  const error = await failure(flight.finish());
  assert.equal(error.effect, 'none');
  await noSession();
  assert.equal(await planOf(2), was);
});

test('a flight that nobody ends is rolled back at its deadline', async () => {
  // Warm, so that the time is not spent on connecting.
  await site.previewed(site.call(setPlan, { id: 3, plan: 'team' }, login));
  const flight = await site.begin(
    site.call({ ...setPlan, timeoutMs: 1_000 }, { id: 3, plan: 'team' }, login),
  );
  await noSession();
  assert.equal((await failure(flight.finish())).effect, 'none');
});

test('calls that wait for a session leave the queue when they are aborted', async () => {
  const first = new AbortController();
  const rest = new AbortController();
  const running = Array.from({ length: 4 }, () =>
    failure(site.begin(site.call(slowRead, { n: 1 }, login, { signal: first.signal }))),
  );
  await busy(4);
  const queued = Array.from({ length: 10 }, () =>
    failure(site.begin(site.call(slowRead, { n: 1 }, login, { signal: rest.signal }))),
  );
  rest.abort();
  for (const error of await Promise.all(queued)) assert.equal(error.code, 'CONNECTOR_ABORTED');
  first.abort();
  await Promise.all(running);
  await noSession();
});

test('revocation ends a flight between begin and finish; the outcome is certain', async () => {
  const flight = await site.begin(site.call(order, { c: 1 }, login));
  const before = await site.acme.counts();
  await site.issuer.revoke(lease, site.connection);
  const error = await failure(flight.finish());
  assert.equal(error.effect, 'none');
  assert.deepEqual(await site.acme.counts(), before);
});

test('revocation under load: every call ends, and the process lives', async () => {
  const ends = Promise.allSettled(
    Array.from({ length: 40 }, async (_, n) => {
      for (let i = 0; i < 50; i++) {
        const id = 10 + ((n * 50 + i) % 400);
        await site.done(site.call(setPlan, { id, plan: 'team' }, login));
      }
    }),
  );
  await until(
    'writing',
    `EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1 AND backend_xid IS NOT NULL)`,
  );
  await site.issuer.revoke(lease, site.connection);
  for (const end of await ends)
    if (end.status === 'rejected') assert.ok(end.reason instanceof ConnectorFailure, end.reason);
  assert.ok(await site.issuer.verifyDead(lease, site.connection));
});

/** Answers to COMMIT are dropped: the socket dies between the sending and the answer. */
async function loseAnswer(flight: Flight, client: pg.Client): Promise<unknown> {
  const finishing = flight.finish().catch((error: unknown) => error);
  await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
    lease.handle,
  ]);
  return await finishing;
}

test('a lost answer to COMMIT is looked up: certain either way, and true', async () => {
  const { host, port, user, password } = site.server;
  const { default: driver } = await import('pg');
  const killer = new driver.Client({ host, port, user, password, database: site.acme.database });
  await killer.connect();
  try {
    for (let round = 0; round < 10; round++) {
      ({ lease, login } = await site.mint());
      const before = (await site.acme.counts()).orders;
      const flight = await site.begin(site.call(order, { c: 1 }, login));
      const end = await loseAnswer(flight, killer);
      const happened = (await site.acme.counts()).orders - before;
      if (end instanceof ConnectorFailure) assert.deepEqual([end.effect, happened], ['none', 0]);
      else assert.equal(happened, 1);
    }
  } finally {
    await killer.end();
  }
});
