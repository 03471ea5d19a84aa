import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteCore } from '../../src/store/sqlite/core.ts';
import { openSqliteStore, storeOver } from '../../src/store/sqlite/store.ts';
import { storeContract } from './store.ts';
import { MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

storeContract('SQLite, writing on a thread of its own', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-store-'));
  const store = await openSqliteStore({ directory, masterKey: MASTER_KEY, doors: stillDoors() });
  return {
    store,
    async close() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});

storeContract('SQLite, the synchronous core', async () => {
  const doors = stillDoors();
  const { bytes } = doors.entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  const store = storeOver(core, MASTER_KEY, doors);
  return {
    store,
    async close() {
      await store.close();
      core.close();
    },
  };
});
