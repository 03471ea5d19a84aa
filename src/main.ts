import { machine } from './cli/door.ts';
import { main as command } from './cli/main.ts';
import type { Parts } from './cli/parts.ts';
import type { Doors } from './domain/doors.ts';
import { haltFile, realDoors } from './doors.ts';
import { VERSION } from './version.ts';

/** Runs one command line; answers its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const doors = realDoors();
  const parts: Parts = {
    version: VERSION,
    haltFile,
    // most commands only talk to a running Signalbox: they need not load one
    start: async (options) => (await import('./system.ts')).startSystem(options),
    verify: async (at) => {
      const { keyCheckAt, verifyAt } = await import('./store/open.ts');
      const masterKey = await keyOf(at.directory, doors, () => keyCheckAt(at));
      return verifyAt(at, { masterKey });
    },
    treeOf: async (at) => (await import('./store/open.ts')).treeAt(at),
    store: storeWorks(doors),
    keys: keyWorks(doors),
  };
  return command(argv, machine(doors), parts);
}

/** The key in a data directory that fits; null when there is none. */
async function keyOf(
  directory: string,
  doors: Doors,
  check: () => Promise<string | null>,
): Promise<Uint8Array | null> {
  const { keyFor } = await import('./system/keys.ts');
  return keyFor(await placeOf(directory, doors), check);
}

async function placeOf(directory: string, doors: Doors) {
  const { keyPlace } = await import('./system/keys.ts');
  return keyPlace(directory, doors, process.env.CREDENTIALS_DIRECTORY ?? null);
}

function keyWorks(doors: Doors): Parts['keys'] {
  const works = () => import('./system/keys.ts');
  return {
    rotate: async (at, source) =>
      (await works()).rekeyStore(at, await placeOf(at.directory, doors), source),
    forgetOld: async (at) => (await works()).forgetOldKey(at, await placeOf(at.directory, doors)),
  };
}

/** Loaded when it is asked for: no other command needs the databases. */
function storeWorks(doors: Doors): Parts['store'] {
  const works = () => import('./store/carry/works.ts');
  const now = (): number => doors.clock.now();
  const keyOfBackup = (directory: string, file: string) =>
    keyOf(directory, doors, async () => (await works()).backupKeyCheck(file));
  const arriving = async (directory: string, file: string) => ({
    masterKey: await keyOfBackup(directory, file),
    now: now(),
  });
  return {
    migrate: async (at, apply) => (await works()).migrateStore(at, { now: now(), apply }),
    backup: async (at, file) =>
      (await works()).backupStore(at, file, `${file}.${doors.entropy.id('tmp')}`),
    restore: async (file, at) =>
      (await works()).restoreStore(file, at, await arriving(at.directory, file)),
    check: async (file, at) =>
      (await works()).checkBackup(file, await arriving(at.directory, file)),
    move: async (from, to) => {
      const { keyCheckAt } = await import('./store/open.ts');
      const masterKey = await keyOf(from.directory, doors, () => keyCheckAt(from));
      return (await works()).moveStore(from, to, { masterKey, now: now() });
    },
  };
}
