import { SignalboxError } from '../../domain/errors.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import type { Migration } from '../migrations/migration.ts';
import { checksumOf, missing, requireKnown, type Taken } from '../schema.ts';
import type { PostgresAddress } from './address.ts';
import { LOCK_CLASS } from './locks.ts';
import { Session, UNHURRIED } from './session.ts';

/** Rewriting a large table may take its time; nobody is served meanwhile. */
const PATIENCE = { ...UNHURRIED, queryMs: 30 * 60_000, lockMs: 60_000 };

const TAKEN = { name: 'taken', text: 'SELECT number, checksum FROM migrations ORDER BY number' };
const EXISTS = { name: 'is-there', text: `SELECT to_regclass($1) IS NOT NULL AS there` };
const TAKE = {
  name: 'take',
  text: 'INSERT INTO migrations (number, name, checksum, breaking, at) VALUES ($1, $2, $3, $4, $5)',
};

export interface MigrateOptions {
  readonly at: number;
  /** False: a step that older programs cannot live with is refused on a store that is in use. */
  readonly breaking: boolean;
  readonly migrations?: readonly Migration[];
}

/**
 * Brings the schema up to date: all missing steps in one transaction, by one process at a time. Returns what was done.
 * Throws SignalboxError `STORE_NEWER`, `STORE_DOWN`, `STORE_LOCKED` for a breaking step that nobody asked for.
 */
export async function migrate(
  address: PostgresAddress,
  { at, breaking, migrations = MIGRATIONS }: MigrateOptions,
): Promise<readonly Migration[]> {
  const session = await Session.open(address, { use: 'migration', patience: PATIENCE });
  try {
    await session.say('BEGIN');
    await session.say(`SELECT pg_advisory_xact_lock(${LOCK_CLASS * 2 ** 32})`);
    await session.say(`CREATE TABLE IF NOT EXISTS migrations (
      number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
      breaking smallint NOT NULL, at bigint NOT NULL)`);
    const taken = await session.rows<Taken>(TAKEN, []);
    requireKnown(taken, 'postgres', migrations);
    const steps = missing(taken, migrations);
    const hard = steps.find((step) => step.breaking);
    if (hard !== undefined && taken.length > 0 && !breaking)
      throw new SignalboxError(
        'STORE_LOCKED',
        `schema step ${hard.number} (${hard.name}) ends what older programs can use`,
        { help: 'stop every replica, take a backup, then run `signalbox store migrate`' },
      );
    for (const step of steps) {
      await session.say(step.postgres);
      const { number, name } = step;
      const checksum = checksumOf(step, 'postgres');
      await session.run(TAKE, [number, name, checksum, step.breaking ? 1 : 0, at]);
    }
    await session.say('COMMIT');
    return steps;
  } finally {
    await session.end();
  }
}

/** The steps a store has taken; none for an empty database. */
export async function takenSteps(session: Session): Promise<readonly Taken[]> {
  const [found] = await session.rows<{ there: boolean }>(EXISTS, ['migrations']);
  return found?.there === true ? session.rows<Taken>(TAKEN, []) : [];
}
