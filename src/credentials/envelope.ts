import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Entropy } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';

const FORMAT = '1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** One secret as it lies at rest: `1.<data key, wrapped>.<value under it>`, AES-256-GCM, base64url. */
export class Envelopes {
  readonly #wrapping: Uint8Array;
  readonly #entropy: Entropy;

  constructor(masterKey: Uint8Array, entropy: Entropy) {
    const info = 'signalbox/secrets/1';
    this.#wrapping = new Uint8Array(
      hkdfSync('sha256', masterKey, new Uint8Array(), info, KEY_BYTES),
    );
    this.#entropy = entropy;
  }

  seal(name: string, value: string): string {
    const key = this.#entropy.bytes(KEY_BYTES);
    const wrapped = this.#sealed(this.#wrapping, key, `key:${name}`);
    return [FORMAT, wrapped, this.#sealed(key, Buffer.from(value), name)].join('.');
  }

  /** Throws MASTER_KEY. */
  open(name: string, envelope: string): string {
    const { key, body } = this.#parted(name, envelope);
    return opened(name, key, body, name).toString('utf8');
  }

  /** The same value for who has `to`; its data key changes hands, the value stays sealed. Throws MASTER_KEY. */
  rewrapped(name: string, envelope: string, to: Envelopes): string {
    const { key, body } = this.#parted(name, envelope);
    return [FORMAT, to.#sealed(to.#wrapping, key, `key:${name}`), body].join('.');
  }

  /** Its data key, and what that seals. */
  #parted(name: string, envelope: string): { readonly key: Buffer; readonly body: string } {
    const [format, wrapped = '', body = ''] = envelope.split('.');
    if (format !== FORMAT) throw unreadable(name);
    return { key: opened(name, this.#wrapping, wrapped, `key:${name}`), body };
  }

  #sealed(key: Uint8Array, plain: Uint8Array, name: string): string {
    const nonce = this.#entropy.bytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
  }
}

/** `secret`: whose it is; `bound`: what it was sealed for. */
function opened(secret: string, key: Uint8Array, sealed: string, bound: string): Buffer {
  try {
    return open(key, sealed, bound);
  } catch {
    throw unreadable(secret);
  }
}

function open(key: Uint8Array, sealed: string, bound: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(bound))
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
