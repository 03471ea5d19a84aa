import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { SignalboxError } from '../domain/errors.ts';

/*
 * Signed notes as C2SP writes them (signed-note): a text, an empty line, and one line for each signature:
 *
 *   — NAME base64(key id ‖ signature)
 *
 * Key id: the first four bytes of SHA-256(NAME ⏎ 0x01 ‖ public key). A verifier key says NAME+hex(key id)+base64(0x01 ‖ public
 * key). 0x01 is Ed25519, over the text with its last line end.
 */
const ED25519 = 1;
const PUBLIC_BYTES = 32;
const SEED_BYTES = 32;
const MOST_CHARS = 65_536;
const MOST_SIGNATURES = 16;
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

export interface VerifierKey {
  readonly name: string;
  /** In hexadecimal. */
  readonly id: string;
  readonly public: KeyObject;
}

export interface SigningKey {
  /** The public half, in its text form. */
  readonly verifier: string;
  readonly name: string;
  readonly id: string;
  readonly private: KeyObject;
}

/** An Ed25519 key from its 32 bytes. Throws a RangeError for another length or a name that no note can hold. */
export function signingKey(name: string, seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`a signing key of ${seed.length} bytes, expected ${SEED_BYTES}`);
  if (!isName(name)) throw new RangeError(`\`${name}\` cannot name a signing key`);
  const own = createPrivateKey({
    key: Buffer.concat([PRIVATE_DER, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(own).export({ format: 'der', type: 'spki' });
  const typed = Buffer.concat([Buffer.of(ED25519), spki.subarray(-PUBLIC_BYTES)]);
  const id = idOf(name, typed);
  return { name, id, private: own, verifier: `${name}+${id}+${typed.toString('base64')}` };
}

/** Reads `NAME+KEYID+BASE64`. Throws SignalboxError `NOTE_MALFORMED`. */
export function readVerifier(text: string): VerifierKey {
  const [, name = '', id = '', coded = ''] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const typed = bytesOf(coded);
  const fits =
    isName(name) && typed?.length === 1 + PUBLIC_BYTES && typed[0] === ED25519 ? typed : null;
  if (fits === null || idOf(name, fits) !== id)
    throw malformed('expected a verifier key as `signalbox ledger key` prints it');
  const key = createPublicKey({
    key: Buffer.concat([PUBLIC_DER, fits.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  return { name, id, public: key };
}

/** `text` ends with a line end and holds no empty line. */
export function signNote(text: string, key: SigningKey): string {
  if (!text.endsWith('\n') || text.includes('\n\n'))
    throw new RangeError('a note is whole lines, none of them empty');
  const signature = signBytes(null, Buffer.from(text), key.private);
  const coded = Buffer.concat([Buffer.from(key.id, 'hex'), signature]).toString('base64');
  return `${text}\n— ${key.name} ${coded}\n`;
}

/**
 * The text of a note that this key signed; signatures of others beside it are passed over. Throws SignalboxError
 * `NOTE_MALFORMED`, or `SIGNATURE_INVALID` when the key did not sign this very text.
 */
export function openNote(note: string, key: VerifierKey): string {
  const { text, signatures } = parted(note);
  const own = signatures.filter(({ name, id }) => name === key.name && id === key.id);
  if (own.length === 0)
    throw new SignalboxError(
      'SIGNATURE_INVALID',
      `expected a signature of \`${key.name}\` with key ${key.id}, got ${
        signatures.map(({ name, id }) => `\`${name}\` with key ${id}`).join(', ') || 'none'
      }`,
    );
  const bytes = Buffer.from(text);
  if (!own.every(({ signature }) => verifyBytes(null, bytes, key.public, signature)))
    throw new SignalboxError('SIGNATURE_INVALID', `key ${key.id} did not sign this text`);
  return text;
}

/** The text alone, signed by whomever. Throws SignalboxError `NOTE_MALFORMED`. */
export function textOf(note: string): string {
  return parted(note).text;
}

interface Signature {
  readonly name: string;
  readonly id: string;
  readonly signature: Buffer;
}

function parted(note: string): { readonly text: string; readonly signatures: Signature[] } {
  const at = note.lastIndexOf('\n\n');
  if (note.length > MOST_CHARS || at < 0 || !note.endsWith('\n'))
    throw malformed('expected a signed note: a text, an empty line, signatures');
  const lines = note.slice(at + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw malformed('a note with too many signatures');
  return { text: note.slice(0, at + 1), signatures: lines.map(signatureOf) };
}

function signatureOf(line: string): Signature {
  const [, name = '', coded = ''] = /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
  const bytes = bytesOf(coded);
  if (name === '' || bytes === null || bytes.length < 5)
    throw malformed('expected signature lines of the form `— NAME BASE64`');
  return { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) };
}

/** Standard base64 as it would be written, and nothing else; null for what is not. */
export function bytesOf(coded: string): Buffer | null {
  const bytes = Buffer.from(coded, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === coded ? bytes : null;
}

function idOf(name: string, typed: Uint8Array): string {
  const named = Buffer.concat([Buffer.from(`${name}\n`), typed]);
  return hash('sha256', named, 'hex').slice(0, 8);
}

function isName(name: string): boolean {
  return /^[^\s+]{1,256}$/u.test(name);
}

function malformed(message: string): SignalboxError {
  return new SignalboxError('NOTE_MALFORMED', message);
}
