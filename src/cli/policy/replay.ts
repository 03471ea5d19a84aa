import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { Call, Command } from '../command.ts';
import { progress } from '../progress.ts';
import { type ReplayView, replayLines } from '../replay-lines.ts';
import { sentConfig } from '../sent-config.ts';

export const policyReplay: Command = {
  name: 'policy replay',
  summary:
    'what another signalbox.yaml would have decided otherwise, over what the ledger has; changes nothing',
  usage: '',
  positionals: [0, 0],
  options: {
    bundle: { type: 'string', value: 'PATH', summary: 'a signalbox.yaml, or the folder of one' },
    since: { type: 'string', value: 'DAYS', summary: 'how far back: `30d`, `12h` (30d)' },
    most: { type: 'string', value: 'COUNT', summary: 'decisions that are read at most (100000)' },
  },
  run: async (call) => {
    const { bundle, since, most } = call.options;
    if (typeof bundle !== 'string')
      throw new SignalboxError('USAGE', 'expected `--bundle PATH`', {
        help: '`signalbox policy replay --bundle new/ --since 30d`',
      });
    const file = await fileAt(call, bundle);
    const replayed = await progress(
      call.io,
      'reading the ledger',
      call.api.post('/api/policies/replay', {
        ...(await sentConfig(call.io, file)),
        since: String(since ?? '30d'),
        most: String(most ?? '100000'),
      }),
    );
    const view = replayed as unknown as ReplayView;
    return { json: replayed, text: replayLines(view).join('\n') };
  },
};

async function fileAt({ io }: Pick<Call, 'io'>, path: string): Promise<string> {
  const found = await stat(resolve(io.cwd, path)).catch(() => null);
  return found?.isDirectory() === true ? join(path, 'signalbox.yaml') : path;
}
