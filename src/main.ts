import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from './cli/door.ts';
import { main as command } from './cli/main.ts';
import type { Parts } from './cli/parts.ts';
import { KEY_FILE, loadMasterKey } from './credentials/master-key.ts';
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
      const hasKey = existsSync(join(at.directory, KEY_FILE));
      const masterKey = hasKey ? await loadMasterKey(at.directory, doors.entropy) : null;
      const { verifyAt } = await import('./store/open.ts');
      return verifyAt(at, { masterKey });
    },
    treeOf: async (at) => (await import('./store/open.ts')).treeAt(at),
  };
  return command(argv, machine(doors), parts);
}
