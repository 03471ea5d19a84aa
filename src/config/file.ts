import { open } from 'node:fs/promises';
import { SignalboxError } from '../domain/errors.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { MAX_BYTES } from './source.ts';

/** Reads a file without ever taking in more than it may hold. Throws ConfigProblems and SignalboxError `CONFIG_…`. */
export async function readConfig(path: string): Promise<Config> {
  return loadConfig(await readConfigText(path), path);
}

export async function readConfigText(path: string): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    if (!(await file.stat()).isFile())
      throw new SignalboxError(
        'CONFIG_INVALID',
        `expected a file at \`${path}\`, got something else`,
        { at: path },
      );
    // one byte more than allowed is enough to know
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length, length));
    if (length > MAX_BYTES)
      throw new SignalboxError('CONFIG_TOO_LARGE', `\`${path}\` has more than ${MAX_BYTES} bytes`, {
        at: path,
      });
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    throw error instanceof SignalboxError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

function unreadable(path: string, error: unknown): SignalboxError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT')
    return new SignalboxError('CONFIG_MISSING', `there is no \`${path}\``, {
      at: path,
      cause: error,
    });
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return new SignalboxError('CONFIG_SYNTAX', `expected UTF-8 in \`${path}\`, got other bytes`, {
      help: 'save the file as UTF-8',
      at: path,
      cause: error,
    });
  return new SignalboxError(
    'CONFIG_INVALID',
    `\`${path}\` cannot be read (${code || 'unknown fault'})`,
    {
      help: 'check the file and its permissions',
      at: path,
      cause: error,
    },
  );
}
