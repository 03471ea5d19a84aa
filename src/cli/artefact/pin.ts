import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { count } from '../render.ts';
import { artefactDrift, artefactsIn, pinArtefacts } from './files.ts';

export const artefactPin: Command = {
  name: 'artefact pin',
  summary:
    'accept the skills, plugins, hooks and rules files of a project as they are; `run` refuses there once one is changed',
  usage: '[DIR]',
  positionals: [0, 1],
  options: { yes: { type: 'boolean', short: 'y', summary: 'do not ask' } },
  run: async (call) => {
    const { io, home, positionals } = call;
    const folder = await realpath(resolve(io.cwd, positionals[0] ?? '.'));
    const found = await artefactsIn(folder);
    const paths = Object.keys(found.digests);
    const drift = await artefactDrift(home, folder);
    const lines = [
      ...(drift === null || drift.folder !== folder
        ? paths.map((path) => `  ${plain(path)}`)
        : drift.changes.map(({ path, kind }) => `  ${kind}: ${plain(path)}`)),
      ...found.hidden.map(
        (path) =>
          `  ${plain(path)} holds characters that nobody sees: look at it before you accept it`,
      ),
    ];
    await confirm(call, lines.join('\n'), `Accept ${count(paths.length, 'file')} as they are now?`);
    const file = await pinArtefacts(io, home, folder, found);
    return {
      json: { folder, files: paths, hidden: [...found.hidden], pins: file },
      text: `${count(paths.length, 'file')} of ${folder} pinned; \`signalbox run\` refuses there once one is changed, new or gone`,
    };
  },
};
