import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { readCheckpoint } from '../../ledger/checkpoint.ts';
import type { Command } from '../command.ts';
import { fileText, notesIn } from './kept.ts';

export const ledgerProve: Command = {
  name: 'ledger prove',
  summary: 'print a proof that records are in the signed tree, or that it continues an older one',
  usage: '[ID]',
  positionals: [0, 1],
  options: {
    checkpoint: {
      type: 'string',
      value: 'FILE',
      summary: 'under this checkpoint, which you kept, instead of the newest',
    },
    since: {
      type: 'string',
      value: 'FILE',
      summary: 'without ID: that nothing which this checkpoint covers has changed',
    },
  },
  run: async (call) => {
    const { api, options, positionals } = call;
    const [id] = positionals;
    if ((id === undefined) !== (typeof options.since === 'string'))
      throw new SignalboxError('USAGE', 'expected either an ID or `--since FILE`');
    const under = await noteIn(call, options.checkpoint);
    const since = await noteIn(call, options.since);
    const query = new URLSearchParams(
      since === null ? { id: id ?? '' } : { first: String(readCheckpoint(since).size) },
    );
    if (under !== null)
      query.set(since === null ? 'size' : 'second', String(readCheckpoint(under).size));
    const proof: JsonObject = await api.get(
      `/api/ledger/${since === null ? 'proof' : 'consistency'}?${query}`,
    );
    const json = { ...proof, checkpoint: under ?? proof.checkpoint ?? null };
    return { json, text: JSON.stringify(json, null, 2) };
  },
};

/** The newest checkpoint of a file that an option names. */
async function noteIn(
  call: Parameters<Command['run']>[0],
  name: string | boolean | undefined,
): Promise<string | null> {
  return typeof name === 'string' ? (notesIn(await fileText(call, name)).at(-1) ?? null) : null;
}
