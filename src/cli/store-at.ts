import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SignalboxError } from '../domain/errors.ts';
import type { Call, Command } from './command.ts';
import { readSecretFile } from './home.ts';
import type { SharedStoreAt } from './parts.ts';

/** The name of the systemd credential that holds the password. */
const CREDENTIAL = 'signalbox-store-password';

/** The options by which a command is told of a store that replicas share. */
export const STORE_OPTIONS: Command['options'] = {
  store: {
    type: 'string',
    value: 'URL',
    summary: 'a PostgreSQL store, `postgresql://user@host/database` without a password',
  },
  'store-password-file': {
    type: 'string',
    value: 'FILE',
    summary: `its password, in a 0600 file (else systemd credential ${CREDENTIAL})`,
  },
  'store-ca': {
    type: 'string',
    value: 'FILE',
    summary: 'the certificate authority of its server, in PEM',
  },
};

/** Null when the store is a data directory. The password comes from a file: never from the command line or a variable. */
export async function sharedStore(call: Call): Promise<SharedStoreAt | null> {
  const url = call.options.store;
  if (typeof url === 'string') return sharedStoreAt(call, url);
  const stray = ['store-password-file', 'store-ca'].find((name) => name in call.options);
  if (stray !== undefined && call.options[stray] !== undefined)
    throw new SignalboxError('USAGE', `\`--${stray}\` belongs to \`--store\``);
  return null;
}

export async function sharedStoreAt(call: Call, url: string): Promise<SharedStoreAt> {
  const { io, options } = call;
  const given = options['store-password-file'];
  const folder = io.env.CREDENTIALS_DIRECTORY;
  const path =
    typeof given === 'string'
      ? resolve(io.cwd, given)
      : folder === undefined || folder === ''
        ? null
        : join(folder, CREDENTIAL);
  if (path === null)
    throw new SignalboxError('USAGE', 'expected the password of the store in a file', {
      help: 'name a 0600 file with `--store-password-file FILE`',
    });
  const password = await readSecretFile(io, path);
  const ca = options['store-ca'];
  if (typeof ca !== 'string') return { url, password };
  return { url, password, ca: await readAuthority(resolve(io.cwd, ca)) };
}

async function readAuthority(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SignalboxError('USAGE', `\`${path}\` cannot be read (${error.code})`);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new SignalboxError('USAGE', `expected certificates in PEM in \`${path}\``);
  return text;
}
