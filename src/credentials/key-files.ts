import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SignalboxError } from '../domain/errors.ts';
import { syncDirectory } from './master-key.ts';

const MOST_TEXT = 16_384;

/** Of a regular file that is nobody else's; null when it is not there. `forbidden`: bits that its mode may not have. */
export async function textOf(path: string, forbidden = 0o077): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw keyFault(`\`${path}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const stat = await file.stat();
    const uid = process.getuid?.();
    if (!stat.isFile() || stat.size > MOST_TEXT) throw keyFault(`\`${path}\` is no small file`);
    if (stat.uid !== uid && stat.uid !== 0) throw keyFault(`\`${path}\` belongs to another user`);
    if ((stat.mode & forbidden) !== 0)
      throw keyFault(
        `\`${path}\` has mode \`${(stat.mode & 0o777).toString(8)}\`: others could use it`,
      );
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Whole or not at all, also when the power fails. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const file = await open(aside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  await syncDirectory(dirname(path));
}

export function keyFault(why: string, help?: string): SignalboxError {
  return new SignalboxError(
    'MASTER_KEY',
    `there is no master key: ${why}`,
    help === undefined ? {} : { help },
  );
}
