import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { canonical, type JsonObject } from '../domain/json.ts';

/*
 * Payloads (arguments, results, reasons, images) lie apart from the chain, each encrypted with the key of its chain.
 * The hashed body holds only a commitment: SHA-256(salt ‖ canonical bytes). The salt is inside the ciphertext, so once
 * the key is destroyed nobody can try guesses against the commitment, and the chain still verifies.
 *
 *   sealed payload = version 1 ‖ nonce (12) ‖ AES-256-GCM(salt (32) ‖ canonical bytes) ‖ tag (16)
 *   wrapped key    = version 1 ‖ nonce (12) ‖ AES-256-GCM(key (32)) ‖ tag (16), under a key derived from the master key
 */
const VERSION = 1;
const NONCE = 12;
const TAG = 16;
const SALT = 32;

/** Unpredictable bytes; `Entropy.bytes` of the doors. */
export type Bytes = (length: number) => Uint8Array;

export interface Sealed {
  readonly commitment: string;
  readonly sealed: Uint8Array;
}

/** Key of one chain's payloads. */
export type ChainKey = KeyObject;

/** The key that wraps chain keys. Throws a RangeError unless the master key is 32 bytes. */
export function wrappingKey(masterKey: Uint8Array): KeyObject {
  return derived(masterKey, 'signalbox/ledger/wrap');
}

/** Tells one master key from another without saying anything about it. */
export function keyCheck(masterKey: Uint8Array): string {
  return hash('sha256', derived(masterKey, 'signalbox/ledger/check').export(), 'hex');
}

function derived(masterKey: Uint8Array, use: string): KeyObject {
  if (masterKey.length !== 32)
    throw new RangeError(`a master key of ${masterKey.length} bytes, expected 32`);
  return createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', use, 32)));
}

/** Two keys that wrap: of the master key so far, and of the one that takes its place. */
export interface Rewrapping {
  readonly from: KeyObject;
  readonly to: KeyObject;
  readonly bytes: Bytes;
}

/** A fresh key for `chain`, and its wrapped form for the store. */
export function newChainKey(
  wrapping: KeyObject,
  chain: string,
  bytes: Bytes,
): { readonly key: ChainKey; readonly wrapped: Uint8Array } {
  const raw = bytes(32);
  return {
    key: createSecretKey(raw),
    wrapped: encrypt(wrapping, bytes(NONCE), keyContext(chain), raw),
  };
}

/** Throws when the wrapped key was changed, belongs to another chain or to another master key. */
export function unwrapChainKey(wrapping: KeyObject, chain: string, wrapped: Uint8Array): ChainKey {
  return createSecretKey(decrypt(wrapping, keyContext(chain), wrapped));
}

/** The same key for who has `to`. Throws when it does not open under `from`. */
export function rewrapChainKey(
  { from, to, bytes }: Rewrapping,
  chain: string,
  wrapped: Uint8Array,
): Uint8Array {
  return encrypt(to, bytes(NONCE), keyContext(chain), decrypt(from, keyContext(chain), wrapped));
}

/** The secret of the ledger's signing key, for the store. */
export function wrapSigner(
  wrapping: KeyObject,
  name: string,
  secret: Uint8Array,
  bytes: Bytes,
): Uint8Array {
  return encrypt(wrapping, bytes(NONCE), signerContext(name), secret);
}

/** Throws when it was changed, is another key's or was wrapped under another master key. */
export function unwrapSigner(wrapping: KeyObject, name: string, wrapped: Uint8Array): Uint8Array {
  return decrypt(wrapping, signerContext(name), wrapped);
}

/** Encrypts the payload of record `seq`. The nonce is random: a rolled-back record may use its number again. */
export function sealPayload(
  key: ChainKey,
  at: { readonly chain: string; readonly seq: number },
  payload: unknown,
  bytes: Bytes,
): Sealed {
  return sealText(key, at, canonical(payload), bytes);
}

/** The same for a payload that is canonical text already. */
export function sealText(
  key: ChainKey,
  at: { readonly chain: string; readonly seq: number },
  canonicalText: string,
  bytes: Bytes,
): Sealed {
  const random = bytes(NONCE + SALT);
  const plain = Buffer.allocUnsafe(SALT + Buffer.byteLength(canonicalText, 'utf8'));
  plain.set(random.subarray(NONCE));
  plain.write(canonicalText, SALT, 'utf8');
  return {
    commitment: hash('sha256', plain, 'hex'),
    sealed: encrypt(key, random.subarray(0, NONCE), payloadContext(at), plain),
  };
}

/** Decrypts and compares with the commitment of the body. Throws when either does not hold. */
export function openPayload(
  key: ChainKey,
  at: { readonly chain: string; readonly seq: number },
  sealed: Uint8Array,
  expected: string,
): JsonObject {
  const plain = decrypt(key, payloadContext(at), sealed);
  const text = plain.subarray(SALT);
  const found = Buffer.from(hash('sha256', plain, 'hex'));
  const wanted = Buffer.from(expected);
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted))
    throw new Error('the payload is not the one committed to');
  return JSON.parse(text.toString('utf8')) as JsonObject;
}

const keyContext = (chain: string): Buffer => Buffer.from(`signalbox/key\n${chain}`);
const signerContext = (name: string): Buffer => Buffer.from(`signalbox/signer\n${name}`);
const payloadContext = (at: { readonly chain: string; readonly seq: number }): Buffer =>
  Buffer.from(`signalbox/payload\n${at.chain}\n${at.seq}`);

function encrypt(
  key: KeyObject,
  nonce: Uint8Array,
  context: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(context);
  // GCM is a stream: `update` gives every byte and `final` none.
  const body = cipher.update(plain);
  cipher.final();
  const sealed = Buffer.allocUnsafe(1 + NONCE + body.length + TAG);
  sealed[0] = VERSION;
  sealed.set(nonce, 1);
  sealed.set(body, 1 + NONCE);
  sealed.set(cipher.getAuthTag(), 1 + NONCE + body.length);
  return sealed;
}

function decrypt(key: KeyObject, context: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < 1 + NONCE + TAG || sealed[0] !== VERSION)
    throw new Error('not something sealed by this version');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE), {
    authTagLength: TAG,
  });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const body = decipher.update(sealed.subarray(1 + NONCE, sealed.length - TAG));
  return Buffer.concat([body, decipher.final()]);
}
