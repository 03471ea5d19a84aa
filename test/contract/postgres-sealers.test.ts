import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import { openCheckpoint, recordLeaf, type SealedRecord } from '../../src/ledger/checkpoint.ts';
import { consistencyProblems } from '../../src/ledger/proof.ts';
import { proveConsistency } from '../../src/ledger/prove.ts';
import { readVerifier } from '../../src/ledger/signed-note.ts';
import { edgePlaces, lengthOf } from '../../src/ledger/tiles.ts';
import { rootOf } from '../../src/ledger/tree.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { verifyPostgres } from '../../src/store/postgres/evidence.ts';
import { openPostgresTree } from '../../src/store/postgres/seal-reads.ts';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres/store.ts';
import { beginRun, MASTER_KEY, runToken, stillDoors, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

let server: AcmePostgres;
before(async () => {
  server = await startPostgres({ durable: false });
});
after(() => server.stop());

async function house(schema: string): Promise<PostgresAddress> {
  await server.query(`CREATE SCHEMA ${schema}`);
  const { host, port, user, password, database } = server;
  return { client: { host, port, user, password, database, ssl: false }, schema };
}

/** A connection of somebody else's. */
async function connected(): Promise<pg.Client> {
  const { host, port, user, password, database } = server;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  return client;
}

const replica = (address: PostgresAddress, seed: string): Promise<PostgresStore> =>
  openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors(seed) });

const rowsOf = async <R>(schema: string, sql: string): Promise<R[]> =>
  (await server.query<R & object>(sql.replaceAll('@', `${schema}.`))).rows as R[];

describe('sealers of several replicas', () => {
  test('two at once, four writers: no leaf twice, none left out, and the tree of all', async () => {
    const schema = 'two_sealers';
    const address = await house(schema);
    const stores = await Promise.all(['a', 'b', 'c', 'd'].map((seed) => replica(address, seed)));
    const notes: string[] = [];
    const refused = { elsewhere: 0 };
    let writing = true;
    const write = async (store: PostgresStore, name: string): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        const run = `run_${name}_${n}`;
        await store.commit(beginRun(run));
        await Promise.all([0, 1, 2].map((k) => store.commit(runToken(`hash_${run}_${k}`, run))));
      }
    };
    const seal = async (store: PostgresStore, most: number): Promise<void> => {
      for (let left = 1; writing || left > 0; ) {
        const sealed = await store.commit({ kind: 'ledger.seal', most, sign: true, at: T0 });
        if (!sealed.ok) refused.elsewhere++;
        else {
          left = sealed.left;
          if (sealed.checkpoint !== null) notes.push(sealed.checkpoint);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const [a, b, c, d] = stores as [PostgresStore, PostgresStore, PostgresStore, PostgresStore];
    const sealing = [seal(a, 5), seal(b, 300)];
    const named = [
      [a, 'a'],
      [b, 'b'],
      [c, 'c'],
      [d, 'd'],
    ] as const;
    await Promise.all(named.map(([store, name]) => write(store, name)));
    writing = false;
    await Promise.all(sealing);
    await seal(b, 300); // what was committed last may have come after both had looked

    const sealed = await rowsOf<SealedRecord & { leaf: string }>(
      schema,
      'SELECT leaf, chain, seq, hash FROM @leaves JOIN @events ON event = id ORDER BY leaf',
    );
    const [{ n } = { n: '0' }] = await rowsOf<{ n: string }>(
      schema,
      'SELECT count(*) AS n FROM @events',
    );
    assert.equal(sealed.length, Number(n));
    assert.ok(sealed.length > 1_100, `${sealed.length} records`);
    assert.deepEqual(
      sealed.map(({ leaf }) => Number(leaf)),
      sealed.map((_, leaf) => leaf),
    );
    assert.deepEqual(await rowsOf(schema, 'SELECT * FROM @unsealed'), []);
    const found = await c.seal();
    const key = readVerifier(found?.verifier ?? '');
    const newest = openCheckpoint(found?.checkpoint?.note ?? '', key);
    assert.equal(newest.size, sealed.length);
    const hashes = sealed.map((record) => recordLeaf({ ...record, seq: Number(record.seq) }));
    assert.ok(newest.root.equals(rootOf(hashes)));
    // Every checkpoint that either of them ever gave out is of a beginning of that tree, each size once.
    const kept = notes.map((note) => openCheckpoint(note, key));
    assert.equal(new Set(kept.map(({ size }) => size)).size, kept.length, 'a size signed twice');
    for (const one of kept) {
      assert.ok(one.root.equals(rootOf(hashes.slice(0, one.size))), `the tree of ${one.size}`);
      const proof = await proveConsistency(d, one.size);
      assert.deepEqual(consistencyProblems(proof, one, newest), []);
    }
    assert.ok(kept.length > 5, `${kept.length} checkpoints`);
    const tiles = await d.tiles(edgePlaces(newest.size));
    for (const { level, place, hashes: own } of tiles)
      assert.equal(own.length, 32 * lengthOf({ level, place }, newest.size));
    await Promise.all(stores.map((store) => store.close()));
  });

  test('a record whose number was given early and committed late is sealed after the others', async () => {
    const schema = 'late_commit';
    const address = await house(schema);
    const store = await replica(address, 'late');
    await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: T0 });
    const writer = await connected();
    await writer.query(`SET search_path = ${schema}; BEGIN`);
    await writer.query(`INSERT INTO events (chain, seq, at, type, body, previous, hash)
      VALUES ('slow', 1, 0, 'a', '{}', '', 'slow')`);
    await store.commit(beginRun('run_quick'));
    const first = await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: T0 });
    assert.deepEqual(first.ok && [first.sealed, first.left], [2, 0]);
    assert.equal(await store.leafOf('slow', 1), null);
    await writer.query('COMMIT');
    await writer.end();
    const second = await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: T0 });
    assert.deepEqual(second.ok && [second.sealed, second.left], [1, 0]);
    assert.equal(await store.leafOf('slow', 1), 4);
    await store.close();
  });

  test('while one seals the other gives up at once', async () => {
    const schema = 'elsewhere';
    const address = await house(schema);
    const store = await replica(address, 'elsewhere');
    const holder = await connected();
    await holder.query(`SET search_path = ${schema}; BEGIN;
      SELECT pg_advisory_xact_lock(23309 * 4294967296 + 'control'::regclass::oid::int8)`);
    const seal = { kind: 'ledger.seal', most: 100, sign: true, at: T0 } as const;
    assert.deepEqual(await store.commit(seal), { ok: false, because: 'elsewhere' });
    await holder.query('COMMIT');
    await holder.end();
    assert.ok((await store.commit(seal)).ok);
    await store.close();
  });

  test('verify holds the tree against the records, and finds what was done to it', async () => {
    const schema = 'tampered';
    const address = await house(schema);
    const store = await replica(address, 'tampered');
    await everyKind(store);
    for (let n = 0; n < 130; n++) await store.commit(beginRun(`run_many_${n}`));
    await store.commit({ kind: 'ledger.seal', most: 1_000, sign: true, at: T0 });
    await store.commit(beginRun('run_unsealed'));
    const verify = () => verifyPostgres({ address, masterKey: MASTER_KEY });
    const whole = await verify();
    assert.deepEqual(whole.problems, []);
    assert.equal(whole.unsealed, 2);
    assert.equal(whole.sealed + whole.unsealed, whole.records);
    const tree = await openPostgresTree(address);
    assert.deepEqual(await tree.seal(), await store.seal());
    await tree.close();
    const first = `(SELECT event FROM @leaves WHERE leaf = 3)`;
    const changes = [
      `UPDATE @leaves SET leaf = -1 WHERE leaf = 3; UPDATE @leaves SET leaf = 3 WHERE leaf = 4;
       UPDATE @leaves SET leaf = 4 WHERE leaf = -1`,
      `DELETE FROM @leaves WHERE leaf = 7`,
      `DELETE FROM @unsealed`,
      `INSERT INTO @unsealed ${first}`,
      `INSERT INTO @leaves SELECT 100000, event FROM @unsealed LIMIT 1`,
      `UPDATE @tiles SET hashes = substr(hashes, 33) || substr(hashes, 1, 32) WHERE place = 0`,
      `DELETE FROM @tiles WHERE level = 1`,
      `DELETE FROM @events WHERE id = (SELECT max(event) FROM @leaves)`,
      `UPDATE @tree SET signed_root = 'another'`,
      `UPDATE @tree SET verifier = replace(verifier, '+', '+0')`,
      `UPDATE @tree SET checkpoint = replace(checkpoint, '— ', '— x')`,
    ];
    const client = await connected();
    await client.query(`SET search_path = ${schema}`);
    for (const table of ['leaves', 'tiles', 'tree', 'events', 'unsealed'])
      await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    await client.query(`CREATE TABLE kept_leaves AS TABLE leaves; CREATE TABLE kept_tiles AS TABLE tiles;
      CREATE TABLE kept_tree AS TABLE tree; CREATE TABLE kept_unsealed AS TABLE unsealed;
      CREATE TABLE kept_events AS TABLE events; ALTER TABLE leaves DROP CONSTRAINT leaves_leaf_check`);
    for (const sql of changes) {
      await client.query(sql.replaceAll('@', ''));
      const { problems } = await verify();
      assert.match(problems.join('\n'), /the ledger: (?:tree|checkpoint): expected/, sql);
      await client.query(
        ['leaves', 'tiles', 'tree', 'unsealed', 'events']
          .map(
            (name) =>
              `DELETE FROM ${name}; INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM kept_${name};`,
          )
          .join(''),
      );
      assert.deepEqual((await verify()).problems, [], `after ${sql}`);
    }
    await client.end();
    await store.close();
  });

  test('the database itself refuses to take back what was sealed', async () => {
    const schema = 'guards';
    const store = await replica(await house(schema), 'guards');
    await store.commit(beginRun('run_a'));
    await store.commit({ kind: 'ledger.seal', most: 100, sign: true, at: T0 });
    for (const sql of [
      'DELETE FROM @tree',
      'DELETE FROM @tiles',
      'DELETE FROM @leaves',
      'UPDATE @leaves SET leaf = leaf + 100',
      'UPDATE @tree SET signed_size = 0',
      `UPDATE @tree SET signed_root = 'another'`,
      `UPDATE @tree SET verifier = 'mine'`,
      `UPDATE @tiles SET hashes = substr(hashes, 1, 32)`,
      `UPDATE @tiles SET hashes = reverse(encode(hashes, 'hex'))::bytea`,
    ])
      await assert.rejects(rowsOf(schema, sql), /sealed stays sealed|only grow|check/, sql);
    await store.close();
  });
});
