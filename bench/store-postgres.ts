/**
 * Admissions a second: an intent, durable, on one hot limit and one of four runs, by 64 writers for each store. SQLite,
 * then one, two and four stores on one PostgreSQL of this machine (`fsync` on). Stores, writers and server share its
 * cores, so more stores show that they do not hinder each other, not that they scale.
 *
 *   node bench/store-postgres.ts [--json] [--short]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../examples/acme/postgres.ts';
import { optionsOf } from '../scripts/options.ts';
import type { Store } from '../src/domain/store.ts';
import { realDoors } from '../src/doors.ts';
import { openPostgresStore } from '../src/store/postgres/store.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { action, admit, beginRun, calls } from '../test/contract/store-cast.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
});
const ROUND_MS = values.short ? 1_500 : 4_000;
const ROUNDS = values.short ? 2 : 5;
const WRITERS = 64;
const RUNS = 4;

interface Row {
  readonly kind: 'sqlite' | 'postgresql';
  readonly stores: number;
  readonly writers: number;
  readonly perSecond: number;
  readonly p50ms: number;
  readonly p99ms: number;
}

const doors = realDoors();
const masterKey = doors.entropy.bytes(32);

async function round(kind: Row['kind'], stores: readonly Store[]): Promise<Row> {
  const took: number[] = [];
  const started = performance.now();
  const end = started + ROUND_MS;
  const work = async (store: Store, writer: number): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      const act = action(doors.entropy.id('act'), `run_${writer % RUNS}`);
      const { ok } = await store.commit(admit(act, { reservations: [calls('hot', 1e12)] }));
      if (!ok) throw new Error('expected every admission to pass');
      const after = performance.now();
      took.push(after - now);
      now = after;
    }
  };
  await Promise.all(
    stores.flatMap((store) => Array.from({ length: WRITERS }, (_, writer) => work(store, writer))),
  );
  const ms = performance.now() - started;
  took.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((took[Math.floor(took.length * share)] ?? 0) * 100) / 100;
  return {
    ...{ kind, stores: stores.length, writers: stores.length * WRITERS },
    ...{ perSecond: Math.round((took.length / ms) * 1000), p50ms: at(0.5), p99ms: at(0.99) },
  };
}

async function begin(store: Store): Promise<void> {
  const expiresAt = 2e12;
  for (let n = 0; n < RUNS; n++) await store.commit(beginRun(`run_${n}`, { expiresAt }));
}

const median = (rows: readonly Row[]): Row =>
  rows.toSorted((a, b) => a.perSecond - b.perSecond)[rows.length >> 1] as Row;

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const sqlite = await openSqliteStore({ directory: join(folder, 'data'), masterKey, doors });
const server = await startPostgres();
const { host, port, user, password, database } = server;
const address = { client: { host, port, user, password, database, ssl: false } } as const;
const open = () => openPostgresStore({ address, masterKey, doors });
const replicas = [await open(), await open(), await open(), await open()];
try {
  await begin(sqlite);
  await begin(replicas[0] as Store);
  const rounds: Row[][] = [];
  for (let number = 0; number < ROUNDS; number++) {
    process.stderr.write(`round ${number + 1} of ${ROUNDS}\n`);
    const rows = [await round('sqlite', [sqlite])];
    for (const count of [1, 2, 4]) rows.push(await round('postgresql', replicas.slice(0, count)));
    rounds.push(rows);
  }
  const rows = (rounds[0] ?? []).map((_, place) => median(rounds.map((one) => one[place] as Row)));
  if (values.json) console.log(JSON.stringify({ rows }));
  else console.table(rows);
} finally {
  await Promise.all([sqlite, ...replicas].map((store) => store.close()));
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
