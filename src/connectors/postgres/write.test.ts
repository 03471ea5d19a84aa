/** Writes at a real server: measured before they commit, by the server's own statistics. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import { effectVector } from '../../domain/effect.ts';
import { bindingOf } from './binding.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let login: Credential;
const tools = new Map<string, Tool>();

const STATEMENTS = {
  set_plan: 'update customers set plan = :plan where id = :id returning id, plan',
  all_notes: 'update customers set notes = :notes',
  remove: 'delete from customers where id <= :id',
  order: `insert into orders (customer_id, amount_cents, status) values (:c, :a, 'open') returning id`,
  refund: `with r as (update orders set status = 'refunded' where customer_id = :c returning id)
    select count(*) as refunded from r`,
  upsert: `insert into customers (id, name, email, city, plan) values (:id, :name, :email, 'Graz', 'free')
    on conflict (id) do update set name = excluded.name`,
  sync: `merge into customers c using (values (:id::int, :plan)) s(id, plan) on c.id = s.id
    when matched then update set plan = s.plan`,
  ledger: 'insert into ledger (amount) values (:amount)',
  stamp: 'update stamped set v = :v where id = :id',
  wipe: 'update wiping set v = :v where id = :id',
  part: 'update parted set v = :v where id = :id',
};

before(async () => {
  site = await openSite();
  await site.sql(`
    CREATE TABLE public.ledger (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount int);
    CREATE TABLE public.totals (total int);
    CREATE FUNCTION public.book() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      AS $$ BEGIN INSERT INTO public.totals VALUES (NEW.amount); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER book AFTER INSERT ON public.ledger DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION public.book();
    CREATE TABLE public.stamped (id int PRIMARY KEY, v int);
    CREATE FUNCTION public.make() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      AS $$ BEGIN CREATE TABLE public.made (id int); RETURN NULL; END $$;
    CREATE TRIGGER make AFTER UPDATE ON public.stamped EXECUTE FUNCTION public.make();
    CREATE TABLE public.wiping (id int PRIMARY KEY, v int);
    CREATE TABLE public.victims (id int);
    CREATE FUNCTION public.wipe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      AS $$ BEGIN TRUNCATE public.victims; RETURN NULL; END $$;
    CREATE TRIGGER wipe AFTER UPDATE ON public.wiping EXECUTE FUNCTION public.wipe();
    CREATE TABLE public.parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
    CREATE TABLE public.parted_low PARTITION OF public.parted FOR VALUES FROM (0) TO (100);
    INSERT INTO public.stamped VALUES (1, 1); INSERT INTO public.wiping VALUES (1, 1);
    INSERT INTO public.victims VALUES (1), (2); INSERT INTO public.parted VALUES (1, 1);
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.ledger, public.stamped, public.wiping,
      public.parted TO signalbox_broker WITH GRANT OPTION`);
  for (const [name, sql] of Object.entries(STATEMENTS))
    if (name !== 'sync' || site.server.major >= 15) tools.set(name, await site.tool(name, sql));
  await site.grant(...tools.values());
});
beforeEach(async () => {
  ({ login } = await site.mint());
});
after(() => site.stop());

const tool = (name: keyof typeof STATEMENTS, more: Partial<Tool> = {}): Tool => {
  const found = tools.get(name);
  if (found === undefined) throw new Error(name);
  return { ...found, ...more };
};
const failure = async (work: Promise<unknown>): Promise<ConnectorFailure> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof ConnectorFailure) return error;
    throw error;
  }
  throw new Error('expected a fault');
};

/** Until a session of a run really waits. */
async function waitingForLock(): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await site.sql(
      `SELECT FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%' AND wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
  throw new Error('nobody waits for a lock');
}

test('an update is measured, pictured, and takes effect at finish only', async () => {
  const flight = await site.begin(site.call(tool('set_plan'), { id: 1, plan: 'team' }, login));
  const was = (await site.sql('SELECT plan FROM customers WHERE id = 1')).rows[0].plan;
  assert.notEqual(was, 'team');
  assert.deepEqual(
    flight.measured?.effect,
    effectVector({ calls: 1, rowsRead: 1, rowsWritten: 1 }),
  );
  assert.deepEqual(flight.measured?.byTable, [
    { table: 'public.customers', inserted: 0, updated: 1, deleted: 0 },
  ]);
  assert.deepEqual(flight.measured?.images, [
    { table: 'public.customers', before: { id: 1, plan: was }, after: { id: 1, plan: 'team' } },
  ]);
  assert.equal(flight.measured?.imagesComplete, true);
  const { structured } = await flight.finish();
  assert.deepEqual(structured, { rows: [{ id: 1, plan: 'team' }], rowCount: 1 });
  assert.equal((await site.sql('SELECT plan FROM customers WHERE id = 1')).rows[0].plan, 'team');
});

test('a preview leaves nothing, and a cascade with definer triggers is counted whole', async () => {
  const before = await site.acme.counts();
  const call = site.call(tool('remove'), { id: 10 }, login);
  const measured = await site.previewed(call);
  const orders = (await site.sql('SELECT count(*)::int AS n FROM orders WHERE customer_id <= 10'))
    .rows[0].n;
  assert.deepEqual(measured.byTable, [
    { table: 'public.audit_log', inserted: 10 + orders, updated: 0, deleted: 0 },
    { table: 'public.customers', inserted: 0, updated: 0, deleted: 10 },
    { table: 'public.orders', inserted: 0, updated: 0, deleted: orders },
  ]);
  assert.equal(measured.effect.rowsDeleted, 10 + orders);
  assert.equal(measured.effect.rowsWritten, 10 + orders);
  assert.equal(measured.images.length, 10);
  assert.equal(measured.imagesComplete, false, 'cascades are not pictured, and it says so');
  assert.deepEqual(await site.acme.counts(), before);
});

test('far more rows than the cap: the true number, few images, no waiting', async () => {
  const measured = await site.previewed(site.call(tool('all_notes'), { notes: 'x' }, login));
  assert.equal(measured.effect.rowsWritten, 500);
  assert.ok(measured.images.length <= 100);
  assert.equal(measured.imagesComplete, false);
});

test('what is done keeps every row for its undo, a preview the first hundred', async () => {
  const cap = effectVector({ calls: 1, rowsWritten: 600 });
  const all = await site.tool('all_plans', 'update customers set notes = :notes', { cap });
  const call = site.call(all, { notes: 'kept' }, login);
  assert.equal((await site.previewed(call)).images.length, 100);
  const flight = await site.begin(call);
  await flight.cancel();
  assert.equal(flight.measured?.images.length, 500);
  assert.equal(flight.measured?.imagesComplete, true);
});

test('what earlier transactions of the session did is not counted again', async () => {
  for (let id = 1; id <= 5; id++) {
    const call = site.call(tool('set_plan'), { id, plan: 'business' }, login);
    assert.equal((await site.done(call)).measured.effect.rowsWritten, 1);
  }
});

test('the pre-state is the same until a row changes, also in a column that is not shown', async () => {
  const call = site.call(tool('set_plan'), { id: 7, plan: 'team' }, login);
  const first = await site.previewed(call);
  assert.equal((await site.previewed(call)).preState, first.preState);
  const { login: another } = await site.mint();
  assert.equal((await site.previewed({ ...call, credential: another })).preState, first.preState);
  await site.sql(`UPDATE customers SET city = 'Leeds' WHERE id = 7`);
  assert.notEqual((await site.previewed(call)).preState, first.preState);
});

test('the pre-state moves when a cascade would reach another row', async () => {
  const call = site.call(tool('remove'), { id: 1 }, login);
  const first = await site.previewed(call);
  await site.sql(`INSERT INTO orders (customer_id, amount_cents, status) VALUES (1, 1, 'open')`);
  assert.notEqual((await site.previewed(call)).preState, first.preState);
});

test('an insert pictures the new row', async () => {
  const { measured, result } = await site.done(site.call(tool('order'), { c: 1, a: 5 }, login));
  const { rows } = result.structured as { rows: { id: number }[] };
  assert.equal(measured.effect.rowsWritten, 1);
  assert.deepEqual(measured.images, [
    { table: 'public.orders', before: null, after: { id: rows[0]?.id } },
  ]);
  assert.equal(measured.imagesComplete, true);
});

test('insert, update and merge in one statement tell before and after apart, or say that they are not shown', async () => {
  const bare = await site.tool('bare', STATEMENTS.upsert, { binding: { images: 'none' } });
  await site.grant(...tools.values(), bare);
  // `excluded.name` is read too, as the server sees it
  const third = { id: 9003, name: 'Third', email: 'third@example.com' };
  await site.done(site.call(bare, third, login));
  const given = { id: 9001, name: 'New', email: 'new@example.com' };
  if (site.server.major < 18) {
    const { measured } = await site.done(site.call(tool('upsert'), given, login));
    assert.deepEqual([measured.images, measured.imagesComplete], [[], false]);
    assert.match(tool('upsert').derivation.join('\n'), /not captured: before PostgreSQL 18/);
    assert.deepEqual(
      bindingOf(tool('upsert')).tables.map(({ image }) => image),
      [[]],
      'nor may its login read them',
    );
    return;
  }
  const inserted = await site.done(site.call(tool('upsert'), given, login));
  assert.equal(inserted.measured.images[0]?.before, null);
  const updated = await site.previewed(
    site.call(tool('upsert'), { ...given, name: 'Newer' }, login),
  );
  assert.equal(updated.images[0]?.before?.name, 'New');
  assert.equal(updated.images[0]?.after?.name, 'Newer');
  const merged = await site.previewed(site.call(tool('sync'), { id: 9001, plan: 'team' }, login));
  assert.equal(merged.images[0]?.before?.plan, 'free');
  assert.equal(merged.images[0]?.after?.plan, 'team');
});

test('a write inside WITH is counted; without images it says that they are not whole', async () => {
  const { measured, result } = await site.done(site.call(tool('refund'), { c: 2 }, login));
  assert.ok(measured.effect.rowsWritten > 0);
  assert.equal(measured.imagesComplete, false);
  const { rows } = result.structured as { rows: { refunded: number }[] };
  assert.equal(rows[0]?.refunded, measured.effect.rowsWritten);
});

test('a partition is where the rows are counted', async () => {
  const measured = await site.previewed(site.call(tool('part'), { id: 1, v: 5 }, login));
  assert.deepEqual(measured.byTable, [
    { table: 'public.parted_low', inserted: 0, updated: 1, deleted: 0 },
  ]);
});

test('a deferred trigger acts before the measurement, not behind it', async () => {
  const measured = await site.previewed(site.call(tool('ledger'), { amount: 5 }, login));
  assert.deepEqual(measured.byTable, [
    { table: 'public.ledger', inserted: 1, updated: 0, deleted: 0 },
    { table: 'public.totals', inserted: 1, updated: 0, deleted: 0 },
  ]);
});

for (const name of ['stamp', 'wipe'] as const)
  test(`DDL or TRUNCATE by a trigger is refused as unmeasurable: ${name}`, async () => {
    const error = await failure(site.begin(site.call(tool(name), { id: 1, v: 2 }, login)));
    assert.equal(error.code, 'CONNECTOR_UNMEASURED');
    assert.equal(error.effect, 'none');
    const { rows } = await site.sql(`SELECT (SELECT count(*)::int FROM victims) AS victims,
      to_regclass('public.made') AS made`);
    assert.deepEqual(rows[0], { victims: 2, made: null });
  });

test('a server that does not count rows is refused', async () => {
  await site.sql('ALTER DATABASE acme SET track_counts = off');
  try {
    const { login: blind } = await site.mint();
    const error = await failure(
      site.begin(site.call(tool('set_plan'), { id: 1, plan: 'free' }, blind)),
    );
    assert.equal(error.code, 'CONNECTOR_UNMEASURED');
  } finally {
    await site.sql('ALTER DATABASE acme RESET track_counts');
  }
});

test('a violated constraint is a fault without effect, and the session goes on', async () => {
  const error = await failure(
    site.begin(site.call(tool('set_plan'), { id: 1, plan: 'none' }, login)),
  );
  assert.equal(error.code, 'CONNECTOR_REFUSED');
  assert.equal(error.effect, 'none');
  assert.match(error.message, /customers_plan_check/);
  const call = site.call(tool('set_plan'), { id: 1, plan: 'free' }, login);
  assert.equal((await site.done(call)).measured.effect.rowsWritten, 1);
});

test('two flights on the same row: one waits, and one of them is told to try again', async () => {
  const first = await site.begin(site.call(tool('set_plan'), { id: 3, plan: 'team' }, login));
  const second = site.begin(site.call(tool('set_plan'), { id: 3, plan: 'free' }, login));
  second.catch(() => {});
  await waitingForLock();
  await first.finish();
  const error = await failure(second);
  assert.equal(error.effect, 'none');
  assert.match(error.message, /same rows; try again/);
});

test('a preview does not wait long for a lock', async () => {
  const holder = await site.begin(site.call(tool('set_plan'), { id: 4, plan: 'team' }, login));
  const preview = site.call(tool('set_plan'), { id: 4, plan: 'free' }, login, {
    purpose: 'preview',
  });
  const error = await failure(site.begin(preview));
  assert.match(error.message, /locked by another session/);
  await holder.cancel();
});

test('a flight can be finished or cancelled once', async () => {
  const flight = await site.begin(site.call(tool('set_plan'), { id: 5, plan: 'team' }, login));
  await flight.cancel();
  await flight.cancel();
  const error = await failure(flight.finish());
  assert.equal(error.effect, 'none');
});

test('PostgreSQL 14 to 17: rows are locked and read first, returned after, and paired', async () => {
  const older = (name: keyof typeof STATEMENTS): Tool => {
    const planned = tool(name);
    // A statement that the server cannot parse: proof that the newer form is not used.
    const imagePlan = { ...(planned.binding.imagePlan as object), current: null };
    return {
      ...planned,
      digest: planned.digest.replace(/^.{8}/, '00000000'),
      binding: { ...planned.binding, imagePlan },
    };
  };
  const updated = await site.previewed(
    site.call(older('set_plan'), { id: 8, plan: 'business' }, login),
  );
  assert.deepEqual(
    updated.images.map(({ after }) => after),
    [{ id: 8, plan: 'business' }],
  );
  assert.equal(updated.images[0]?.before?.id, 8);
  assert.equal(updated.imagesComplete, true);
  const newer = await site.previewed(
    site.call(tool('set_plan'), { id: 8, plan: 'business' }, login),
  );
  assert.equal(updated.preState, newer.preState, 'both ways see the same row and version');
  const removed = await site.previewed(site.call(older('remove'), { id: 2 }, login));
  assert.deepEqual(
    removed.images.map(({ before, after }) => [before?.id, after]),
    [
      [1, null],
      [2, null],
    ],
  );
  const ordered = await site.previewed(site.call(older('order'), { c: 1, a: 5 }, login));
  assert.equal(ordered.images[0]?.before, null);
  assert.equal(typeof ordered.images[0]?.after?.id, 'number');
});
