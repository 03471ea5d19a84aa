import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, jsonIn } from '../domain/json.ts';
import type { LedgerEvent } from '../domain/store.ts';
import { hashOf } from './chain.ts';
import { type Checkpoint, recordLeaf } from './checkpoint.ts';
import { bytesOf } from './signed-note.ts';
import {
  HASH_BYTES,
  type Hash,
  LONGEST_PROOF,
  verifyConsistency,
  verifyInclusion,
} from './tree.ts';

/** A record with its way to the root. It holds no payload, so it may be handed on. `path`: base64, from the leaf up. */
export type ProvenRecord = LedgerEvent & {
  readonly leaf: number;
  readonly path: readonly string[];
};

/** That these records are among the first `size`. `checkpoint`: the note of that size, where it is the newest. */
export type InclusionProof = {
  readonly kind: 'inclusion';
  readonly id: string;
  readonly size: number;
  readonly records: readonly ProvenRecord[];
  readonly checkpoint: string | null;
};

/** That the first `first` records are still what they were when there were `second`. */
export type ConsistencyProof = {
  readonly kind: 'consistency';
  readonly first: number;
  readonly second: number;
  readonly path: readonly string[];
  readonly checkpoint: string | null;
};

export type Proof = InclusionProof | ConsistencyProof;

/** What is wrong with it, in words; nothing when every record is in the tree of the checkpoint. */
export function inclusionProblems(proof: InclusionProof, checkpoint: Checkpoint): string[] {
  const { size, root } = checkpoint;
  if (proof.size !== size)
    return [`the proof is for ${proof.size} records, the checkpoint is of ${size}`];
  if (proof.records.length === 0) return ['the proof has no record'];
  return proof.records.flatMap((record) => {
    const what = `record ${record.seq} of \`${record.chain}\``;
    if (!hasOwnHash(record)) return [`${what} is not the one that its hash is of`];
    const claim = { leaf: recordLeaf(record), index: record.leaf, size, root };
    return verifyInclusion({ ...claim, proof: hashesOf(record.path) })
      ? []
      : [`${what} is not leaf ${record.leaf} of the tree that was signed`];
  });
}

/** The same of two checkpoints: nothing when the second continues the first. */
export function consistencyProblems(
  proof: ConsistencyProof,
  first: Checkpoint,
  second: Checkpoint,
): string[] {
  if (first.origin !== second.origin)
    return [`the checkpoints are of two ledgers, \`${first.origin}\` and \`${second.origin}\``];
  if (second.size < first.size)
    return [`${first.size} records were signed, now there are ${second.size}: the end was cut off`];
  if (proof.first !== first.size || proof.second !== second.size)
    return [
      `the proof is from ${proof.first} to ${proof.second} records, the checkpoints are of ${first.size} and ${second.size}`,
    ];
  return verifyConsistency({
    ...{ first: first.size, second: second.size, proof: hashesOf(proof.path) },
    ...{ firstRoot: first.root, secondRoot: second.root },
  })
    ? []
    : [`the first ${first.size} records are not those that were signed: they were rewritten`];
}

/** Throws SignalboxError `NOTE_MALFORMED`. */
export function readProof(text: string): Proof {
  const value = jsonIn(text);
  const shared = isJsonObject(value) && (value.checkpoint === null || isText(value.checkpoint));
  if (shared && value.kind === 'inclusion' && isText(value.id) && isCount(value.size)) {
    const { records } = value;
    if (Array.isArray(records) && records.every(isProven))
      return value as unknown as InclusionProof;
  }
  if (shared && value.kind === 'consistency' && isCount(value.first) && isCount(value.second))
    if (isPath(value.path)) return value as unknown as ConsistencyProof;
  throw new SignalboxError(
    'NOTE_MALFORMED',
    'expected a proof as `signalbox ledger prove` printed it',
  );
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isPath = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= LONGEST_PROOF && value.every(isHash);
const isHash = (value: unknown): boolean => isText(value) && bytesOf(value)?.length === HASH_BYTES;

function isProven(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const texts = ['chain', 'type', 'body', 'previous', 'hash'].every((name) => isText(value[name]));
  const counts = ['seq', 'at', 'leaf'].every((name) => isCount(value[name]));
  return texts && counts && isPath(value.path);
}

function hasOwnHash({ leaf, path, ...record }: ProvenRecord): boolean {
  try {
    return hashOf(record) === record.hash;
  } catch {
    return false;
  }
}

function hashesOf(path: readonly string[]): Hash[] {
  return path.map((coded) => Buffer.from(coded, 'base64'));
}
