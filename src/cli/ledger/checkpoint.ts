import { SignalboxError } from '../../domain/errors.ts';
import { readCheckpoint } from '../../ledger/checkpoint.ts';
import type { Command } from '../command.ts';
import { type Newest, STORE_AT, withSource } from './source.ts';

export const ledgerKey: Command = {
  name: 'ledger key',
  summary: 'print the public key of the ledger; keep it where nobody who can write the store can',
  usage: '',
  positionals: [0, 0],
  options: STORE_AT,
  run: async (call) => {
    const { key } = await withSource(call, (source) => source.newest());
    if (key === null) throw nothingYet();
    return { json: { key }, text: key };
  },
};

export const ledgerCheckpoint: Command = {
  name: 'ledger checkpoint',
  summary:
    'print the newest signed checkpoint: how many records, and the root of the tree over them',
  usage: '',
  positionals: [0, 0],
  options: STORE_AT,
  run: async (call) => {
    const { key, unsealed, checkpoint }: Newest = await withSource(call, (source) =>
      source.newest(),
    );
    if (checkpoint === null) throw nothingYet();
    const { note, at } = checkpoint;
    const { origin, size, root } = readCheckpoint(note);
    return {
      json: { note, origin, size, root: root.toString('base64'), at, key, unsealed },
      text: note.trimEnd(),
    };
  },
};

function nothingYet(): SignalboxError {
  return new SignalboxError('NOT_SEALED', 'no checkpoint was signed yet');
}
