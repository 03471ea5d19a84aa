import type { Command } from '../command.ts';
import { confirm } from '../confirm.ts';

export const connectionForget: Command = {
  name: 'connection forget',
  summary: 'end the access that a human gave at a server behind OAuth (owners only)',
  usage: 'NAME',
  positionals: [1, 1],
  options: {
    user: {
      type: 'string',
      value: 'USER',
      summary: 'the access of this user, where each has an own',
    },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => {
    const [name = ''] = call.positionals;
    await confirm(call, `${name} would have to be authorized again`, 'Forget its access?');
    const path = `/api/connections/${encodeURIComponent(name)}/forget`;
    const { user } = call.options;
    const ended = await call.api.post(path, typeof user === 'string' ? { user } : {});
    const revoked = ended.revoked === true;
    return {
      json: ended,
      text: revoked
        ? `${name} is forgotten, and its server was told to end what it gave`
        : `${name} is forgotten here; its server cannot be told, so end it there if it may have leaked`,
    };
  },
};
