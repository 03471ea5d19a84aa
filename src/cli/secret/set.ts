import type { Command } from '../command.ts';
import { noteOn, secretValue, VALUE_OPTIONS } from './value.ts';

export const secretSet: Command = {
  name: 'secret set',
  summary:
    'store a secret of a connection, encrypted; the value is read from stdin, a file or unseen',
  usage: 'NAME',
  positionals: [1, 1],
  options: VALUE_OPTIONS,
  run: async (call) => {
    const [name = ''] = call.positionals;
    const value = await secretValue(call);
    const set = await call.api.post(`/api/secrets/${encodeURIComponent(name)}`, { value });
    return { json: set, text: `${name} is set, version ${String(set.version)}${noteOn(set)}` };
  },
};
