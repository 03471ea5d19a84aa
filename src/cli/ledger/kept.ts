import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, jsonIn } from '../../domain/json.ts';
import { readVerifier, type VerifierKey } from '../../ledger/signed-note.ts';
import type { Call } from '../command.ts';

const LARGEST = 64 * 1024 * 1024;

/** The text of a file named on the command line. Throws USAGE. */
export async function fileText({ io }: Pick<Call, 'io'>, name: string): Promise<string> {
  const path = resolve(io.cwd, name);
  try {
    const { size } = await stat(path);
    if (size <= LARGEST) return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SignalboxError('USAGE', `\`${name}\` cannot be read (${code})`);
  }
  throw new SignalboxError('USAGE', `\`${name}\` is larger than ${LARGEST} bytes`);
}

/**
 * The checkpoints of a file, oldest first: one note as `ledger checkpoint` prints it, or lines that hold `{"note": …}` as
 * `up --checkpoints` and the log write them; other lines of a log are passed over. Throws NOTE_MALFORMED for a file without.
 */
export function notesIn(text: string): string[] {
  if (text.includes('\n\n— ')) return [text];
  const notes = text.split('\n').flatMap((line) => {
    const at = line.indexOf('{');
    const value = at < 0 ? null : jsonIn(line.slice(at));
    return isJsonObject(value) && typeof value.note === 'string' ? [value.note] : [];
  });
  if (notes.length > 0) return notes;
  throw new SignalboxError('NOTE_MALFORMED', 'expected a file with a checkpoint');
}

/** `--key`: the key itself, or a file that holds it; null when it is not given. */
export async function keptKey(call: Call): Promise<VerifierKey | null> {
  const given = call.options.key;
  if (typeof given !== 'string') return null;
  return readVerifier(given.includes('+') ? given : await fileText(call, given));
}
