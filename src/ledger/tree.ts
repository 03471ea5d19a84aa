import { hash } from 'node:crypto';

/*
 * The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1). A leaf is hashed behind the byte 0, a node behind the byte 1, so that
 * none can pass for the other. Sizes and indexes are whole numbers below 2^53.
 */

export type Hash = Buffer;

export const HASH_BYTES = 32;
/** The root of a tree without leaves. */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer');
/** Longer than the proof of any tree that can be. */
export const LONGEST_PROOF = 64;

export function leafHash(data: string | Uint8Array): Hash {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const prefixed = Buffer.allocUnsafe(1 + bytes.length);
  prefixed[0] = 0;
  prefixed.set(bytes, 1);
  return hash('sha256', prefixed, 'buffer');
}

const pair = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
pair[0] = 1;

export function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return hash('sha256', pair, 'buffer');
}

/** The root over these leaf hashes (or over the roots of whole subtrees of one size, the last of which may be smaller). */
export function rootOf(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT;
  let row = hashes;
  while (row.length > 1) {
    const above: Hash[] = [];
    for (let at = 0; at + 1 < row.length; at += 2)
      above.push(nodeHash(row[at] as Hash, row[at + 1] as Hash));
    if (row.length % 2 === 1) above.push(row.at(-1) as Hash);
    row = above;
  }
  return row[0] as Hash;
}

/** The leaves from `from` up to and without `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The root of the whole subtree number `index` of 2^`level` leaves. */
export type NodeAt = (level: number, index: number) => Hash;

/** Visits the whole subtrees that make up a range of a tree. The range must be one that occurs in it. */
export function subtreesOf(range: Range, visit: (level: number, index: number) => void): void {
  let { from } = range;
  while (from < range.to) {
    const count = powerUpTo(range.to - from);
    visit(Math.log2(count), from / count);
    from += count;
  }
}

export function rangeHash(range: Range, nodeAt: NodeAt): Hash {
  const parts: Hash[] = [];
  subtreesOf(range, (level, index) => parts.push(nodeAt(level, index)));
  let root = parts.pop() ?? EMPTY_ROOT;
  for (const left of parts.toReversed()) root = nodeHash(left, root);
  return root;
}

/** What the inclusion proof of a leaf is made of, from the leaf up. Throws a RangeError for a leaf that is not there. */
export function inclusionRanges(index: number, size: number): Range[] {
  requireWhole(size, 0);
  requireWhole(index, 0, size - 1);
  const path: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + powerBelow(to - from);
    if (index < middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  return path.reverse();
}

/** What the proof is made of that the tree of `first` leaves is a beginning of the one of `second`. */
export function consistencyRanges(first: number, second: number): Range[] {
  requireWhole(second, 0);
  requireWhole(first, 0, second);
  if (first === 0 || first === second) return [];
  const path: Range[] = [];
  let [from, to] = [0, second];
  while (first !== to) {
    const middle = from + powerBelow(to - from);
    if (first <= middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  // The old tree itself is what the verifier brings along.
  if (from > 0) path.push({ from, to });
  return path.reverse();
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(claim: {
  readonly leaf: Hash;
  readonly index: number;
  readonly size: number;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}): boolean {
  const { index, size, proof } = claim;
  if (!isWhole(size) || !isWhole(index) || index >= size || proof.length > LONGEST_PROOF)
    return false;
  let [at, last, found] = [index, size - 1, claim.leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      found = nodeHash(sibling, found);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else found = nodeHash(found, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && found.equals(claim.root);
}

/** RFC 9162 §2.1.4.2. Every tree continues the empty one. */
export function verifyConsistency(claim: {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Hash;
  readonly secondRoot: Hash;
  readonly proof: readonly Hash[];
}): boolean {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!isWhole(first) || !isWhole(second) || first > second || proof.length > LONGEST_PROOF)
    return false;
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0) return proof.length === 0 && firstRoot.equals(EMPTY_ROOT);
  const path = powerUpTo(first) === first ? [firstRoot, ...proof] : proof;
  const [start, ...rest] = path;
  if (start === undefined) return false;
  let [at, last] = [first - 1, second - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [old, young] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      old = nodeHash(sibling, old);
      young = nodeHash(sibling, young);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else young = nodeHash(young, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && old.equals(firstRoot) && young.equals(secondRoot);
}

const half = (value: number): number => Math.floor(value / 2);
const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** The largest power of two that is at most `value`. */
function powerUpTo(value: number): number {
  let power = 1;
  while (power * 2 <= value) power *= 2;
  return power;
}

/** The largest power of two below `value`, where a tree of so many leaves is parted. */
function powerBelow(value: number): number {
  const power = powerUpTo(value);
  return power === value ? power / 2 : power;
}

function requireWhole(value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new RangeError(`expected a whole number from ${least} to ${most}, got ${value}`);
}
