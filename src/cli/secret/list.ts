import { isJsonObject } from '../../domain/json.ts';
import type { Command } from '../command.ts';
import { moment, table } from '../render.ts';

export const secretList: Command = {
  name: 'secret list',
  summary: 'name the secrets that are stored; values never come out',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api, style }) => {
    const found = await api.get('/api/secrets');
    const secrets = Array.isArray(found.secrets) ? found.secrets.filter(isJsonObject) : [];
    return {
      json: found,
      text:
        secrets.length === 0
          ? 'no secret is stored; `signalbox secret set NAME` stores one'
          : table(
              ['NAME', 'VERSION', 'SET'],
              secrets.map(({ name, version, at }) => [
                String(name),
                String(version),
                moment(Number(at)),
              ]),
              style,
            ),
    };
  },
};
