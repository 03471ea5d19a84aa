import { timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resolve } from '../boundary/egress.ts';
import type { Doors } from '../domain/doors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { keyFault as fault, textOf, writeDurably } from './key-files.ts';
import { KEY_FILE, loadMasterKey, readMasterKey } from './master-key.ts';
import { OutwardPool } from './outward.ts';
import { failed, VaultDesk } from './vault/desk.ts';
import { type VaultServer, vaultServerOf } from './vault/settings.ts';

/*
 * Where the master key comes from: the file `master.key` unless `key.json` of the data directory says otherwise.
 *   { "from": "systemd", "name": "signalbox-key" }             a credential of the service, decrypted by systemd
 *   { "from": "command", "command": ["/usr/bin/…", "…"] }      what a program prints: a cloud's KMS, the kernel's keyring
 *   { "from": "transit", "url": "https://…", "key": "signalbox", "auth": { … } }   wrapped by a vault, in `master.sealed`
 * With transit a `master.key` that is there is wrapped, and gone once that is durable. Never an environment variable.
 * The same names with `.next` and `.old` are the key that takes its place and the one before (key-rotation.ts).
 */
export const SOURCE_FILE = 'key.json';
export const SEALED_FILE = 'master.sealed';
const KEY_BYTES = 32;

export interface KeyParts {
  readonly doors: Doors;
  /** Where systemd puts the credentials of a service; null outside of one. */
  readonly credentials: string | null;
  /** What a program prints, run without a shell. */
  readonly outputOf: (command: readonly string[]) => Promise<string>;
  /** The text of a small file, wherever a link leads: the token that Kubernetes gives a pod is one. */
  readonly readText: (path: string) => Promise<string>;
  readonly resolve?: Resolve;
}

/** Of the keys that a data directory may hold: the one in use, the one that takes its place, the one before it. */
export type Which = '' | '.next' | '.old';

/** The key everything at rest is encrypted under, made when it is a file that is not there. Throws MASTER_KEY. */
export async function masterKeyOf(directory: string, parts: KeyParts): Promise<Uint8Array> {
  const source = await sourceIn(directory);
  switch (kindOf(source)) {
    case 'file':
      return loadMasterKey(directory, parts.doors.entropy);
    case 'transit':
      return fromTransit(directory, source ?? {}, parts);
    default:
      return fromElsewhere(source ?? {}, parts);
  }
}

/** The same, and never made: null when there is none. */
export async function keyAt(
  directory: string,
  which: Which,
  parts: KeyParts,
): Promise<Uint8Array | null> {
  const source = await sourceIn(directory, which);
  const material = materialOf(source);
  if (material === null) return fromElsewhere(source ?? {}, parts);
  const names = [material + which];
  // what takes the place of another has its own name first, and the usual one once it was moved there
  if (which === '.next' && source !== null) names.push(material);
  for (const name of names) {
    const path = join(directory, name);
    if (material === KEY_FILE) {
      const key = await readMasterKey(path);
      if (key !== null) return key;
      continue;
    }
    const sealed = await textOf(path);
    if (sealed !== null) return withTransit(source ?? {}, parts, (one) => one.open(sealed.trim()));
  }
  return null;
}

/** Makes the key that is to take the place of the one in use, and says durably where it is. Throws MASTER_KEY. */
export async function makeNext(
  directory: string,
  source: JsonObject | null,
  parts: KeyParts,
): Promise<Uint8Array> {
  const material = materialOf(source);
  const { entropy } = parts.doors;
  if (material === SEALED_FILE) {
    const key = entropy.bytes(KEY_BYTES);
    const sealed = await withTransit(source ?? {}, parts, (one) => one.seal(key));
    await writeDurably(join(directory, `${SEALED_FILE}.next`), `${sealed}\n`);
  }
  // one that was put there, or that an attempt before this one made, is taken
  if (material === KEY_FILE) await loadMasterKey(directory, entropy, `${KEY_FILE}.next`);
  if (source !== null)
    await writeDurably(join(directory, `${SOURCE_FILE}.next`), `${JSON.stringify(source)}\n`);
  const key = await keyAt(directory, '.next', parts);
  if (key === null) throw fault('the new one vanished');
  return key;
}

/** Whether a key can be had here without making one. */
export async function hasMasterKey(directory: string): Promise<boolean> {
  const source = await sourceIn(directory);
  if (kindOf(source) !== 'file') return true;
  return (await textOf(join(directory, KEY_FILE))) !== null;
}

/** It may name a program to run: nobody else may write it. */
export async function sourceIn(directory: string, which: Which = ''): Promise<JsonObject | null> {
  const name = SOURCE_FILE + which;
  const text = await textOf(join(directory, name), 0o022);
  return text === null ? null : sourceFrom(text, name);
}

export function sourceFrom(text: string, name: string): JsonObject {
  try {
    const source: unknown = JSON.parse(text);
    if (isJsonObject(source)) return source;
  } catch {
    // told below
  }
  throw fault(`\`${name}\` is not a JSON object`);
}

/** The file that the key of such a source lies in; null when it lies elsewhere. */
export function materialOf(source: JsonObject | null): string | null {
  switch (kindOf(source)) {
    case 'file':
      return KEY_FILE;
    case 'transit':
      return SEALED_FILE;
    default:
      return null;
  }
}

function kindOf(source: JsonObject | null): string {
  const from = source?.from ?? 'file';
  if (typeof from === 'string' && ['file', 'systemd', 'command', 'transit'].includes(from))
    return from;
  throw fault(`\`${SOURCE_FILE}\` names no source that is known: file, systemd, command, transit`);
}

function fromElsewhere(source: JsonObject, parts: KeyParts): Promise<Uint8Array> {
  return kindOf(source) === 'systemd'
    ? fromSystemd(String(source.name), parts.credentials)
    : fromCommand(source.command, parts);
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
  const path = join(directory, SEALED_FILE);
  const sealed = await textOf(path);
  return withTransit(source, parts, async (transit) => {
    if (sealed !== null) {
      const key = await transit.open(sealed.trim());
      const left = await readMasterKey(join(directory, KEY_FILE));
      if (left !== null && !timingSafeEqual(left, key))
        throw fault(
          `\`${KEY_FILE}\` holds another key than \`${SEALED_FILE}\``,
          'move away the one that the store is not under',
        );
      await rm(join(directory, KEY_FILE), { force: true });
      return key;
    }
    const key = await loadMasterKey(directory, parts.doors.entropy);
    await writeDurably(path, `${await transit.seal(key)}\n`);
    await rm(join(directory, KEY_FILE));
    return key;
  });
}

async function withTransit<T>(
  source: JsonObject,
  parts: KeyParts,
  use: (transit: Transit) => Promise<T>,
): Promise<T> {
  const outward = new OutwardPool(parts.doors.timers, parts.resolve);
  try {
    return await use(new Transit(source, outward, parts));
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
      readText: parts.readText,
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
