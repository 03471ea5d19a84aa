import type { RunSummary } from '../../domain/store.ts';
import type { Command } from '../command.ts';
import { relative, table } from '../render.ts';

export const runList: Command = {
  name: 'run list',
  summary: 'list runs, newest first',
  usage: '',
  positionals: [0, 0],
  options: { live: { type: 'boolean', summary: 'only those that are live' } },
  run: async ({ api, io, options, style }) => {
    const found = await api.get(`/api/runs?state=${options.live === true ? 'live' : 'all'}`);
    const runs = found.runs as unknown as readonly RunSummary[];
    const now = io.doors.clock.now();
    const text =
      runs.length === 0
        ? 'no run yet; `signalbox run --agent NAME --intent "…" -- COMMAND` starts one'
        : table(
            [
              'RUN',
              'AGENT',
              'STATE',
              'ACTIONS',
              'REFUSED',
              'WAITING',
              'LAST',
              'INTENT (its own words)',
            ],
            runs.map(({ run, actions, refused, pendingApprovals, lastAt }) => [
              run.id,
              run.agent,
              run.state,
              actions,
              refused,
              pendingApprovals,
              relative(lastAt, now),
              run.intent,
            ]),
            style,
          );
    const more = found.more === true ? '\nthere are older ones that are not listed here' : '';
    return { json: found, text: text + more };
  },
};
