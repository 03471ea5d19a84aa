import { SignalboxError } from '../domain/errors.ts';
import {
  HASH_BYTES,
  type Hash,
  type NodeAt,
  nodeHash,
  type Range,
  rootOf,
  subtreesOf,
} from './tree.ts';

/*
 * How the tree lies in a store: tiles of 256 hashes (C2SP tlog-tiles). Tile `place` of level 0 holds the leaf hashes from
 * 256 × `place` on; one of level L the roots of subtrees of 256^L leaves. Only the last tile of a level may be shorter,
 * and it is replaced as it grows. Any root and any proof of any size so far follows from a few of them.
 */

const HEIGHT = 8;
export const TILE = 2 ** HEIGHT;

export interface TilePlace {
  readonly level: number;
  readonly place: number;
}

/** `hashes`: 32 bytes each. */
export interface Tile extends TilePlace {
  readonly hashes: Uint8Array;
}

/** The unfinished tiles of a tree: all that is needed to let it grow and to know its root. */
export class Edge {
  #size = 0;
  readonly #levels: { whole: number; hashes: Hash[]; changed: boolean }[] = [];
  #full: Tile[] = [];

  get size(): number {
    return this.#size;
  }

  /** The edge of a tree of `size` leaves from the tiles of `edgePlaces(size)`. Throws SignalboxError `LEDGER_BROKEN`. */
  static of(size: number, tiles: readonly Tile[]): Edge {
    const edge = new Edge();
    edge.#size = size;
    for (const [level, count] of countsOf(size).entries()) {
      const whole = Math.floor(count / TILE);
      const tile = tiles.find((one) => one.level === level && one.place === whole);
      const hashes = tile === undefined ? [] : hashesOf(tile);
      if (hashes.length !== count % TILE)
        throw new SignalboxError(
          'LEDGER_BROKEN',
          `tile ${whole} of level ${level} has ${hashes.length} hashes, expected ${count % TILE}`,
        );
      edge.#levels.push({ whole, hashes, changed: false });
    }
    return edge;
  }

  append(leaf: Hash): void {
    this.#size++;
    this.#push(0, leaf);
  }

  root(): Hash {
    let below: Hash[] = [];
    for (const { hashes } of this.#levels) {
      const row = [...hashes, ...below];
      below = row.length === 0 ? [] : [rootOf(row)];
    }
    return rootOf(below);
  }

  /** The tiles that were finished since this was last asked. */
  takeFull(): Tile[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The tiles that changed since this was last asked: finished ones, then what is unfinished. */
  takeChanged(): Tile[] {
    const changed = this.takeFull();
    for (const [level, one] of this.#levels.entries()) {
      if (!one.changed || one.hashes.length === 0) continue;
      one.changed = false;
      changed.push({ level, place: one.whole, hashes: Buffer.concat(one.hashes) });
    }
    return changed;
  }

  #push(level: number, hash: Hash): void {
    this.#levels[level] ??= { whole: 0, hashes: [], changed: false };
    const at = this.#levels[level];
    at.hashes.push(hash);
    at.changed = true;
    if (at.hashes.length < TILE) return;
    const root = rootOf(at.hashes);
    this.#full.push({ level, place: at.whole, hashes: Buffer.concat(at.hashes) });
    Object.assign(at, { whole: at.whole + 1, hashes: [], changed: false });
    this.#push(level + 1, root);
  }
}

/** Where the unfinished tiles of a tree of `size` leaves lie. */
export function edgePlaces(size: number): TilePlace[] {
  return countsOf(size).flatMap((count, level) =>
    count % TILE === 0 ? [] : [{ level, place: Math.floor(count / TILE) }],
  );
}

/** How many hashes tile `place` of `level` must hold in a tree of `size` leaves; 0 when it does not exist there. */
export function lengthOf({ level, place }: TilePlace, size: number): number {
  const count = countsOf(size)[level] ?? 0;
  return Math.max(0, Math.min(TILE, count - place * TILE));
}

/** The tiles that the hashes of these ranges are made from. */
export function placesOf(ranges: readonly Range[]): TilePlace[] {
  const places = new Map<string, TilePlace>();
  for (const range of ranges) {
    subtreesOf(range, (level, index) => {
      const at = whereOf(level, index);
      places.set(keyOf(at), { level: at.level, place: at.place });
    });
  }
  return [...places.values()];
}

/** Finds subtrees in these tiles. What it returns throws `LEDGER_BROKEN` for one that is not in them. */
export function nodesIn(tiles: readonly Tile[]): NodeAt {
  const known = new Map(tiles.map((tile) => [keyOf(tile), hashesOf(tile)]));
  return (level, index) => {
    const { first, count, ...at } = whereOf(level, index);
    const hashes = known.get(keyOf(at))?.slice(first, first + count) ?? [];
    if (hashes.length < count)
      throw new SignalboxError(
        'LEDGER_BROKEN',
        `tile ${at.place} of level ${at.level} is too short or missing`,
      );
    return rootOf(hashes);
  };
}

/** Hashes of each level of a tree, from the leaves up. */
function countsOf(size: number): number[] {
  const counts: number[] = [];
  for (let count = size; count > 0; count = Math.floor(count / TILE)) counts.push(count);
  return counts;
}

function whereOf(level: number, index: number): TilePlace & { first: number; count: number } {
  const tileLevel = Math.floor(level / HEIGHT);
  const count = 2 ** (level % HEIGHT);
  const start = index * count;
  return { level: tileLevel, place: Math.floor(start / TILE), first: start % TILE, count };
}

const keyOf = ({ level, place }: TilePlace): string => `${level}/${place}`;

function hashesOf({ hashes }: Tile): Hash[] {
  const bytes = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  const count = Math.floor(bytes.length / HASH_BYTES);
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

/** Grows by leaves and knows its root at any moment, in the room of one hash for each bit of its size. */
export class Frontier {
  #size = 0;
  /** Roots of the whole subtrees that the tree is made of, the largest first. */
  readonly #roots: Hash[] = [];

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    let root = leaf;
    for (let count = this.#size; count % 2 === 1; count = (count - 1) / 2)
      root = nodeHash(this.#roots.pop() as Hash, root);
    this.#roots.push(root);
    this.#size++;
  }

  root(): Hash {
    let root = this.#roots.at(-1);
    if (root === undefined) return rootOf([]);
    for (let at = this.#roots.length - 2; at >= 0; at--)
      root = nodeHash(this.#roots[at] as Hash, root);
    return root;
  }
}
