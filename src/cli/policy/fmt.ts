import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readConfigText } from '../../config/file.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { formatPolicies } from '../../policy/check.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';

export const policyFmt: Command = {
  name: 'policy fmt',
  summary: 'write files of policies as Cedar’s formatter does; works without a Signalbox',
  usage: 'FILE…',
  positionals: [1, 100],
  options: {
    check: { type: 'boolean', summary: 'change nothing; exit code 1 when a file would change' },
  },
  run: async ({ io, options, positionals }) => {
    const changed: string[] = [];
    for (const file of positionals) {
      const path = resolve(io.cwd, file);
      const text = await readConfigText(path);
      const formatted = formatPolicies(text);
      if ('fault' in formatted)
        throw new SignalboxError('POLICY_INVALID', `\`${file}\`: ${formatted.fault}`);
      if (formatted.text === text) continue;
      changed.push(file);
      if (options.check !== true) await writeFile(path, formatted.text);
    }
    const verb = options.check === true ? 'would change' : 'written';
    return {
      json: { changed },
      text:
        changed.length === 0
          ? 'every file is as the formatter writes it'
          : changed.map((file) => `${verb}: ${file}`).join('\n'),
      exit: options.check === true && changed.length > 0 ? EXIT.failed.code : EXIT.ok.code,
    };
  },
};
