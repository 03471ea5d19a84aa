import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { SecretSource } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const OWN_NAME = /^[a-z]+:[A-Za-z0-9._-]{1,128}$/;
const MAX_BYTES = 64 * 1024;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

export interface SecretsParts {
  readonly store: Pick<Store, 'commit' | 'secret' | 'secretNames'>;
  readonly masterKey: Uint8Array;
  readonly doors: Pick<Doors, 'clock' | 'entropy'>;
  /** Told of every value that is read or written: none of them may leave this process again. */
  readonly known?: { add(value: string, lasting?: boolean): void };
}

/** What Signalbox keeps for itself among the secrets. Its names hold a colon, which no operator's name can. */
export interface SecretVault {
  /** Null when there is none. */
  kept(name: string): Promise<string | null>;
  keep(name: string, value: string, by: string): Promise<void>;
  /** Takes it out; harmless when there is none. */
  drop(name: string, by: string): Promise<void>;
}

export interface Secrets extends SecretSource, SecretVault {
  /** Encrypts and stores. Throws REQUEST_MALFORMED for a name or value that does not fit. */
  put(name: string, value: string, by: string): Promise<{ readonly version: number }>;
  names(): ReturnType<Store['secretNames']>;
  /** Reads every one, so that all are known before anything leaves. */
  learn(): Promise<void>;
}

/**
 * Connection secrets, AES-256-GCM. Each has a data key of its own, wrapped by a key derived from the master key, so
 * that a new master key needs no plaintext. The name is authenticated: a sealed text is worth nothing elsewhere.
 */
export function createSecrets({ store, masterKey, doors, known }: SecretsParts): Secrets {
  const wrapping = new Uint8Array(
    hkdfSync('sha256', masterKey, new Uint8Array(), 'signalbox/secrets/1', KEY_BYTES),
  );

  const seal = (key: Uint8Array, plain: Uint8Array, name: string): string =>
    sealed(key, doors.entropy.bytes(NONCE_BYTES), plain, name);

  function remember(name: string, value: string): void {
    if (known === undefined) return;
    if (!name.includes(':')) known.add(value, true);
    else for (const secret of secretsIn(value)) known.add(secret);
  }

  async function write(name: string, value: string, by: string) {
    const bytes = Buffer.byteLength(value);
    if (bytes === 0 || bytes > MAX_BYTES)
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `expected a secret of 1 to ${MAX_BYTES} bytes, got ${bytes}`,
      );
    remember(name, value);
    const key = doors.entropy.bytes(KEY_BYTES);
    const envelope = `1.${seal(wrapping, key, `key:${name}`)}.${seal(key, Buffer.from(value), name)}`;
    const at = doors.clock.now();
    return store.commit({ kind: 'secret.set', name, sealed: envelope, by, at });
  }

  function unsealed(name: string, envelope: string): string {
    const [format, wrapped = '', body = ''] = envelope.split('.');
    if (format !== '1') throw unreadable(name);
    try {
      const key = open(wrapping, wrapped, `key:${name}`);
      const value = open(key, body, name).toString('utf8');
      remember(name, value);
      return value;
    } catch {
      throw unreadable(name);
    }
  }

  return {
    async put(name, value, by) {
      if (!NAME.test(name))
        throw new SignalboxError(
          'REQUEST_MALFORMED',
          `expected a secret name of lower-case letters, digits, \`.\`, \`_\` and \`-\`, got \`${name.slice(0, 64)}\``,
        );
      return write(name, value, by);
    },

    async reveal(name) {
      const found = NAME.test(name) ? await store.secret(name) : null;
      if (found === null)
        throw new SignalboxError('SECRET_MISSING', `there is no secret \`${name}\``);
      return unsealed(name, found.sealed);
    },

    async kept(name) {
      const found = await store.secret(own(name));
      return found === null ? null : unsealed(name, found.sealed);
    },

    async keep(name, value, by) {
      await write(own(name), value, by);
    },

    async drop(name, by) {
      await store.commit({ kind: 'secret.forget', name: own(name), by, at: doors.clock.now() });
    },

    names: () => store.secretNames(),

    async learn() {
      for (const { name } of await store.secretNames()) {
        const found = await store.secret(name);
        if (found === null) continue;
        try {
          unsealed(name, found.sealed);
        } catch {
          // what cannot be read cannot leave; whoever uses it is told
        }
      }
    },
  };
}

function own(name: string): string {
  if (!OWN_NAME.test(name)) throw new RangeError('not a name of ours');
  return name;
}

function sealed(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, name: string): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

function open(key: Uint8Array, sealed: string, name: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(name))
    .setAuthTag(tag);
  return Buffer.concat([
    decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
    decipher.final(),
  ]);
}

function unreadable(name: string): SignalboxError {
  return new SignalboxError(
    'MASTER_KEY',
    `secret \`${name}\` was sealed under another master key, or was changed`,
  );
}

/** Members of our own records that hold what could be used. */
const SECRET_MEMBERS = new Set(['value', 'refresh', 'secret', 'token', 'password']);

function secretsIn(record: string): readonly string[] {
  const found: string[] = [];
  const visit = (value: Json, member: string): void => {
    if (typeof value === 'string' && SECRET_MEMBERS.has(member)) found.push(value);
    else if (Array.isArray(value)) for (const one of value) visit(one, member);
    else if (isJsonObject(value))
      for (const [name, one] of Object.entries(value)) visit(one as Json, name);
  };
  visit(JSON.parse(record) as Json, '');
  return found;
}
