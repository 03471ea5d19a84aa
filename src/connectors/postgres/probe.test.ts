/** What the target says of a transaction whose end nobody here saw. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import type { ProbeAnswer } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import type { JsonObject } from '../../domain/json.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let setPlan: Tool;
let login: Credential;

before(async () => {
  site = await openSite({ durable: true });
  setPlan = await site.tool('set_plan', 'update customers set plan = :plan where id = :id');
  await site.grant(setPlan);
  ({ login } = await site.mint());
});
after(() => site.stop());

const probe = (trace: JsonObject | null): Promise<ProbeAnswer> =>
  site.connector.probe({ actionId: 'act_1', tool: setPlan, connection: site.connection, trace });

test('running while it is open, done after it committed', async () => {
  const flight = await site.begin(site.call(setPlan, { id: 1, plan: 'team' }, login));
  assert.equal(await probe(flight.trace), 'running');
  await flight.finish();
  assert.equal(await probe(flight.trace), 'done');
});

test('failed after it was cancelled', async () => {
  const flight = await site.begin(site.call(setPlan, { id: 1, plan: 'free' }, login));
  await flight.cancel();
  assert.equal(await probe(flight.trace), 'failed');
});

test('failed when its backend was ended between begin and commit', async () => {
  const flight = await site.begin(site.call(setPlan, { id: 1, plan: 'free' }, login));
  await site.sql(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%'`,
  );
  assert.equal(await probe(flight.trace), 'failed');
  await assert.rejects(flight.finish());
});

test('without a trace nothing was ever sent to commit', async () => {
  assert.equal(await probe(null), 'failed');
});

test('after a clean restart the answers stand', async () => {
  const done = await site.begin(site.call(setPlan, { id: 2, plan: 'team' }, login));
  await done.finish();
  const open = await site.begin(site.call(setPlan, { id: 3, plan: 'team' }, login));
  await site.server.restart();
  assert.equal(await probe(done.trace), 'done');
  assert.equal(await probe(open.trace), 'failed');
  await assert.rejects(open.finish());
});

test('after a crash an id may have been given out again: no commit is claimed', async () => {
  const lost = await site.begin(site.call(setPlan, { id: 3, plan: 'team' }, login));
  await site.server.kill9();
  await assert.rejects(lost.finish());
  await site.server.restart();
  const { xid } = lost.trace as { xid: string };
  for (let tries = 0; tries < 100; tries++) {
    const { rows } = await site.sql('SELECT pg_current_xact_id()::text AS xid');
    if (rows[0].xid === xid) break;
  }
  const { rows } = await site.sql('SELECT pg_xact_status($1::text::xid8) AS status', [xid]);
  assert.equal(rows[0].status, 'committed', 'somebody else’s transaction has its id');
  assert.equal(await probe(lost.trace), 'unknown');
});

for (const [what, change] of [
  ['another cluster', { cluster: '1/1' }],
  ['another timeline', { timeline: true }],
  ['another database', { database: 'other' }],
  ['a transaction of the future', { xid: '99999999999' }],
  ['no transaction id', { xid: "1'; select 1" }],
  ['no members at all', null],
] as const)
  test(`unknown: ${what}`, async () => {
    const flight = await site.begin(site.call(setPlan, { id: 1, plan: 'team' }, login));
    await flight.finish();
    const trace = flight.trace as { cluster: string };
    const [system] = trace.cluster.split('/');
    const changed =
      change === null
        ? {}
        : 'timeline' in change
          ? { ...trace, cluster: `${system}/2` }
          : { ...trace, ...change };
    assert.equal(await probe(changed), 'unknown');
  });
