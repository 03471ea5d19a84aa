import { exposed } from '../domain/errors.ts';
import type { StoredTile } from '../domain/store.ts';
import { openCheckpoint, recordLeaf, type SealedRecord } from './checkpoint.ts';
import { readVerifier } from './signed-note.ts';
import { Edge, TILE, type Tile, type TilePlace } from './tiles.ts';
import { HASH_BYTES } from './tree.ts';
import type { Break } from './verify.ts';

/** What the store says of its tree. `size` and `signed` are counts of records. */
export interface StoredTree {
  readonly verifier: string;
  readonly size: number;
  readonly signed: number;
  readonly root: string;
  readonly checkpoint: string | null;
}

export type TreeReport = {
  readonly sealed: number;
  readonly unsealed: number;
  readonly breaks: readonly Break[];
};

/**
 * Builds the tree over the records anew, in the order of their leaves, and holds every tile and the newest checkpoint
 * against it. Pure; keeps the last tile's worth of records in memory.
 */
export class TreeVerification {
  readonly #stored: StoredTree | null;
  readonly #tileAt: (at: TilePlace) => Promise<StoredTile | undefined>;
  readonly #edge = new Edge();
  readonly #breaks: Break[] = [];
  #recent: SealedRecord[] = [];
  #tiles = 0;
  #unsealed = 0;

  constructor(
    stored: StoredTree | null,
    tileAt: (at: TilePlace) => Promise<StoredTile | undefined>,
  ) {
    this.#stored = stored;
    this.#tileAt = tileAt;
  }

  /** The next record. Those beyond the size of the tree wait to be sealed. Waits only where a tile is to be read. */
  add(record: SealedRecord): Promise<void> | undefined {
    const { size, signed } = this.#stored ?? { size: 0, signed: 0 };
    if (this.#edge.size >= size) {
      this.#unsealed++;
      return undefined;
    }
    this.#recent.push(record);
    this.#edge.append(recordLeaf(record));
    if (this.#edge.size === signed) this.#checkSigned();
    return this.#edge.size % TILE === 0 ? this.#compare(this.#edge.takeFull()) : undefined;
  }

  /** What the caller found of the order of leaves. */
  broken(expected: string, found: string): void {
    this.#break('tree', expected, found);
  }

  /** Records that are not in the tree and were not added here. */
  waiting(count: number): void {
    this.#unsealed += count;
  }

  /** `tiles`: how many the store has. */
  async finish(tiles: number): Promise<TreeReport> {
    await this.#compare(this.#edge.takeChanged());
    const { size = 0, signed = 0, checkpoint = null } = this.#stored ?? {};
    if (this.#edge.size < size)
      this.#break('tree', `${size} records in the tree`, `${this.#edge.size} in the ledger`);
    else if (signed > size)
      this.#break('checkpoint', `${signed} records, which were signed`, `${size} in the tree`);
    if (tiles !== this.#tiles) this.#break('tree', `${this.#tiles} tiles`, `${tiles}`);
    if ((signed === 0) !== (checkpoint === null))
      this.#break('checkpoint', `the note of ${signed} records`, String(checkpoint));
    return { sealed: this.#edge.size, unsealed: this.#unsealed, breaks: this.#breaks };
  }

  #checkSigned(): void {
    const { verifier, signed, root, checkpoint } = this.#stored as StoredTree;
    const own = this.#edge.root().toString('base64');
    if (root !== own) this.#break('checkpoint', `root ${own} over ${signed} records`, root);
    try {
      const said = openCheckpoint(checkpoint ?? '', readVerifier(verifier));
      const found = said.root.toString('base64');
      if (said.size !== signed || found !== own)
        this.#break(
          'checkpoint',
          `a note of ${signed} records and root ${own}`,
          `one of ${said.size} and ${found}`,
        );
    } catch (error) {
      this.#break(
        'checkpoint',
        'a note that the key of this ledger signed',
        exposed(error).message,
      );
    }
  }

  async #compare(tiles: readonly Tile[]): Promise<void> {
    for (const tile of tiles) {
      this.#tiles++;
      const stored = (await this.#tileAt(tile))?.hashes;
      if (stored === undefined || Buffer.compare(stored, tile.hashes) !== 0)
        this.#differ(tile, stored);
    }
    this.#recent = [];
  }

  /** The first hash that is another, and the record that it should be of. */
  #differ({ level, place, hashes }: Tile, stored: Uint8Array | undefined): void {
    const count = hashes.length / HASH_BYTES;
    const first = Array.from({ length: count }, (_, at) => at).find((at) => {
      const [from, to] = [at * HASH_BYTES, (at + 1) * HASH_BYTES];
      return (
        Buffer.compare(hashes.subarray(from, to), stored?.subarray(from, to) ?? Buffer.of()) !== 0
      );
    });
    const expected =
      first === undefined
        ? `${count} hashes in tile ${place} of level ${level}`
        : this.#nameOf(level, place, first);
    const found =
      stored === undefined
        ? 'no tile'
        : first === undefined
          ? `${stored.length / HASH_BYTES}`
          : 'another hash';
    this.#break('tree', expected, found);
  }

  #nameOf(level: number, place: number, at: number): string {
    const record = level === 0 ? this.#recent[at] : undefined;
    return record === undefined
      ? `hash ${at} of tile ${place} of level ${level} as its records make it`
      : `record ${record.seq} of \`${record.chain}\` as leaf ${place * TILE + at}`;
  }

  #break(fault: Break['fault'], expected: string, found: string): void {
    this.#breaks.push({ chain: '*', seq: 0, fault, expected, found: found.slice(0, 200) });
  }
}
