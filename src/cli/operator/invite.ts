import type { Command } from '../command.ts';

export const operatorInvite: Command = {
  name: 'operator invite',
  summary: 'make a setup code for another person (owners only)',
  usage: '',
  positionals: [0, 0],
  options: { owner: { type: 'boolean', summary: 'they may widen authority and invite others' } },
  run: async ({ api, options }) => {
    const role = options.owner === true ? 'owner' : 'operator';
    const made = await api.post('/api/operators/invite', { role });
    return {
      json: made,
      text: `${String(made.code)}\n\na code for one ${role}, good once and for ten minutes, asked for by:\n  signalbox login --url ${await api.url()} --name NAME`,
    };
  },
};
