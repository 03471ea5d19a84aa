import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, jsonIn } from '../domain/json.ts';
import type { SubjectTokenRules } from '../domain/subject-token.ts';

type Place = Pick<SubjectTokenRules, 'jwks' | 'allowPrivate'>;

/** The text at an address, through the guarded egress. Throws when it is not to be had. */
export type ReadKeys = (url: string, allowPrivate: boolean) => Promise<string>;

interface Known {
  readonly at: number;
  readonly keys: Promise<JSONWebKeySet>;
}

const FRESH_MS = 10 * 60_000;
/** An unknown key makes them be read anew, this often at most: anybody can name one. */
const ANEW_MS = 30_000;
const MOST_SETS = 64;
const MOST_KEYS = 64;

/** Published keys of identity providers. None is used that was not read within ten minutes: an issuer that is away proves nothing. */
export class KeySets {
  readonly #read: ReadKeys;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(read: ReadKeys, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** Throws SUBJECT_TOKEN. */
  of(place: Place): Promise<JSONWebKeySet> {
    const known = this.#known.get(nameOf(place));
    if (known !== undefined && this.#clock.now() - known.at < FRESH_MS) return known.keys;
    return this.#ask(place);
  }

  /** Read again; null when that was done just now. Throws SUBJECT_TOKEN. */
  async anew(place: Place): Promise<JSONWebKeySet | null> {
    const known = this.#known.get(nameOf(place));
    if (known !== undefined && this.#clock.now() - known.at < ANEW_MS) return null;
    return this.#ask(place);
  }

  #ask(place: Place): Promise<JSONWebKeySet> {
    const name = nameOf(place);
    const keys = this.#read(place.jwks, place.allowPrivate).then(keysIn, () => {
      throw unknown('the keys of its issuer cannot be read');
    });
    this.#known.delete(name);
    this.#known.set(name, { at: this.#clock.now(), keys });
    keys.catch(() => {
      if (this.#known.get(name)?.keys === keys) this.#known.delete(name);
    });
    for (const oldest of [...this.#known.keys()].slice(0, -MOST_SETS)) this.#known.delete(oldest);
    return keys;
  }
}

function nameOf({ jwks, allowPrivate }: Place): string {
  return `${allowPrivate} ${jwks}`;
}

/** Only public keys that sign: a shared secret in a published set is nobody's proof. */
function keysIn(text: string): JSONWebKeySet {
  const set: unknown = jsonIn(text);
  const keys = isJsonObject(set) && Array.isArray(set.keys) ? set.keys : null;
  if (keys === null || keys.length > MOST_KEYS)
    throw unknown(`its issuer publishes no set of at most ${MOST_KEYS} keys`);
  const usable = keys.filter(
    (key) => isJsonObject(key) && ['RSA', 'EC', 'OKP'].includes(String(key.kty)),
  );
  return { keys: usable as unknown as JSONWebKeySet['keys'] };
}

function unknown(why: string): SignalboxError {
  return new SignalboxError('SUBJECT_TOKEN', `the \`subject_token\` is refused: ${why}`);
}
