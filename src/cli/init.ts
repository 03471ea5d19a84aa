import { resolve } from 'node:path';
import { starterConfig } from '../config/starter.ts';
import type { Command } from './command.ts';
import { writeNew } from './new-file.ts';

export const init: Command = {
  name: 'init',
  summary: 'write a signalbox.yaml to start from; never overwrites one',
  usage: '[FILE]',
  positionals: [0, 1],
  options: {},
  run: async ({ io, positionals: [name = 'signalbox.yaml'] }) => {
    const path = resolve(io.cwd, name);
    await writeNew(path, name, starterConfig());
    return {
      json: { file: path },
      text: `wrote ${name}: read it, change it, then \`signalbox plan${name === 'signalbox.yaml' ? '' : ` ${name}`}\``,
    };
  },
};
