import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call } from './command.ts';

/** What a command that is started here could read and an agent must not: the same user has no secret boundary. */
export async function openToAgent({ io, home }: Pick<Call, 'io' | 'home'>): Promise<string[]> {
  const places = [
    ['the master key of Signalbox', join(home.data, 'master.key')],
    [
      'your operator key, so it can approve what it asks for',
      join(home.directory, 'operator.json'),
    ],
    [
      'what files of clients held before `adopt`, secrets included',
      join(home.directory, 'adopted'),
    ],
  ] as const;
  const known = await Promise.all(
    places.map(async ([what, path]) => {
      const file = await stat(path).catch(() => null);
      return file !== null && (io.uid === null || io.uid === 0 || file.uid === io.uid)
        ? [what]
        : [];
    }),
  );
  return known.flat();
}
