import { type PlanView, renderPlan } from '../../config/render-plan.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { count } from '../render.ts';
import { sentConfig } from '../sent-config.ts';

export const toolAccept: Command = {
  name: 'tool accept',
  summary: 'take the tools named as their server defines them now, and nothing else',
  usage: 'NAMES',
  positionals: [1, 1],
  options: {
    config: { type: 'string', value: 'FILE', summary: 'the file that is applied (signalbox.yaml)' },
    inspect: {
      type: 'string',
      value: 'NAMES',
      summary: 'let it start these servers though what they start has changed',
    },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => {
    const { api, io, options, positionals } = call;
    const names = (positionals[0] ?? '').split(',').map((name) => name.trim());
    const file = typeof options.config === 'string' ? options.config : 'signalbox.yaml';
    const inspect = typeof options.inspect === 'string' ? { inspect: options.inspect } : {};
    const config = { ...(await sentConfig(io, file)), ...inspect };
    const planned = await api.post('/api/plan', config);
    const view = planned as unknown as PlanView;
    const others = view.changes.filter(
      ({ subject, name }) =>
        !(subject === 'tool' && names.includes(name)) &&
        !(subject === 'connection' && names.includes(name)),
    );
    if (view.changes.length === 0)
      return {
        json: { accepted: [], applied: false },
        text: 'there is nothing to accept: everything is as it was',
      };
    if (others.length > 0)
      throw new SignalboxError(
        'USAGE',
        `applying \`${file}\` would change ${count(others.length, 'other thing')} as well: ${others
          .slice(0, 8)
          .map(({ subject, name }) => `${subject} \`${name}\``)
          .join(', ')}`,
        {
          help: `name them too, or use \`signalbox plan ${file}\` and \`signalbox apply ${file}\``,
        },
      );
    await confirm(call, renderPlan(view), 'Accept this?');
    await api.post('/api/apply', { ...config, plan: planned.plan ?? '' });
    const accepted = view.changes.map(({ name }) => name);
    return {
      json: { accepted, applied: true },
      text: `accepted ${accepted.map((name) => `\`${name}\``).join(', ')}`,
    };
  },
};
