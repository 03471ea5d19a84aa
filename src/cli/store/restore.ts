import type { Command } from '../command.ts';
import { progress } from '../progress.ts';
import { arrivedAnswer } from './arrived.ts';
import { fileNamed, PLACE_OPTIONS, storeAt, whatIs } from './at.ts';

export const storeRestore: Command = {
  name: 'store restore',
  summary: 'make a store of a backup where there is none yet, and verify it there',
  usage: 'FILE',
  positionals: [1, 1],
  options: {
    ...PLACE_OPTIONS,
    check: { type: 'boolean', summary: 'only read the backup and verify it; restore nothing' },
  },
  run: async (call) => {
    const { io, options, parts } = call;
    const file = fileNamed(call);
    const at = await storeAt(call);
    const isCheck = options.check === true;
    const done = await progress(
      io,
      isCheck ? 'checking' : 'restoring',
      isCheck ? parts.store.check(file, at) : parts.store.restore(file, at),
    );
    return arrivedAnswer(call, done, isCheck ? file : whatIs(at));
  },
};
