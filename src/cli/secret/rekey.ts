import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { Rotated } from '../../domain/rekey.ts';
import type { Answer, Call, Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { progress } from '../progress.ts';
import { count } from '../render.ts';
import { PLACE_OPTIONS, storeAt, whatIs } from '../store/at.ts';

export const secretRekey: Command = {
  name: 'secret rekey',
  summary: 'put a store that nobody uses under a new master key; the key before is kept aside',
  usage: '',
  positionals: [0, 0],
  options: {
    ...PLACE_OPTIONS,
    source: {
      type: 'string',
      value: 'FILE',
      summary:
        'where the new key comes from, written like `key.json` (else from where this one is)',
    },
    'forget-old': {
      type: 'boolean',
      summary: 'remove the key before: backups from before the change can then be read by nobody',
    },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => (call.options['forget-old'] === true ? forget(call) : rekey(call)),
};

async function rekey(call: Call): Promise<Answer> {
  const { io, options, parts } = call;
  const source = typeof options.source === 'string' ? resolve(io.cwd, options.source) : null;
  const at = await storeAt(call);
  await confirm(
    call,
    `${whatIs(at)} gets a new master key. Take a backup first (\`signalbox store backup FILE\`).
Nothing may run on it. Each replica needs the new key before it starts again.`,
    'Change it?',
  );
  const done = await progress(io, 'changing the master key', parts.keys.rotate(at, source));
  return {
    json: { ok: true, ...done, unreadable: [...done.unreadable], kept: [...done.kept] },
    text: told(done),
  };
}

function told({ how, chains, secrets, unreadable, kept }: Rotated): string {
  const amount = `${count(chains, 'data key')} and ${count(secrets, 'secret')} wrapped anew`;
  const first = {
    new: `the store is under a new master key: ${amount}`,
    finished: 'the change that was cut short is finished: the store is under its new master key',
    current: `the store is under the master key in use: ${amount}`,
  }[how];
  return [
    first,
    ...unreadable.map((what) => `  did not open under the key before, left as it is: ${what}`),
    ...(kept.length === 0
      ? ['the key before is where it was: remove it there when no backup from before is needed']
      : [
          `the key before is kept in ${kept.join(', ')}: backups from before need it`,
          'when none of them does: `signalbox secret rekey --forget-old`',
        ]),
  ].join('\n');
}

async function forget(call: Call): Promise<Answer> {
  if (call.options.source !== undefined)
    throw new SignalboxError('USAGE', '`--source` and `--forget-old` are two things');
  const at = await storeAt(call);
  await confirm(
    call,
    'Backups from before the last change of the master key can then be read by nobody.',
    'Remove the key before?',
  );
  const removed = await call.parts.keys.forgetOld(at);
  return {
    json: { ok: true, removed: [...removed] },
    text: removed.length === 0 ? 'no key before is kept' : `removed ${removed.join(', ')}`,
  };
}
