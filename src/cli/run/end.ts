import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';

export const runEnd: Command = {
  name: 'run end',
  summary: 'end a run: its tokens, open asks and credentials end with it',
  usage: 'ID',
  positionals: [1, 1],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'kept in the ledger' } },
  run: async ({ api, positionals: [id = ''], options }) => {
    const reason = typeof options.reason === 'string' ? options.reason : 'ended by an operator';
    const done = await api.post(`/api/runs/${encodeURIComponent(id)}/end`, { reason });
    return { json: done, text: `ended ${plain(id)}` };
  },
};
