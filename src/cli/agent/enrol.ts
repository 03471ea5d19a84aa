import type { Command } from '../command.ts';

export const agentEnrol: Command = {
  name: 'agent enrol',
  summary: 'make a secret for an agent of the active bundle; it is shown once',
  usage: 'NAME',
  positionals: [1, 1],
  options: {
    save: { type: 'boolean', summary: 'keep it here for `signalbox run` instead of showing it' },
  },
  run: async ({ api, home, options, positionals: [name = ''] }) => {
    const made = await api.post(`/api/agents/${encodeURIComponent(name)}/enrol`, {});
    const { agent, url, token } = { agent: name, url: String(made.url), token: String(made.token) };
    if (options.save !== true)
      return {
        json: made,
        text: `${token}\n\nthis is the secret of ${agent}, shown once; it is not kept here`,
      };
    const file = await home.saveAgent({ agent, url, token });
    return {
      json: { agent, file, expiresAt: made.expiresAt ?? null },
      text: `the secret of ${agent} is in ${file}, readable by you alone\nsignalbox run --agent ${agent} --intent "…" -- COMMAND`,
    };
  },
};
