import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { hiddenCharacters } from '../../boundary/text.ts';
import {
  ARTEFACT_FILES,
  ARTEFACT_FOLDERS,
  ARTEFACT_NOISE,
  type ArtefactChange,
  artefactChanges,
} from '../../clients/artefacts.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import { writeWhole } from '../adopt/records.ts';
import type { Home } from '../home.ts';
import type { Io } from '../io.ts';

const MAX_FILES = 5_000;
const MAX_BYTES = 8 * 1024 * 1024;

export interface Artefacts {
  /** SHA-256 by path below the folder; of a link, of what it points to. */
  readonly digests: { readonly [path: string]: string };
  /** Files with characters that a reader does not see. */
  readonly hidden: readonly string[];
}

/** Every artefact below a folder. Throws FILE_UNSAFE beyond bounds: what cannot be read cannot be pinned. */
export async function artefactsIn(folder: string): Promise<Artefacts> {
  const digests: { [path: string]: string } = {};
  const hidden: string[] = [];
  const take = async (path: string): Promise<void> => {
    const place = join(folder, path);
    const known = await lstat(place).catch(() => null);
    if (known === null || ARTEFACT_NOISE.test(path)) return;
    if (known.isDirectory()) {
      for (const name of (await readdir(place)).sort()) await take(`${path}/${name}`);
      return;
    }
    if (Object.keys(digests).length >= MAX_FILES || known.size > MAX_BYTES)
      throw new SignalboxError(
        'FILE_UNSAFE',
        `\`${path}\` is too much to pin (at most ${MAX_FILES} files of ${MAX_BYTES} bytes)`,
        {
          help: 'move what is no instruction elsewhere',
        },
      );
    const link = known.isSymbolicLink() ? await readlink(place) : '';
    const bytes = await readFile(place).catch(() => Buffer.alloc(0));
    digests[path] = createHash('sha256').update(`${link}\n`).update(bytes).digest('hex');
    if (
      !bytes.includes(0) &&
      hiddenCharacters(bytes.toString('utf8').replace(/^\uFEFF/, '')).length > 0
    )
      hidden.push(path);
  };
  for (const path of [...ARTEFACT_FILES, ...ARTEFACT_FOLDERS]) await take(path);
  return { digests, hidden };
}

function pinPath(home: Home, folder: string): string {
  return join(
    home.directory,
    'artefacts',
    `${createHash('sha256').update(folder).digest('hex').slice(0, 24)}.json`,
  );
}

export async function pinArtefacts(
  io: Io,
  home: Home,
  folder: string,
  { digests }: Artefacts,
): Promise<string> {
  const path = pinPath(home, folder);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWhole(
    io,
    path,
    Buffer.from(`${JSON.stringify({ folder, at: io.doors.clock.now(), digests })}\n`),
    0o600,
  );
  return path;
}

/** What differs from the pins of this folder, or of the nearest one above it that has some; null: none has. */
export async function artefactDrift(
  home: Home,
  folder: string,
): Promise<{
  readonly folder: string;
  readonly changes: readonly ArtefactChange[];
  readonly hidden: readonly string[];
} | null> {
  const real = await realpath(folder).catch(() => resolve(folder));
  for (let at = real; ; at = dirname(at)) {
    const text = await readFile(pinPath(home, at), 'utf8').catch(() => null);
    if (text !== null) {
      const kept: unknown = JSON.parse(text);
      const digests = isJsonObject(kept) && isJsonObject(kept.digests) ? kept.digests : {};
      const now = await artefactsIn(at);
      return {
        folder: at,
        changes: artefactChanges(digests as { [path: string]: string }, now.digests),
        hidden: now.hidden,
      };
    }
    if (dirname(at) === at) return null;
  }
}
