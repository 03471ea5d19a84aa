import type { JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { progress } from '../progress.ts';
import { fields } from '../render.ts';
import { STORE_OPTIONS, sharedStore } from '../store-at.ts';
import { dataDirectory } from '../up.ts';

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
    ...STORE_OPTIONS,
  },
  run: async (call) => {
    const { api, io, options, parts, style } = call;
    const shared = await sharedStore(call);
    const directory = options['data-dir'];
    const found =
      typeof directory === 'string' || shared !== null
        ? ((await progress(
            io,
            'verifying',
            parts.verify({
              directory: dataDirectory(call),
              ...(shared === null ? {} : { shared }),
            }),
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
