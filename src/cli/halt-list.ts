import type { StandingHalt } from '../broker/standing.ts';
import { stillAlive } from '../surfaces/admin/halt-words.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Command } from './command.ts';
import { relative } from './render.ts';

export const haltList: Command = {
  name: 'halt list',
  summary: 'list the halts in force: since when, by whom, and what of them is still alive',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api, io, style }) => {
    const found = await api.get('/api/halts');
    const halts = (Array.isArray(found.halts) ? found.halts : []) as unknown as StandingHalt[];
    const now = io.doors.clock.now();
    return {
      json: found,
      text:
        halts.length === 0
          ? 'no halt is in force'
          : halts
              .map((halt) => {
                const state = halt.state === 'inert' ? style.good('inert') : style.bad(halt.state);
                const head = `${plain(halt.scope)}  ${state}  ${relative(halt.at, now)} by ${plain(halt.by)}: ${plain(halt.reason)}`;
                return [head, ...stillAlive(halt).map((line) => `  ${plain(line)}`)].join('\n');
              })
              .join('\n'),
    };
  },
};
