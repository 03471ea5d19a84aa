import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import { keyCheck } from '../../ledger/seal.ts';
import { verifyAt, type Whereabouts } from '../open.ts';
import { postgresAddress } from '../postgres/address.ts';
import { PostgresSource, PostgresTarget } from '../postgres/carry.ts';
import { migrate as migratePostgres, takenSteps } from '../postgres/migrate.ts';
import { Session } from '../postgres/session.ts';
import { missing, requireKnown, type Taken } from '../schema.ts';
import { SqliteSource, SqliteTarget } from '../sqlite/carry.ts';
import { migrateDirectory, takenIn } from '../sqlite/migrate.ts';
import { BackupReader, BackupWriter } from './backup-file.ts';
import { type Carried, type CarriedHead, carry, type Source, type Target } from './carry.ts';

/** What `signalbox store …` does. Throws SignalboxErrors; nothing is half done. */

export interface Step {
  readonly number: number;
  readonly name: string;
  readonly breaking: boolean;
}

export type Migration = {
  readonly taken: number;
  /** Those that are still to be taken, or that were. */
  readonly steps: readonly Step[];
};

/** `apply` false only looks. A data directory must not be in use; a shared store may, unless a step is breaking. */
export async function migrateStore(
  at: Whereabouts,
  { now, apply }: { readonly now: number; readonly apply: boolean },
): Promise<Migration> {
  const { shared, directory } = at;
  if (shared === undefined) {
    const taken = takenIn(directory);
    const steps = stepsOf('sqlite', taken);
    if (apply && steps.length > 0) migrateDirectory(directory, now);
    return { taken: taken.length, steps };
  }
  const address = postgresAddress(shared);
  const session = await Session.open(address, { use: 'migration' });
  const taken = await takenSteps(session).finally(() => session.end());
  const steps = stepsOf('postgres', taken);
  if (apply && steps.length > 0) {
    if (steps.some(({ breaking }) => breaking) && taken.length > 0)
      await (await PostgresSource.open(address, true)).close();
    await migratePostgres(address, { at: now, breaking: true });
  }
  return { taken: taken.length, steps };
}

export interface Arriving {
  /** Null: payloads stay closed, and only chains are verified. */
  readonly masterKey: Uint8Array | null;
  /** ms since the epoch. */
  readonly now: number;
}

/** An online copy, all of one moment, in a new file (0600). */
export function backupStore(at: Whereabouts, file: string, aside: string): Promise<Carried> {
  return carried(
    () => sourceAt(at, false),
    () => new BackupWriter(file, aside),
  );
}

/** Into an empty store. With the master key at hand, everything is verified there. */
export async function restoreStore(
  file: string,
  at: Whereabouts,
  { masterKey, now }: Arriving,
): Promise<Arrived> {
  const done = await carried(
    async () => new BackupReader(file),
    () => targetAt(at, now),
    masterKey,
  );
  return arrived(done, at, masterKey);
}

/** Which master key a backup was made under. */
export async function backupKeyCheck(file: string): Promise<string> {
  const backup = new BackupReader(file);
  try {
    return (await backup.head()).keyCheck;
  } finally {
    await backup.close();
  }
}

/** Reads a backup whole, as restoring it would, and leaves nothing behind. */
export async function checkBackup(file: string, arriving: Arriving): Promise<Arrived> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-check-'));
  try {
    return await restoreStore(file, { directory: join(directory, 'data') }, arriving);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** From one kind of store to another, or to another place. The source is only read, and nobody else uses it meanwhile. */
export async function moveStore(
  from: Whereabouts,
  to: Whereabouts,
  { masterKey, now }: Arriving,
): Promise<Arrived> {
  const done = await carried(
    () => sourceAt(from, true),
    () => targetAt(to, now),
    masterKey,
  );
  return arrived(done, to, masterKey);
}

export type Arrived = Carried & {
  readonly ok: boolean;
  /** False without a master key: then payloads were not opened. */
  readonly payloads: 'verified' | 'unopened';
  readonly problems: readonly string[];
};

async function arrived(
  done: Carried,
  at: Whereabouts,
  masterKey: Uint8Array | null,
): Promise<Arrived> {
  const { ok, problems } = await verifyAt(at, { masterKey });
  return { ...done, ok, problems, payloads: masterKey === null ? 'unopened' : 'verified' };
}

async function carried(
  from: () => Promise<Source>,
  to: () => Target,
  masterKey: Uint8Array | null = null,
): Promise<Carried> {
  const source = await from();
  try {
    if (masterKey !== null) requireKey(await source.head(), masterKey);
    const target = to();
    try {
      return await carry(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** A store under another key could be read by nobody here: better found before it is carried than after. */
function requireKey({ keyCheck: made }: CarriedHead, masterKey: Uint8Array): void {
  if (made !== keyCheck(masterKey))
    throw new SignalboxError('MASTER_KEY', 'the master key here is not the one of this store');
}

async function sourceAt({ directory, shared }: Whereabouts, alone: boolean): Promise<Source> {
  return shared === undefined
    ? SqliteSource.open(directory, alone)
    : PostgresSource.open(postgresAddress(shared), alone);
}

function targetAt({ directory, shared }: Whereabouts, now: number): Target {
  return shared === undefined
    ? SqliteTarget.open(directory, now)
    : new PostgresTarget(postgresAddress(shared), now);
}

function stepsOf(dialect: 'sqlite' | 'postgres', taken: readonly Taken[]): Step[] {
  requireKnown(taken, dialect);
  return missing(taken).map(({ number, name, breaking }) => ({ number, name, breaking }));
}
