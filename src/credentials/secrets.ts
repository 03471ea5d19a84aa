import type { SecretSource } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';
import { Envelopes } from './envelope.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const OWN_NAME = /^[a-z]+:[A-Za-z0-9._-]{1,128}$/;
const MAX_BYTES = 64 * 1024;

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
  /** With the version of it, 0 for none, that `replace` wants. */
  read(name: string): Promise<{ readonly value: string | null; readonly version: number }>;
  /** In the place of that version; false when another process was faster, and nothing was written. */
  replace(name: string, value: string, over: number, by: string): Promise<boolean>;
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
  const envelopes = new Envelopes(masterKey, doors.entropy);

  function remember(name: string, value: string): void {
    if (known === undefined) return;
    if (!name.includes(':')) known.add(value, true);
    else for (const secret of secretsIn(value)) known.add(secret);
  }

  async function write(name: string, value: string, by: string, over?: number) {
    const bytes = Buffer.byteLength(value);
    if (bytes === 0 || bytes > MAX_BYTES)
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `expected a secret of 1 to ${MAX_BYTES} bytes, got ${bytes}`,
      );
    remember(name, value);
    const envelope = envelopes.seal(name, value);
    const at = doors.clock.now();
    const only = over === undefined ? {} : { over };
    return store.commit({ kind: 'secret.set', name, sealed: envelope, ...only, by, at });
  }

  function unsealed(name: string, envelope: string): string {
    const value = envelopes.open(name, envelope);
    remember(name, value);
    return value;
  }

  return {
    async put(name, value, by) {
      if (!NAME.test(name))
        throw new SignalboxError(
          'REQUEST_MALFORMED',
          `expected a secret name of lower-case letters, digits, \`.\`, \`_\` and \`-\`, got \`${name.slice(0, 64)}\``,
        );
      const odd = oddIn(value);
      if (odd !== null)
        throw new SignalboxError('REQUEST_MALFORMED', `expected a secret that is text, got ${odd}`);
      const done = await write(name, value, by);
      return { version: done.ok ? done.version : 0 };
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

    async read(name) {
      const found = await store.secret(own(name));
      if (found === null) return { value: null, version: 0 };
      return { value: unsealed(name, found.sealed), version: found.version };
    },

    async replace(name, value, over, by) {
      return (await write(own(name), value, by, over)).ok;
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

/** What no header and no environment can carry, or what is left of a file that was no text. */
function oddIn(value: string): string | null {
  if (value.includes('\0')) return 'one with an empty byte';
  if (!value.isWellFormed() || value.includes('\ufffd')) return 'one that is no UTF-8';
  return null;
}

function own(name: string): string {
  if (!OWN_NAME.test(name)) throw new RangeError('not a name of ours');
  return name;
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
