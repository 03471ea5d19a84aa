import { open } from 'node:fs/promises';
import { SignalboxError } from '../domain/errors.ts';

/** `name` is what the user calls it. Throws SignalboxError FILE_EXISTS, FILE_UNSAFE. */
export async function writeNew(path: string, name: string, text: string): Promise<void> {
  const file = await open(path, 'wx').catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'EEXIST')
      throw new SignalboxError('FILE_EXISTS', `\`${name}\` is there already`);
    throw new SignalboxError('FILE_UNSAFE', `\`${name}\` cannot be written (${fault.code})`, {
      help: 'choose a folder that you can write to',
    });
  });
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}
