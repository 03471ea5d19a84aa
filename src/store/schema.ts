import { sha256 } from '../domain/digest.ts';
import { SignalboxError } from '../domain/errors.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { Migration } from './migrations/migration.ts';

/** A step that a store has taken. */
export interface Taken {
  readonly number: number;
  readonly checksum: string;
}

export type Dialect = 'sqlite' | 'postgres';

/**
 * Throws unless every step is one we know: `STORE_NEWER` when a newer program has been here, `STORE_DOWN` when a
 * released step was edited.
 */
export function requireKnown(
  taken: readonly Taken[],
  dialect: Dialect,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const known = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const { number, checksum } of taken) {
    const migration = known.get(number);
    if (migration === undefined)
      throw new SignalboxError(
        'STORE_NEWER',
        `the store has schema ${number}, this program knows up to ${Math.max(...known.keys())}`,
      );
    if (checksumOf(migration, dialect) !== checksum)
      throw new SignalboxError(
        'STORE_DOWN',
        `schema step ${number} is not the one this store was made with`,
        { help: 'install a released Signalbox: a released schema step never changes' },
      );
  }
}

/** The steps that are still to be taken. */
export function missing(
  taken: readonly Taken[],
  migrations: readonly Migration[] = MIGRATIONS,
): Migration[] {
  const done = new Set(taken.map(({ number }) => number));
  return migrations.filter(({ number }) => !done.has(number));
}

export function checksumOf(migration: Migration, dialect: Dialect): string {
  const { number, name, breaking } = migration;
  return sha256(`${number}\n${name}\n${breaking}\n${migration[dialect]}`);
}
