import type { PlanView } from '../../config/render-plan.ts';
import { PACK } from '../../policy/pack.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { count } from '../render.ts';
import { sentConfig } from '../sent-config.ts';

export const policyCheck: Command = {
  name: 'policy check',
  summary: 'check the policies of a signalbox.yaml against its tools; every fault with its line',
  usage: '[FILE]',
  positionals: [0, 1],
  options: {},
  run: async ({ api, io, positionals: [file = 'signalbox.yaml'] }) => {
    const planned = await api.post('/api/plan', await sentConfig(io, file));
    const { changes, widenings, warnings } = planned as unknown as PlanView;
    const moved = changes.filter(({ subject }) => subject === 'policy');
    const own = moved.filter(({ name }) => !Object.hasOwn(PACK, name));
    const said = warnings.filter((words) => words.includes(' policy `'));
    const wider = widenings.filter((words) => words.startsWith('policy `'));
    return {
      json: { ok: true, changes: moved as never, widenings: wider, warnings: said },
      text: [
        `the policies fit the tools; ${count(own.length, 'policy of yours differs', 'policies of yours differ')} from what is active`,
        ...wider.map((words) => `  ! ${plain(words)}`),
        ...said.map((words) => `  - ${plain(words)}`),
      ].join('\n'),
    };
  },
};
