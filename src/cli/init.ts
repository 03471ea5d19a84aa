import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { starterConfig } from '../config/starter.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Command } from './command.ts';

export const init: Command = {
  name: 'init',
  summary: 'write a signalbox.yaml to start from; never overwrites one',
  usage: '[FILE]',
  positionals: [0, 1],
  options: {},
  run: async ({ io, positionals: [name = 'signalbox.yaml'] }) => {
    const path = resolve(io.cwd, name);
    const file = await open(path, 'wx').catch((fault: NodeJS.ErrnoException) => {
      if (fault.code === 'EEXIST')
        throw new SignalboxError('FILE_EXISTS', `\`${name}\` is there already`);
      throw new SignalboxError('FILE_UNSAFE', `\`${name}\` cannot be written (${fault.code})`, {
        help: 'choose a folder that you can write to',
      });
    });
    try {
      await file.writeFile(starterConfig());
    } finally {
      await file.close();
    }
    return {
      json: { file: path },
      text: `wrote ${name}: read it, change it, then \`signalbox plan${name === 'signalbox.yaml' ? '' : ` ${name}`}\``,
    };
  },
};
