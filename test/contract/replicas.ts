import {
  type AcmePostgres,
  type PostgresOptions,
  startPostgres,
} from '../../examples/acme/postgres.ts';
import { realDoors } from '../../src/doors.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres/store.ts';
import { MASTER_KEY } from './store-cast.ts';

/** Several stores on one database, for one test. */
export class Replicas {
  readonly server: AcmePostgres;
  readonly address: PostgresAddress;
  readonly #open: PostgresStore[] = [];

  constructor(server: AcmePostgres, address: PostgresAddress) {
    this.server = server;
    this.address = address;
  }

  /** `clockMs`: by how much the clock of this one is off. */
  async open(address = this.address, clockMs = 0): Promise<PostgresStore> {
    const { clock, ...doors } = realDoors();
    const skewed = { now: () => clock.now() + clockMs, monotonic: () => clock.monotonic() };
    const store = await openPostgresStore({
      address,
      masterKey: MASTER_KEY,
      doors: { ...doors, clock: skewed },
    });
    this.#open.push(store);
    return store;
  }

  async several(number: number): Promise<PostgresStore[]> {
    return Promise.all(Array.from({ length: number }, () => this.open()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((store) => store.close()));
  }
}

/** One server for a file of tests; a schema for each test. */
export class Ground {
  readonly server: AcmePostgres;
  #count = 0;

  private constructor(server: AcmePostgres) {
    this.server = server;
  }

  static async start(options: PostgresOptions = { durable: false }): Promise<Ground> {
    return new Ground(await startPostgres(options));
  }

  async fresh(): Promise<Replicas> {
    const schema = `case_${++this.#count}`;
    await this.server.query(`CREATE SCHEMA ${schema}`);
    const { host, port, user, password, database } = this.server;
    const client = { host, port, user, password, database, ssl: false } as const;
    return new Replicas(this.server, { client, schema });
  }
}
