import { after, before } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { storeContract } from './store.ts';
import { MASTER_KEY, stillDoors } from './store-cast.ts';

let server: AcmePostgres;
/** Schemas that a case has left; what it wrote is gone from them. */
const left: string[] = [];
let made = 0;

before(async () => {
  server = await startPostgres({ durable: false });
});
after(() => server.stop());

/** A schema for each case. Tables cost a quarter of a second to make and little to empty. */
async function fresh(): Promise<PostgresAddress & { readonly schema: string }> {
  let schema = left.pop();
  if (schema === undefined) {
    schema = `case_${++made}`;
    await server.query(`CREATE SCHEMA ${schema}`);
  }
  const { host, port, user, password, database } = server;
  return { client: { host, port, user, password, database, ssl: false }, schema };
}

/** All that a case wrote; what its migration wrote stays. The triggers that keep records for ever are off meanwhile. */
async function emptied(schema: string): Promise<void> {
  await server.query(`DO $$ DECLARE one record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = '${schema}' AND tablename <> 'migrations'
    LOOP EXECUTE format('DELETE FROM ${schema}.%I', one.name); END LOOP;
    FOR one IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = '${schema}'
    LOOP EXECUTE format('ALTER SEQUENCE ${schema}.%I RESTART', one.name); END LOOP;
  END $$`);
  left.push(schema);
}

storeContract('PostgreSQL', async () => {
  const address = await fresh();
  const store = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors() });
  return {
    store,
    async close() {
      await store.close();
      await emptied(address.schema);
    },
  };
});
