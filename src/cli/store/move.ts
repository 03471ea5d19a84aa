import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { Call, Command } from '../command.ts';
import type { StoreAt } from '../parts.ts';
import { progress } from '../progress.ts';
import { sharedStoreAt } from '../store-at.ts';
import { dataDirectory } from '../up.ts';
import { arrivedAnswer } from './arrived.ts';
import { PLACE_OPTIONS, storeAt, whatIs } from './at.ts';

export const storeMove: Command = {
  name: 'store move',
  summary:
    'carry a store that nobody uses into an empty one of the other kind, and verify it there',
  usage: '',
  positionals: [0, 0],
  options: {
    ...PLACE_OPTIONS,
    to: {
      type: 'string',
      value: 'WHERE',
      summary: 'a PostgreSQL database, or (with `--store`) a data directory',
    },
  },
  run: async (call) => {
    const { io, parts } = call;
    const [from, to] = await ends(call);
    const done = await progress(io, 'moving', parts.store.move(from, to));
    const answer = arrivedAnswer(call, done, whatIs(to));
    return { ...answer, text: `${answer.text}\n${whatIs(from)} is as it was` };
  },
};

async function ends(call: Call): Promise<[StoreAt, StoreAt]> {
  const { to } = call.options;
  if (typeof to !== 'string')
    throw new SignalboxError('USAGE', 'expected `--to` and where it is moved');
  const isShared = /^postgres(ql)?:/.test(to);
  const isFromShared = typeof call.options.store === 'string';
  if (isShared && isFromShared)
    throw new SignalboxError(
      'USAGE',
      'from one PostgreSQL to another: `store backup`, then restore',
    );
  const directory = dataDirectory(call);
  if (isShared) return [{ directory }, { directory, shared: await sharedStoreAt(call, to) }];
  if (!isFromShared)
    throw new SignalboxError(
      'USAGE',
      'one data directory to another: copy it while it is not used',
    );
  return [await storeAt(call), { directory: resolve(call.io.cwd, to) }];
}
