import { after, before } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { storeContract } from './store.ts';
import { MASTER_KEY, stillDoors } from './store-cast.ts';

let server: AcmePostgres;
let cases = 0;

before(async () => {
  server = await startPostgres({ durable: false });
});
after(() => server.stop());

/** A schema for each case: much quicker than a database. */
async function fresh(): Promise<PostgresAddress> {
  const schema = `case_${++cases}`;
  await server.query(`CREATE SCHEMA ${schema}`);
  const { host, port, user, password, database } = server;
  return { client: { host, port, user, password, database, ssl: false }, schema };
}

storeContract('PostgreSQL', async () => {
  const address = await fresh();
  const store = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors() });
  return {
    store,
    async close() {
      await store.close();
      await server.query(`DROP SCHEMA ${address.schema} CASCADE`);
    },
  };
});
