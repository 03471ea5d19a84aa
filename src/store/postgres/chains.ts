import type { KeyObject } from 'node:crypto';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import { EMPTY, type Head } from '../../ledger/chain.ts';
import type { EventDraft } from '../../ledger/events.ts';
import type { ReadRecord } from '../../ledger/read-record.ts';
import { type Bytes, type ChainKey, newChainKey, unwrapChainKey } from '../../ledger/seal.ts';
import { type ChainEnd, type Composed, composed, composedRead } from '../composed.ts';
import type { ChainsFace } from '../ground.ts';
import { Seals } from '../signer.ts';

/** Keys kept unwrapped; what is stored says whether they still hold. */
const KEPT = 4_096;

export interface StoredKey {
  readonly chain: string;
  /** Wrapped, in hex. */
  readonly wrapped: string;
}

/** Unwrapped keys of this process, each with what it was unwrapped from. */
export class KeyRing {
  readonly wrapping: KeyObject;
  readonly bytes: Bytes;
  readonly seals: Seals;
  readonly #kept = new Map<string, { wrapped: string; key: ChainKey }>();

  constructor(wrapping: KeyObject, bytes: Bytes) {
    this.wrapping = wrapping;
    this.bytes = bytes;
    this.seals = new Seals(wrapping, bytes);
  }

  open({ chain, wrapped }: StoredKey): ChainKey {
    const known = this.#kept.get(chain);
    if (known?.wrapped === wrapped) return known.key;
    const key = unwrapChainKey(this.wrapping, chain, Buffer.from(wrapped, 'hex'));
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(chain, { wrapped, key });
    return key;
  }
}

/** What is still to be written of the chains. */
export interface ChainWrites {
  readonly records: readonly Composed[];
  readonly heads: readonly { readonly chain: string; readonly head: Head }[];
  readonly keys: readonly { readonly chain: string; readonly wrapped: Uint8Array }[];
}

/** The chains that one transaction has locked: appends in memory, hands over what is to be written. */
export class Chains implements ChainsFace {
  readonly #ring: KeyRing;
  readonly #ends = new Map<string, ChainEnd>();
  #records: Composed[] = [];
  #newest: LedgerEvent | null = null;
  #keys: { chain: string; wrapped: Uint8Array }[] = [];
  readonly #moved = new Set<string>();
  /** Ends as they were before this op; null for a chain it began. */
  readonly #before = new Map<string, ChainEnd | null>();
  #kept = { records: 0, keys: 0 };

  constructor(ring: KeyRing) {
    this.#ring = ring;
  }

  /** Heads that were locked; their keys follow by `unlock`. */
  locked(
    heads: readonly { readonly chain: string; readonly seq: number; readonly hash: string }[],
  ): void {
    for (const { chain, seq, hash } of heads) {
      if (!this.#ends.has(chain)) this.#ends.set(chain, { head: { seq, hash }, key: null });
    }
  }

  unlock(keys: readonly StoredKey[]): void {
    for (const stored of keys) {
      const end = this.#ends.get(stored.chain);
      if (end?.key === null) this.#ends.set(stored.chain, { ...end, key: this.#ring.open(stored) });
    }
  }

  holds(chain: string): boolean {
    return this.#ends.has(chain);
  }

  head(chain: string): Head {
    return this.#end(chain).head;
  }

  append(draft: EventDraft): number {
    return this.#add(draft.chain, composed(this.#end(draft.chain), draft, this.#ring.bytes));
  }

  appendRead(chain: string, at: number, read: ReadRecord): void {
    this.#add(chain, composedRead(this.#end(chain), chain, at, read, this.#ring.bytes));
  }

  /** Gives a new chain its key; its first record follows. */
  begin(chain: string): void {
    const { key, wrapped } = newChainKey(this.#ring.wrapping, chain, this.#ring.bytes);
    this.#remember(chain);
    this.#ends.set(chain, { head: EMPTY, key });
    this.#keys.push({ chain, wrapped });
  }

  /** What comes after is recorded without its payload. */
  erased(chain: string): void {
    if (chain === SYSTEM_CHAIN) throw new RangeError('the system chain cannot be erased');
    this.#remember(chain);
    this.#ends.set(chain, { ...this.#end(chain), key: null });
  }

  /** The op stands. */
  settle(): void {
    this.#before.clear();
    this.#kept = { records: this.#records.length, keys: this.#keys.length };
  }

  /** The op was taken back. */
  takeBack(): void {
    for (const [chain, end] of this.#before) {
      if (end === null) this.#ends.delete(chain);
      else this.#ends.set(chain, end);
    }
    this.#before.clear();
    this.#records.length = this.#kept.records;
    this.#keys.length = this.#kept.keys;
  }

  /** The last record that was handed over to be written. */
  get newest(): LedgerEvent | null {
    return this.#newest;
  }

  /** Each chain once, with where it now ends. */
  take(): ChainWrites {
    const moved = [...this.#moved].filter((chain) => this.#ends.has(chain));
    const taken = {
      records: this.#records,
      heads: moved.map((chain) => ({ chain, head: this.#end(chain).head })),
      keys: this.#keys,
    };
    this.#newest = this.#records.at(-1)?.event ?? this.#newest;
    this.#records = [];
    this.#keys = [];
    this.#moved.clear();
    this.#kept = { records: 0, keys: 0 };
    return taken;
  }

  #add(chain: string, record: Composed): number {
    const { event } = record;
    const end = this.#end(chain);
    this.#remember(chain);
    this.#ends.set(chain, { ...end, head: { seq: event.seq, hash: event.hash } });
    this.#records.push(record);
    this.#moved.add(chain);
    return event.seq;
  }

  #remember(chain: string): void {
    if (!this.#before.has(chain)) this.#before.set(chain, this.#ends.get(chain) ?? null);
  }

  #end(chain: string): ChainEnd {
    const end = this.#ends.get(chain);
    if (end === undefined) throw new Error(`the chain \`${chain}\` was not locked`);
    return end;
  }
}
