/**
 * A process made to be killed while it changes the master key. It says `begun`, `midway` (inside the transaction) and
 * `changed`, and stands still where it is told to. Usage: node rekey-child.ts DIRECTORY [SHARED [LINE]]
 */
import { writeSync } from 'node:fs';
import { outputOf, readText, realDoors } from '../../doors.ts';
import { keyCheck } from '../../ledger/seal.ts';
import { storeAtRest } from '../../store/open.ts';
import { rotateKey } from '../key-rotation.ts';

const [, , directory = '', shared = 'null', stand = ''] = process.argv;
const doors = realDoors();
const store = await storeAtRest(
  { directory, ...(JSON.parse(shared) ?? {}) },
  { bytes: doors.entropy.bytes, at: doors.clock.now() },
);
const said = (line: string): void => {
  writeSync(1, `${line}\n`);
  if (line === stand) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
};
const { rekey } = store;
store.rekey = async (order) => {
  said('begun');
  const rewrap: typeof order.rewrap = (...secret) => {
    said('midway');
    return order.rewrap(...secret);
  };
  const done = await rekey.call(store, { ...order, rewrap });
  said('changed');
  return done;
};
await rotateKey(
  { directory, doors, credentials: null, outputOf, readText, checkOf: keyCheck },
  store,
  null,
);
await store.close();
