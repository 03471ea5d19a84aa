import { resolve } from 'node:path';
import type { JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { progress } from '../progress.ts';
import { fields } from '../render.ts';

export const ledgerVerify: Command = {
  name: 'ledger verify',
  summary: 're-read every chain of the ledger and say whether all of it holds',
  usage: '',
  positionals: [0, 0],
  options: {
    'data-dir': {
      type: 'string',
      value: 'DIR',
      summary: 'read a data directory on this machine, whether Signalbox runs or not',
    },
  },
  run: async ({ api, io, options, parts, style }) => {
    const directory = options['data-dir'];
    const found =
      typeof directory === 'string'
        ? ((await progress(
            io,
            'verifying',
            parts.verifyDirectory(resolve(io.cwd, directory)),
          )) as unknown as JsonObject)
        : await api.get('/api/ledger/verify');
    const ok = found.ok === true;
    const problems = Array.isArray(found.problems) ? found.problems : [];
    const text = [
      ok ? style.good('the ledger holds') : style.bad('the ledger does not hold'),
      fields(numbersOf(found), style),
      ...problems.map((problem) => `  ${plain(String(problem))}`),
    ];
    return {
      json: found,
      text: text.filter((line) => line !== '').join('\n'),
      exit: ok ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

/** Every number of the report, its name in words: `payloads checked  12`. */
function numbersOf(report: JsonObject): [string, number][] {
  return Object.entries(report).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number'
      ? [[name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), value]]
      : [],
  );
}
