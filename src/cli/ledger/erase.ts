import { SignalboxError } from '../../domain/errors.ts';
import type { Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { count } from '../render.ts';

export const ledgerErase: Command = {
  name: 'ledger erase',
  summary: 'destroy what a run said and got (owners only); its chain stays and still verifies',
  usage: 'RUN',
  positionals: [1, 1],
  options: {
    reason: { type: 'string', value: 'TEXT', summary: 'kept in the ledger' },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => {
    const { api, options, positionals } = call;
    const [run = ''] = positionals;
    if (typeof options.reason !== 'string' || options.reason.trim() === '')
      throw new SignalboxError('USAGE', 'expected `--reason "…"`: it is kept in the ledger');
    await confirm(
      call,
      `the arguments, results and images of ${run} are destroyed and cannot be brought back`,
      'Erase them?',
    );
    const erased = await api.post('/api/ledger/erase', { run, reason: options.reason });
    return { json: erased, text: `erased ${count(Number(erased.payloads), 'payload')} of ${run}` };
  },
};
