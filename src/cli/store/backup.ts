import type { Command } from '../command.ts';
import { progress } from '../progress.ts';
import { count, fields } from '../render.ts';
import { fileNamed, PLACE_OPTIONS, storeAt } from './at.ts';

export const storeBackup: Command = {
  name: 'store backup',
  summary: 'write all of a store, as it is at one moment, to a new file; it may be in use',
  usage: 'FILE',
  positionals: [1, 1],
  options: PLACE_OPTIONS,
  run: async (call) => {
    const { io, parts, style } = call;
    const file = fileNamed(call);
    const at = await storeAt(call);
    const done = await progress(io, 'backing up', parts.store.backup(at, file));
    const { ledger, rows, tables, schema } = done;
    return {
      json: { ok: true, file, ledger, schema, tables, rows },
      text: `${file}
${fields(
  [
    ['ledger', ledger],
    ['schema', schema],
    ['rows', rows],
  ],
  style,
)}
It holds ${count(tables, 'table')}, sealed under the master key, which is not in it: keep both, apart.`,
    };
  },
};
