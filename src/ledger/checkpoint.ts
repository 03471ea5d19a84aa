import { hash } from 'node:crypto';
import { SignalboxError } from '../domain/errors.ts';
import {
  bytesOf,
  openNote,
  type SigningKey,
  signNote,
  textOf,
  type VerifierKey,
} from './signed-note.ts';
import { HASH_BYTES, type Hash, leafHash } from './tree.ts';

/*
 * What the ledger signs with its one key. A checkpoint (C2SP tlog-checkpoint) says how many records were sealed and the
 * root of the tree over them:
 *
 *   signalbox/ledger/ID ⏎ size ⏎ base64(root) ⏎
 *
 * A document is another file that this ledger vouches for. Its note begins with another line, so that neither can pass
 * for the other, and names what the document is for:
 *
 *   signalbox/document/v1 ⏎ context ⏎ hex SHA-256 of its bytes ⏎
 */
const ORIGIN = 'signalbox/ledger/';
const DOCUMENT = 'signalbox/document/v1';

/** What one record puts into the tree: its hash and its place. Nothing that an erasure takes away. */
export interface SealedRecord {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export function recordLeaf({ chain, seq, hash }: SealedRecord): Hash {
  return leafHash(`signalbox/leaf\n${chain}\n${seq}\n${hash}`);
}

/** Also the name of the key. */
export function originOf(ledger: string): string {
  return `${ORIGIN}${ledger}`;
}

export function signCheckpoint({ origin, size, root }: Checkpoint, key: SigningKey): string {
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, key);
}

/**
 * Reads a checkpoint and holds it against the key. Throws SignalboxError `SIGNATURE_INVALID`, or `NOTE_MALFORMED` for what
 * is none.
 */
export function openCheckpoint(note: string, key: VerifierKey): Checkpoint {
  const checkpoint = parsed(openNote(note, key));
  if (checkpoint.origin !== key.name)
    throw new SignalboxError(
      'SIGNATURE_INVALID',
      `expected a checkpoint of \`${key.name}\`, got one of \`${checkpoint.origin}\``,
    );
  return checkpoint;
}

/** Reads it without asking who signed. Throws SignalboxError `NOTE_MALFORMED`. */
export function readCheckpoint(note: string): Checkpoint {
  return parsed(textOf(note));
}

function parsed(text: string): Checkpoint {
  const [origin = '', size = '', coded = '', ...rest] = text.split('\n');
  const root = bytesOf(coded);
  const fits =
    origin.startsWith(ORIGIN) &&
    /^(?:0|[1-9]\d{0,15})$/.test(size) &&
    Number.isSafeInteger(Number(size)) &&
    root?.length === HASH_BYTES &&
    rest.length === 1;
  if (!fits)
    throw new SignalboxError('NOTE_MALFORMED', 'expected a checkpoint: origin, size and root');
  return { origin, size: Number(size), root };
}

/** A note that says: this ledger vouches for these bytes, as a document of this context (`drill-report`). */
export function signDocument(key: SigningKey, context: string, bytes: Uint8Array): string {
  return signNote(documentText(context, bytes), key);
}

/** Throws SignalboxError `SIGNATURE_INVALID` unless the key signed these bytes in this context, `NOTE_MALFORMED` for no note. */
export function verifyDocument(
  key: VerifierKey,
  context: string,
  bytes: Uint8Array,
  note: string,
): void {
  if (openNote(note, key) !== documentText(context, bytes))
    throw new SignalboxError(
      'SIGNATURE_INVALID',
      `the signature is not of this document as a \`${context}\``,
    );
}

function documentText(context: string, bytes: Uint8Array): string {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(context))
    throw new RangeError('the context of a document is a lower-case name');
  return `${DOCUMENT}\n${context}\n${hash('sha256', bytes, 'hex')}\n`;
}
