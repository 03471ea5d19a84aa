import { isJsonObject } from '../../domain/json.ts';
import type { Command } from '../command.ts';
import { moment, table } from '../render.ts';

const DAY_MS = 86_400_000;

export const secretList: Command = {
  name: 'secret list',
  summary: 'name the stored secrets, their age and who uses them; values never come out',
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
              ['NAME', 'VERSION', 'SET', 'AGE', 'USED BY'],
              secrets.map(({ name, version, at, ageMs, usedBy }) => [
                String(name),
                String(version),
                moment(Number(at)),
                `${Math.floor(Number(ageMs) / DAY_MS)} d`,
                Array.isArray(usedBy) && usedBy.length > 0 ? usedBy.join(', ') : 'nobody',
              ]),
              style,
            ),
    };
  },
};
