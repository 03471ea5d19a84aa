import { constants } from 'node:fs';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entropy } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';

export const KEY_FILE = 'master.key';
const KEY_BYTES = 32;

/**
 * The key everything at rest is encrypted under: 32 bytes in hexadecimal in `master.key` of the data directory, made
 * when absent. Throws MASTER_KEY unless it is a regular file of this user that nobody else can read.
 */
export async function loadMasterKey(
  directory: string,
  entropy: Entropy,
  name = KEY_FILE,
): Promise<Uint8Array> {
  const path = join(directory, name);
  return (await readMasterKey(path)) ?? (await create(directory, path, entropy));
}

/** Null when there is no such file. */
export async function readMasterKey(path: string): Promise<Uint8Array | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw fault(path, code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read (${code})`);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw fault(path, 'it is no regular file');
    if (stat.uid !== process.getuid?.()) throw fault(path, 'it belongs to another user');
    if ((stat.mode & 0o077) !== 0)
      throw fault(path, `its mode is \`${(stat.mode & 0o777).toString(8)}\`, expected \`600\``);
    if (stat.size > 1_024) throw fault(path, 'it is larger than a key');
    const text = (await file.readFile('utf8')).trim();
    if (!/^[0-9a-f]{64}$/.test(text))
      throw fault(path, `it does not hold ${2 * KEY_BYTES} hexadecimal digits`);
    return new Uint8Array(Buffer.from(text, 'hex'));
  } finally {
    await file.close();
  }
}

/** Written aside and linked, so that the name never stands for half a key and the first of two processes wins. */
async function create(directory: string, path: string, entropy: Entropy): Promise<Uint8Array> {
  const text = Buffer.from(entropy.bytes(KEY_BYTES)).toString('hex');
  const aside = `${path}.${Buffer.from(entropy.bytes(8)).toString('hex')}`;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      // The umask may have taken bits away, never added any.
      await file.chmod(0o600);
      await file.writeFile(`${text}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(aside);
    await syncDirectory(directory);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    const { code } = error as NodeJS.ErrnoException;
    throw fault(path, `it cannot be created (${code ?? 'fault'})`, error);
  }
  const key = await readMasterKey(path);
  if (key === null) throw fault(path, 'it vanished');
  return key;
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fault(path: string, why: string, cause?: unknown): SignalboxError {
  return new SignalboxError('MASTER_KEY', `the master key \`${path}\` is refused: ${why}`, {
    cause,
  });
}
