import type { Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { progress } from '../progress.ts';
import { count } from '../render.ts';
import { PLACE_OPTIONS, storeAt, whatIs } from './at.ts';

export const storeMigrate: Command = {
  name: 'store migrate',
  summary: 'show the schema steps that a store has not taken yet, and take them',
  usage: '',
  positionals: [0, 0],
  options: {
    ...PLACE_OPTIONS,
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => {
    const { io, parts, style } = call;
    const at = await storeAt(call);
    const { taken, steps } = await parts.store.migrate(at, false);
    const lines = steps.map(
      ({ number, name, breaking }) =>
        `  ${number}  ${name}${breaking ? `  ${style.bad('breaking: no older program can use it after')}` : ''}`,
    );
    const isBreaking = steps.some(({ breaking }) => breaking);
    if (steps.length === 0)
      return {
        json: { ok: true, taken, steps: [], migrated: false },
        text: `${whatIs(at)} is up to date: ${count(taken, 'step')}`,
      };
    await confirm(
      call,
      `${whatIs(at)} has taken ${count(taken, 'step')}; still to be taken:\n${lines.join('\n')}${isBreaking ? '\nThere is no way back but a backup: take one first (`signalbox store backup FILE`).' : ''}`,
      'Take them?',
    );
    await progress(io, 'migrating', parts.store.migrate(at, true));
    return {
      json: { ok: true, taken, steps: steps.map((step) => ({ ...step })), migrated: true },
      text: `took ${count(steps.length, 'step')}\n${lines.join('\n')}`,
    };
  },
};
