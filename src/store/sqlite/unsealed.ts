import type { SealedRecord } from '../../ledger/checkpoint.ts';

/** Beyond it all are let go, and the sealer reads what it has missed. */
const KEPT = 65_536;
const COMPACT = 4_096;

export type NumberedRecord = SealedRecord & { readonly id: number };

/**
 * The records that this connection wrote and the tree does not hold yet, so that sealing them reads nothing. Ids follow
 * each other; what is not here is in the table.
 */
export class Unsealed {
  #records: NumberedRecord[] = [];
  /** Where those begin that are not sealed. */
  #from = 0;
  /** How many are of ops that stand. */
  #settled = 0;

  add(record: NumberedRecord): void {
    if (this.#records.length - this.#from >= KEPT) this.forget();
    this.#records.push(record);
  }

  /** The op stands. */
  settle(): void {
    this.#settled = this.#records.length;
    if (this.#from < COMPACT) return;
    this.#records = this.#records.slice(this.#from);
    this.#settled -= this.#from;
    this.#from = 0;
  }

  /** The op was taken back, and its ids come again. */
  takeBack(): void {
    this.#records.length = this.#settled;
    this.#from = Math.min(this.#from, this.#settled);
  }

  /** The whole commit was taken back. */
  forget(): void {
    this.#records = [];
    this.#from = 0;
    this.#settled = 0;
  }

  /** `amount` records behind the one with the id `sealed`; null when they are not all here. */
  after(sealed: number, amount: number): readonly NumberedRecord[] | null {
    const first = this.#records[this.#from];
    if (first === undefined || first.id > sealed + 1) return null;
    this.#from += sealed + 1 - first.id;
    if (this.#from + amount > this.#records.length) return null;
    return this.#records.slice(this.#from, this.#from + amount);
  }
}
