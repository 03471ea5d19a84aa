import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { download } from '../../boundary/download.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { Call } from '../command.ts';

const MAX_BYTES = 16 * 1024 * 1024;
/** Anchors and aliases make a small file large. */
const MAX_ALIASES = 200;

/** A document of a file or a URL, as data. Throws SignalboxError. */
export async function documentOf({ io, options }: Call, place: string): Promise<Json> {
  const text = /^https?:\/\//i.test(place)
    ? await download(new URL(place), {
        timers: io.doors.timers,
        maxBytes: MAX_BYTES,
        allowPrivate: options['allow-private'] === true,
      })
    : await fileText(resolve(io.cwd, place), place);
  return parsed(text, place);
}

async function fileText(path: string, shown: string): Promise<string> {
  const file = await open(path, 'r').catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ENOENT')
      throw new SignalboxError('CONFIG_MISSING', `there is no \`${shown}\``, {
        help: 'name the file or the URL of an OpenAPI document',
      });
    throw new SignalboxError('CONFIG_INVALID', `\`${shown}\` cannot be read (${fault.code})`);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile())
      throw new SignalboxError(
        'CONFIG_INVALID',
        `expected a file at \`${shown}\`, got something else`,
      );
    if (stat.size > MAX_BYTES)
      throw new SignalboxError(
        'CONFIG_TOO_LARGE',
        `\`${shown}\` has ${stat.size} bytes, at most ${MAX_BYTES}`,
      );
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function parsed(text: string, place: string): Json {
  const wrong = (why: string) =>
    new SignalboxError(
      'CONFIG_SYNTAX',
      `\`${place.slice(0, 200)}\` is neither JSON nor YAML: ${why}`,
    );
  try {
    if (/^\s*[{[]/.test(text)) return JSON.parse(text) as Json;
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      logLevel: 'silent',
    });
    const [first] = document.errors;
    if (first !== undefined) throw wrong(first.message.split('\n')[0] ?? 'it cannot be read');
    // as JSON once more: no aliases shared, no dates, no keys that are no text
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: MAX_ALIASES }))) as Json;
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    throw wrong(
      error instanceof RangeError
        ? 'it is nested too deep'
        : (error as Error).message.slice(0, 200),
    );
  }
}
