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
  /** Says yes before the op is durable. */
  answersEarly?(op: Op): boolean;
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
} as const satisfies Record<string, (model: Model, world: World) => Plant>;

export type PlantName = keyof typeof PLANTS;
export const PLANT_NAMES = Object.keys(PLANTS) as PlantName[];

export function isPlantName(name: string): name is PlantName {
  return Object.hasOwn(PLANTS, name);
}

export function plant(name: PlantName, model: Model, world: World): Plant {
  const make: (model: Model, world: World) => Plant = PLANTS[name];
  return make(model, world);
}

function shift(
  model: Model,
  op: ActionSettle,
  database: SqliteCore['database'],
  column: 'pending' | 'posted',
): void {
  for (const { key, dimension, amount } of model.actions.get(op.actionId)?.reservations ?? [])
    database.run(
      `UPDATE usage SET ${column} = ${column} + ? WHERE key = ? AND dimension = ?`,
      amount,
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
