import type { SealedRecord } from '../../ledger/checkpoint.ts';

/** Beyond it all are let go, and the sealer reads what it has missed. */
const KEPT = 65_536;
const COMPACT = 4_096;
const ROOM = KEPT + COMPACT;
const HASH_BYTES = 32;

export type NumberedRecord = SealedRecord & { readonly id: number };

/**
 * The records that this connection wrote and the tree does not hold yet, so that sealing them reads nothing. Ids follow
 * each other; what is not here is in the table. In columns, because as objects that live for a minute and then go they
 * would be most of what this thread's heap grows by.
 */
export class Unsealed {
  readonly #ids = new Float64Array(ROOM);
  readonly #seqs = new Float64Array(ROOM);
  readonly #hashes = Buffer.alloc(ROOM * HASH_BYTES);
  readonly #chains: string[] = [];
  #length = 0;
  /** Where those begin that are not sealed. */
  #from = 0;
  /** How many are of ops that stand. */
  #settled = 0;

  /** `chain` is kept as it is: it should be no part of a longer text. */
  add({ id, chain, seq, hash }: NumberedRecord): void {
    if (this.#length - this.#from >= KEPT || this.#length === ROOM) this.forget();
    const at = this.#length++;
    this.#ids[at] = id;
    this.#seqs[at] = seq;
    this.#chains[at] = chain;
    this.#hashes.write(hash, at * HASH_BYTES, 'hex');
  }

  /** The op stands. */
  settle(): void {
    this.#settled = this.#length;
    if (this.#from < COMPACT) return;
    for (const column of [this.#ids, this.#seqs, this.#chains])
      column.copyWithin(0, this.#from, this.#length);
    this.#hashes.copyWithin(0, this.#from * HASH_BYTES, this.#length * HASH_BYTES);
    this.#length -= this.#from;
    this.#settled -= this.#from;
    this.#from = 0;
  }

  /** The op was taken back, and its ids come again. */
  takeBack(): void {
    this.#length = this.#settled;
    this.#from = Math.min(this.#from, this.#settled);
  }

  /** The whole commit was taken back. */
  forget(): void {
    this.#length = 0;
    this.#from = 0;
    this.#settled = 0;
  }

  /** `amount` records behind the one with the id `sealed`; null when they are not all here. */
  after(sealed: number, amount: number): readonly NumberedRecord[] | null {
    const first = this.#ids[this.#from];
    if (this.#from >= this.#length || first === undefined || first > sealed + 1) return null;
    this.#from += sealed + 1 - first;
    if (this.#from + amount > this.#length) return null;
    return Array.from({ length: amount }, (_, place) => this.#record(this.#from + place));
  }

  #record(at: number): NumberedRecord {
    return {
      id: this.#ids[at] ?? Number.NaN,
      chain: this.#chains[at] ?? '',
      seq: this.#seqs[at] ?? Number.NaN,
      hash: this.#hashes.toString('hex', at * HASH_BYTES, (at + 1) * HASH_BYTES),
    };
  }
}
