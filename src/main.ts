import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from './cli/door.ts';
import { main as command } from './cli/main.ts';
import type { Parts } from './cli/parts.ts';
import { KEY_FILE, loadMasterKey } from './credentials/master-key.ts';
import { haltFile, realDoors } from './doors.ts';
import { verifyStore } from './store/sqlite/evidence.ts';
import { VERSION } from './version.ts';

/** Runs one command line; answers its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const doors = realDoors();
  const parts: Parts = {
    version: VERSION,
    haltFile,
    // most commands only talk to a running Signalbox: they need not load one
    start: async (options) => (await import('./system.ts')).startSystem(options),
    verifyDirectory: async (directory) => {
      const hasKey = existsSync(join(directory, KEY_FILE));
      const masterKey = hasKey ? await loadMasterKey(directory, doors.entropy) : null;
      return verifyStore({ directory, masterKey });
    },
  };
  return command(argv, machine(doors), parts);
}
