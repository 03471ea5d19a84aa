import { machine } from './cli/door.ts';
import { main as command } from './cli/main.ts';
import type { Parts, StoreAt } from './cli/parts.ts';
import { hasMasterKey, masterKeyOf } from './credentials/key-source.ts';
import type { Doors } from './domain/doors.ts';
import { haltFile, outputOf, realDoors } from './doors.ts';
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
      const masterKey = await keyIn(at.directory, doors);
      const { verifyAt } = await import('./store/open.ts');
      return verifyAt(at, { masterKey });
    },
    treeOf: async (at) => (await import('./store/open.ts')).treeAt(at),
    store: storeWorks(doors),
  };
  return command(argv, machine(doors), parts);
}

async function keyIn(directory: string, doors: Doors): Promise<Uint8Array | null> {
  if (!(await hasMasterKey(directory))) return null;
  const credentials = process.env.CREDENTIALS_DIRECTORY ?? null;
  return masterKeyOf(directory, { doors, credentials, outputOf });
}

/** Loaded when it is asked for: no other command needs the databases. */
function storeWorks(doors: Doors): Parts['store'] {
  const works = () => import('./store/carry/works.ts');
  const arriving = async ({ directory }: StoreAt) => ({
    masterKey: await keyIn(directory, doors),
    now: doors.clock.now(),
  });
  return {
    migrate: async (at, apply) =>
      (await works()).migrateStore(at, { now: doors.clock.now(), apply }),
    backup: async (at, file) =>
      (await works()).backupStore(at, file, `${file}.${doors.entropy.id('tmp')}`),
    restore: async (file, at) => (await works()).restoreStore(file, at, await arriving(at)),
    check: async (file, at) => (await works()).checkBackup(file, await arriving(at)),
    move: async (from, to) => (await works()).moveStore(from, to, await arriving(from)),
  };
}
