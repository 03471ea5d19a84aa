import { SignalboxError } from '../../domain/errors.ts';
import { readDrillFile, verifyDrill } from '../../ledger/drill-file.ts';
import type { Command } from '../command.ts';
import { fileText, keptKey, notesIn } from '../ledger/kept.ts';
import { reportText } from './drill.ts';

export const drillVerify: Command = {
  name: 'drill verify',
  summary:
    'check the report of a drill with files alone: who signed it, and that the ledger holds it',
  usage: 'FILE',
  positionals: [1, 1],
  options: {
    key: {
      type: 'string',
      value: 'KEY',
      summary: 'the public key of the ledger that you kept, or a file with it',
    },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      summary: 'the head of the ledger that you kept (else the one in the file)',
    },
  },
  run: async (call) => {
    const {
      options,
      positionals: [name = ''],
      style,
    } = call;
    const key = await keptKey(call);
    if (key === null)
      throw new SignalboxError(
        'USAGE',
        'expected `--key KEY`: a report proves nothing without it',
        {
          help: '`signalbox ledger key` prints it; take it from where you kept it',
        },
      );
    const file = readDrillFile(await fileText(call, name));
    const head =
      typeof options.checkpoint === 'string'
        ? (notesIn(await fileText(call, options.checkpoint)).at(-1) ?? null)
        : null;
    const { report, sealed } = verifyDrill(file, key, head);
    const held =
      sealed === null
        ? style.dim('no proof that the ledger holds it: it was not sealed yet')
        : style.good(`the ledger holds it, under a checkpoint of ${sealed} records`);
    return {
      json: { ok: true, drill: file.drill, signed: true, sealed, passed: report.ok },
      text: `${style.good('signed by this ledger')}\n${held}\n${reportText(report, style)}`,
    };
  },
};
