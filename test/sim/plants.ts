import type { Broker } from '../../src/broker/broker.ts';
import { STALE_ABORT } from '../../src/broker/flights.ts';
import type { ActionSettle, Op } from '../../src/domain/ops.ts';
import type { SqliteCore } from '../../src/store/sqlite/core.ts';
import type { Work } from '../../src/store/work.ts';
import type { Model } from './model.ts';
import type { Sent } from './sqlite.ts';
import type { World } from './world.ts';

/** A bug put in at the seam between broker and store; production code holds no trace of it. */
export interface Plant {
  /** The op as the faulty store carries it out. */
  carries?(sent: Sent): Work;
  /** After an op that was committed: what the faulty store does to its tables. */
  tampers?(op: Op, database: SqliteCore['database']): void;
  /** After an op that was refused. */
  refused?(op: Op, database: SqliteCore['database']): void;
  /** Says yes before the op is durable. */
  answersEarly?(op: Op): boolean;
  /** What it says has landed. */
  lands?(landed: number): number;
  /** Bends the parts of a replica that is built. */
  bends?(broker: Broker): void;
  /** Knows of no halt when it is asked a second time. */
  readonly hidesHalts?: boolean;
}

export const PLANTS = {
  /** Intents are confirmed before they are durable, so that effects and results overtake them. */
  'outcome-before-intent': () => ({
    answersEarly: ({ kind }) => kind === 'action.admit' || kind === 'action.mark',
  }),
  /** What a failed or refused action had reserved is never given back. */
  'lost-void': (model) => ({
    tampers: (op, database) => {
      const isOver =
        op.kind === 'action.settle' && ['failed', 'refused'].includes(op.settlement.kind);
      if (isOver) shift(model, op, database, 'pending');
    },
  }),
  /** Halts are looked at when an action is judged, and never again. */
  'halt-not-rechecked': (model) => ({
    hidesHalts: true,
    carries: ({ op, work }) => {
      // a read and its outcome are one record, written before the store sees it
      const isRead = work.kind === 'read';
      if (isRead || (op.kind !== 'action.admit' && op.kind !== 'action.mark')) return work;
      const stamp = op.kind === 'action.admit' ? { ...op.stamp, halt: model.epoch } : undefined;
      return { ...work, scopes: [], ...(stamp === undefined ? {} : { stamp }) } as Work;
    },
  }),
  /** An outcome is charged twice. */
  'double-settle': (model) => ({
    tampers: (op, database) => {
      if (op.kind === 'action.settle' && op.settlement.kind === 'done')
        shift(model, op, database, 'posted');
    },
  }),
  /** Now and then the newest record is not written, though its chain goes on as if it had been. */
  'chain-gap': (_model, { random }) => ({
    tampers: (_op, database) => {
      if (random.chance(0.02)) loseNewestRecord(database);
    },
  }),
  /** Old knowledge of halts is as good as new. */
  'never-stale': () => ({
    bends: ({ freshness }) => Object.defineProperty(freshness, 'isFresh', { get: () => true }),
  }),
  /** Flights go on when knowledge of halts has become too old. */
  'stale-flies-on': () => ({
    bends: ({ flights }) => {
      const { abort } = flights;
      flights.abort = (scope, reason) =>
        reason === STALE_ABORT
          ? { aborted: 0, sent: 0, landed: Promise.resolve(true) }
          : abort.call(flights, scope, reason);
    },
  }),
  /** Whoever is another is dead. */
  'living-recovered': () => ({
    bends: ({ freshness }) => {
      freshness.whoseIsLeft = async () => (replica) => replica !== freshness.replica;
    },
  }),
  /** A replica says that a halt has landed as soon as it has heard of it. */
  'landed-too-early': (model) => ({ lands: () => model.epoch }),
  /** An intent is recorded whatever has moved since it was judged. */
  'stamp-not-rechecked': (model) => ({
    carries: ({ op, work }) => {
      if (work.kind === 'read' || op.kind !== 'action.admit') return work;
      const stamp = { halt: model.epoch, bundle: model.bundle?.digest ?? op.stamp.bundle };
      return { ...op, stamp };
    },
  }),
  /** Whoever settles an intent a second time gives its reservation back once more, charged or not. */
  'double-release': (model) => ({
    refused: (op, database) => {
      if (op.kind !== 'action.settle') return;
      shift(model, op, database, 'pending', -1);
      shift(model, op, database, 'posted', -1);
    },
  }),
  /** An approval that one replica has used is still there for another. */
  'approval-used-twice': () => ({
    tampers: (op, database) => {
      if (op.kind === 'action.admit' && op.approvalId !== null)
        database.run("UPDATE approvals SET state = 'approved' WHERE id = ?", op.approvalId);
    },
  }),
  /** A halt of the machine alone is written down, and nobody asks for it. */
  'local-gate-blind': () => ({
    bends: ({ local }) => Object.defineProperty(local, 'size', { get: () => 0 }),
  }),
  /** What a dead replica was lent is left to live. */
  'dead-leases-left': () => ({
    bends: ({ credentials }) => {
      credentials.sweep = async () => 0;
    },
  }),
} as const satisfies Record<string, (model: Model, world: World) => Plant>;

/** Found within so many seeds; those of several replicas need two of them, and more chance. */
export function foundWithin(name: PlantName): number {
  return OF_ONE.has(name) ? 500 : 2_000;
}

const OF_ONE: ReadonlySet<string> = new Set([
  ...['outcome-before-intent', 'lost-void', 'halt-not-rechecked', 'double-settle', 'chain-gap'],
]);

export type PlantName = keyof typeof PLANTS;
export const PLANT_NAMES = Object.keys(PLANTS) as PlantName[];

export function plant(name: PlantName, model: Model, world: World): Plant {
  const make: (model: Model, world: World) => Plant = PLANTS[name];
  return make(model, world);
}

function shift(
  model: Model,
  op: ActionSettle,
  database: SqliteCore['database'],
  column: 'pending' | 'posted',
  times = 1,
): void {
  for (const { key, dimension, amount } of model.actions.get(op.actionId)?.reservations ?? [])
    database.run(
      `UPDATE usage SET ${column} = max(0, ${column} + ?) WHERE key = ? AND dimension = ?`,
      times * amount,
      key,
      dimension,
    );
}

function loseNewestRecord(database: SqliteCore['database']): void {
  const triggers = database.all<{ name: string; sql: string }>(
    `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'`,
  );
  for (const { name } of triggers) database.raw.exec(`DROP TRIGGER "${name}"`);
  database.raw.exec(`
    DELETE FROM payloads WHERE id = (SELECT max(id) FROM events);
    DELETE FROM events WHERE id = (SELECT max(id) FROM events);
  `);
  for (const { sql } of triggers) database.raw.exec(sql);
}
