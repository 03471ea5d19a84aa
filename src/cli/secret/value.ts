import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Call, Option } from '../command.ts';

const LARGEST = 65_536;

export const VALUE_OPTIONS: { readonly [name: string]: Option } = {
  file: { type: 'string', value: 'FILE', summary: 'read the value from a file' },
};

/**
 * A secret from a file, from stdin, or typed unseen at a terminal. Never from the command line: that is in the process
 * list and in the shell's history. One line end at the end is not part of it.
 */
export async function secretValue(call: Call): Promise<string> {
  const text = (await given(call)).replace(/\r?\n$/, '');
  if (text === '') throw new SignalboxError('USAGE', 'expected a value, got nothing');
  return text;
}

/** What is to be said of the value, on a line of its own. */
export function noteOn({ note }: JsonObject): string {
  return typeof note === 'string' ? `\nnote: ${note}` : '';
}

async function given({ io, options }: Call): Promise<string> {
  if (typeof options.file === 'string') return inFile(resolve(io.cwd, options.file), options.file);
  if (io.input.terminal) {
    io.err.write('value (not shown): ');
    const typed = await io.input.hidden();
    io.err.write('\n');
    return typed ?? '';
  }
  return io.input.all(LARGEST).catch(() => {
    throw tooLarge();
  });
}

async function inFile(path: string, named: string): Promise<string> {
  const file = await open(path, 'r').catch((fault: NodeJS.ErrnoException) => {
    throw new SignalboxError('USAGE', `\`${named}\` cannot be read (${fault.code})`);
  });
  try {
    // a pipe has no size
    const chunks: Buffer[] = [];
    for (let size = 0; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(LARGEST + 1));
      size += bytesRead;
      if (size > LARGEST) throw tooLarge();
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

function tooLarge(): SignalboxError {
  return new SignalboxError('USAGE', `expected a value of at most ${LARGEST} bytes`);
}
