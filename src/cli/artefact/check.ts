import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import type { Home } from '../home.ts';
import { artefactDrift } from './files.ts';

export const artefactCheck: Command = {
  name: 'artefact check',
  summary:
    'compare the skills, plugins, hooks and rules files of a project with their pins; exit code 1 when one differs',
  usage: '[DIR]',
  positionals: [0, 1],
  options: {},
  run: async ({ io, home, positionals }) => {
    const drift = await artefactDrift(home, resolve(io.cwd, positionals[0] ?? '.'));
    if (drift === null)
      return {
        json: { pinned: false, changes: [], hidden: [] },
        text: 'nothing is pinned here; `signalbox artefact pin` does it',
      };
    const { folder, changes, hidden } = drift;
    return {
      json: {
        pinned: true,
        folder,
        changes: changes.map((change) => ({ ...change })),
        hidden: [...hidden],
      },
      text:
        changes.length === 0
          ? `all of ${folder} is as it was accepted`
          : changes.map(({ path, kind }) => `${kind}: ${plain(path)}`).join('\n'),
      exit: changes.length === 0 ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

/** Before an agent is started in a folder. Throws ARTEFACT_CHANGED. */
export async function refuseChangedArtefacts(home: Home, folder: string): Promise<void> {
  const drift = await artefactDrift(home, folder);
  if (drift === null || drift.changes.length === 0) return;
  const told = drift.changes.slice(0, 10).map(({ path, kind }) => `\`${path}\` (${kind})`);
  throw new SignalboxError(
    'ARTEFACT_CHANGED',
    `what an agent reads as instructions in \`${drift.folder}\` is not what was accepted: ${told.join(', ')}${drift.changes.length > told.length ? ' and more' : ''}`,
  );
}
