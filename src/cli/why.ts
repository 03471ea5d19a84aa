import { plain } from '../surfaces/admin/reveal.ts';
import type { Command } from './command.ts';

export const why: Command = {
  name: 'why',
  summary: 'tell what led to an action, an approval or a run, and what followed',
  usage: 'ID',
  positionals: [1, 1],
  options: {},
  run: async ({ api, positionals: [id = ''] }) => {
    const found = await api.get(`/api/why/${encodeURIComponent(id)}`);
    const lines = Array.isArray(found.lines) ? found.lines : [];
    return { json: found, text: lines.map((line) => plain(String(line))).join('\n') };
  },
};
