import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resolve } from '../boundary/egress.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { KEY_FILE, loadMasterKey } from './master-key.ts';
import { OutwardPool } from './outward.ts';
import { failed, VaultDesk } from './vault/desk.ts';
import { type VaultServer, vaultServerOf } from './vault/settings.ts';

/*
 * Where the master key comes from: the file `master.key` unless `key.json` of the data directory says otherwise.
 *   { "from": "systemd", "name": "signalbox-key" }             a credential of the service, decrypted by systemd
 *   { "from": "command", "command": ["/usr/bin/…", "…"] }      what a program prints: a cloud's KMS, the kernel's keyring
 *   { "from": "transit", "url": "https://…", "key": "signalbox", "auth": { … } }   wrapped by a vault, in `master.sealed`
 * With transit a `master.key` that is there is wrapped, and gone once that is durable. Never an environment variable.
 */
export const SOURCE_FILE = 'key.json';
const SEALED_FILE = 'master.sealed';
const KEY_BYTES = 32;
const MOST_TEXT = 16_384;

export interface KeyParts {
  readonly doors: Doors;
  /** Where systemd puts the credentials of a service; null outside of one. */
  readonly credentials: string | null;
  /** What a program prints, run without a shell. */
  readonly outputOf: (command: readonly string[]) => Promise<string>;
  readonly resolve?: Resolve;
}

/** The key everything at rest is encrypted under. Throws MASTER_KEY. */
export async function masterKeyOf(directory: string, parts: KeyParts): Promise<Uint8Array> {
  const source = await sourceIn(directory);
  switch (source?.from) {
    case undefined:
    case 'file':
      return loadMasterKey(directory, parts.doors.entropy);
    case 'systemd':
      return fromSystemd(String(source.name), parts.credentials);
    case 'command':
      return fromCommand(source.command, parts);
    case 'transit':
      return fromTransit(directory, source, parts);
    default:
      throw fault(
        `\`${SOURCE_FILE}\` names no source that is known: file, systemd, command, transit`,
      );
  }
}

/** Whether a key can be had here without making one. */
export async function hasMasterKey(directory: string): Promise<boolean> {
  const source = await sourceIn(directory);
  if (source !== null && source.from !== 'file') return true;
  return (await textOf(join(directory, KEY_FILE))) !== null;
}

/** It may name a program to run: nobody else may write it. */
async function sourceIn(directory: string): Promise<JsonObject | null> {
  const text = await textOf(join(directory, SOURCE_FILE), 0o022);
  if (text === null) return null;
  try {
    const source: unknown = JSON.parse(text);
    if (isJsonObject(source)) return source;
  } catch {
    // told below
  }
  throw fault(`\`${SOURCE_FILE}\` is not a JSON object`);
}

async function fromSystemd(name: string, directory: string | null): Promise<Uint8Array> {
  if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('.'))
    throw fault(`\`${SOURCE_FILE}\` names no credential of the service`);
  if (directory === null)
    throw fault(
      `\`${SOURCE_FILE}\` wants credential \`${name}\` of systemd, and this is no such service`,
    );
  const text = await textOf(join(directory, name));
  if (text === null) throw fault(`the service has no credential \`${name}\``);
  return keyIn(text, `credential \`${name}\``);
}

async function fromCommand(
  command: unknown,
  { outputOf }: Pick<KeyParts, 'outputOf'>,
): Promise<Uint8Array> {
  const words = Array.isArray(command) ? command.map(String) : [];
  const [program = ''] = words;
  if (!program.startsWith('/'))
    throw fault(`\`${SOURCE_FILE}\` wants a program by its whole path, got another`);
  const text = await outputOf(words).catch(() => {
    throw fault(`\`${program}\` gave no key`);
  });
  return keyIn(text, `what \`${program}\` printed`);
}

async function fromTransit(
  directory: string,
  source: JsonObject,
  parts: KeyParts,
): Promise<Uint8Array> {
  const outward = new OutwardPool(parts.doors.timers, parts.resolve);
  try {
    const transit = new Transit(source, outward, parts);
    const path = join(directory, SEALED_FILE);
    const sealed = await textOf(path);
    if (sealed !== null) {
      const key = await transit.open(sealed.trim());
      await rm(join(directory, KEY_FILE), { force: true });
      return key;
    }
    const key = await loadMasterKey(directory, parts.doors.entropy);
    await writeDurably(path, `${await transit.seal(key)}\n`);
    await rm(join(directory, KEY_FILE));
    return key;
  } finally {
    await outward.close();
  }
}

class Transit {
  readonly #desk: VaultDesk;
  readonly #server: VaultServer;
  readonly #place: (verb: string) => string;

  constructor(
    { url, key, mount = 'transit', ...rest }: JsonObject,
    outward: OutwardPool,
    parts: KeyParts,
  ) {
    this.#server = vaultServerOf({ ...rest, url: String(url), name: 'transit' });
    this.#desk = new VaultDesk(this.#server, {
      outward,
      clock: parts.doors.clock,
      // nothing is stored yet that could be opened: what proves us there lies in files of this user alone
      secrets: { reveal: secretFile },
      readText: async (path) => (await textOf(path)) ?? '',
    });
    this.#place = (verb) => `${String(mount)}/${verb}/${String(key)}`;
  }

  async open(ciphertext: string): Promise<Uint8Array> {
    const plaintext = await this.#ask('decrypt', { ciphertext }, 'plaintext');
    return keyIn(Buffer.from(plaintext, 'base64').toString('hex'), 'what the vault decrypted');
  }

  seal(key: Uint8Array): Promise<string> {
    return this.#ask('encrypt', { plaintext: Buffer.from(key).toString('base64') }, 'ciphertext');
  }

  async #ask(verb: string, body: JsonObject, member: string): Promise<string> {
    const answer = await this.#desk.ask('POST', this.#place(verb), body);
    const data = isJsonObject(answer.body.data) ? answer.body.data : {};
    const value = data[member];
    if (answer.status !== 200 || typeof value !== 'string')
      throw fault(failed(this.#server, `did not ${verb} the key`, answer).message);
    return value;
  }
}

async function secretFile(path: string): Promise<string> {
  const text = await textOf(path);
  if (text === null) throw fault(`\`${path}\` is not there`);
  return text.trim();
}

/** 32 bytes as 64 hexadecimal digits or in base64. */
function keyIn(text: string, what: string): Uint8Array {
  const said = text.trim();
  const bytes = /^[0-9a-f]{64}$/i.test(said)
    ? Buffer.from(said, 'hex')
    : Buffer.from(/^[A-Za-z0-9+/]{43}=$/.test(said) ? said : '', 'base64');
  if (bytes.length !== KEY_BYTES)
    throw fault(`${what} is no key: expected ${2 * KEY_BYTES} hexadecimal digits or 44 of base64`);
  return new Uint8Array(bytes);
}

/** Of a regular file that is nobody else's; null when it is not there. `forbidden`: bits that its mode may not have. */
async function textOf(path: string, forbidden = 0o077): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fault(`\`${path}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const stat = await file.stat();
    const uid = process.getuid?.();
    if (!stat.isFile() || stat.size > MOST_TEXT) throw fault(`\`${path}\` is no small file`);
    if (stat.uid !== uid && stat.uid !== 0) throw fault(`\`${path}\` belongs to another user`);
    if ((stat.mode & forbidden) !== 0)
      throw fault(
        `\`${path}\` has mode \`${(stat.mode & 0o777).toString(8)}\`: others could use it`,
      );
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Whole or not at all, also when the power fails. */
async function writeDurably(path: string, text: string): Promise<void> {
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
  const folder = await open(join(path, '..'), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function fault(why: string): SignalboxError {
  return new SignalboxError('MASTER_KEY', `there is no master key: ${why}`);
}
