import type { Command } from '../command.ts';
import { moment } from '../render.ts';
import { noteOn, secretValue, VALUE_OPTIONS } from './value.ts';

export const secretRotate: Command = {
  name: 'secret rotate',
  summary:
    'put a new value in the place of a stored secret, and say how long the old one is still used',
  usage: 'NAME',
  positionals: [1, 1],
  options: {
    ...VALUE_OPTIONS,
    now: { type: 'boolean', summary: 'end what holds the old value at once' },
  },
  run: async (call) => {
    const [name = ''] = call.positionals;
    const value = await secretValue(call);
    const now = call.options.now === true;
    const path = `/api/secrets/${encodeURIComponent(name)}/rotate`;
    const done = await call.api.post(path, { value, now });
    const held = Number(done.leases);
    const old =
      held === 0 || now
        ? 'nothing here uses the old value any more: end it at its source'
        : `${held} lease${held === 1 ? '' : 's'} may use the old value until ${moment(Number(done.oldUntil))}: end it at its source then, or now with --now`;
    return {
      json: done,
      text: `${name} is rotated, version ${String(done.version)}\n${old}${noteOn(done)}`,
    };
  },
};
