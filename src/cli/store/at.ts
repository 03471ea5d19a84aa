import { resolve } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import type { Call, Command } from '../command.ts';
import type { StoreAt } from '../parts.ts';
import { STORE_OPTIONS, sharedStore } from '../store-at.ts';
import { dataDirectory } from '../up.ts';

export const PLACE_OPTIONS: Command['options'] = {
  'data-dir': {
    type: 'string',
    value: 'DIR',
    summary: 'the data directory: its store and the master key (else that of `up`)',
  },
  ...STORE_OPTIONS,
};

export async function storeAt(call: Call): Promise<StoreAt> {
  const shared = await sharedStore(call);
  const directory = dataDirectory(call);
  return shared === null ? { directory } : { directory, shared };
}

export function fileNamed({ io, positionals }: Call): string {
  const [file = ''] = positionals;
  if (file === '') throw new SignalboxError('USAGE', 'expected a file');
  return resolve(io.cwd, file);
}

export function whatIs({ shared, directory }: StoreAt): string {
  return shared === undefined ? directory : shared.url;
}
