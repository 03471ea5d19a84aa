/** A process made to be killed while it changes the master key. Usage: node rekey-child.ts DIRECTORY */
import { writeSync } from 'node:fs';
import { outputOf, readText, realDoors } from '../../doors.ts';
import { keyCheck } from '../../ledger/seal.ts';
import { storeAtRest } from '../../store/open.ts';
import { rotateKey } from '../key-rotation.ts';

const directory = process.argv[2] ?? '';
const doors = realDoors();
const store = await storeAtRest(
  { directory },
  { bytes: doors.entropy.bytes, at: doors.clock.now() },
);
const { rekey } = store;
store.rekey = async (order) => {
  writeSync(1, 'begun\n');
  const done = await rekey.call(store, order);
  writeSync(1, 'changed\n');
  return done;
};
await rotateKey(
  { directory, doors, credentials: null, outputOf, readText, checkOf: keyCheck },
  store,
  null,
);
await store.close();
