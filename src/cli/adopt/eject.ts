import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { Command } from '../command.ts';
import { linesBetween } from './lines-between.ts';
import { Records, readClient, sha256, writeWhole } from './records.ts';

export const eject: Command = {
  name: 'eject',
  summary: 'give a client the file back that `adopt` took over, byte for byte',
  usage: 'FILE',
  positionals: [1, 1],
  options: {
    force: {
      type: 'boolean',
      summary: 'also when it was changed since; what it holds now is kept beside it',
    },
    diff: { type: 'boolean', summary: 'only show what would change' },
  },
  run: async (call) => {
    const { io, home, options, positionals } = call;
    const [name = ''] = positionals;
    const { place, bytes, mode } = await readClient(resolve(io.cwd, name));
    const records = new Records(io, home, place);
    const known = await records.all();
    const last = known.at(-1);
    if (last === undefined)
      throw new SignalboxError('NOT_ADOPTED', `\`${name}\` was not taken over from here`);
    const changed = sha256(bytes) !== last.record.after;
    // adoptions one upon the other go back together, as far as nobody wrote between them
    let index = known.length - 1;
    while (index > 0 && known[index - 1]?.record.after === sha256(beforeOf(known[index]))) index--;
    const first = known[index] ?? last;
    const before = Buffer.from(first.record.before, 'base64');
    const difference = linesBetween(bytes.toString('utf8'), before.toString('utf8'));
    if (options.diff === true)
      return { json: { file: place, changed, difference }, text: difference.join('\n') };
    if (changed && options.force !== true)
      throw new SignalboxError(
        'CLIENT_CHANGED',
        `\`${name}\` was changed since it was taken over`,
        {
          help: '`signalbox eject FILE --diff` shows it; `--force` restores what it held before and keeps what it holds now beside it',
        },
      );
    const kept = changed ? `${place}.before-eject` : null;
    if (kept !== null) await writeWhole(io, kept, bytes, mode);
    await writeWhole(io, place, before, first.record.mode);
    for (const { path } of known.slice(index)) await records.remove(path);
    const agents = [...new Set(known.slice(index).flatMap(({ record }) => record.agents))];
    return {
      json: {
        file: place,
        restored: true,
        bytes: before.length,
        changed,
        kept,
        servers: [...first.record.servers],
        agents,
        earlier: index,
      },
      text: [
        `${name} is as it was before`,
        ...(kept === null ? [] : [`what it held until now is in ${kept}`]),
        ...(index === 0
          ? []
          : [
              `an earlier take-over remains, since the file was changed between: eject again to go further back`,
            ]),
        `its secrets are in it again, and its servers are governed by nobody; \`${agents.join('`, `')}\` stays in force until you apply a file without it`,
      ].join('\n'),
    };
  },
};

function beforeOf(known: { readonly record: { readonly before: string } } | undefined): Buffer {
  return Buffer.from(known?.record.before ?? '', 'base64');
}
