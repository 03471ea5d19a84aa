import { resolve } from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
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
      summary: 'read a data directory here, with no Signalbox running on it',
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
    const text = [
      ok ? style.good('the ledger holds') : style.bad('the ledger does not hold'),
      fields(numbersOf(found), style),
      ...list(found.breaks).map((broken) => `  ${plain(JSON.stringify(broken))}`),
      ...list(isJsonObject(found.tables) ? found.tables.differences : undefined).map(
        (difference) => `  ${plain(String(difference))}`,
      ),
    ];
    return {
      json: found,
      text: text.filter((line) => line !== '').join('\n'),
      exit: ok ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

/** Every number of the report with its path: `payloads checked  12`. */
function numbersOf(report: JsonObject, path = ''): [string, number][] {
  return Object.entries(report).flatMap(([name, value]): [string, number][] => {
    const own = path === '' ? name : `${path} ${name}`;
    if (typeof value === 'number') return [[own, value]];
    return isJsonObject(value) ? numbersOf(value, own) : [];
  });
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
