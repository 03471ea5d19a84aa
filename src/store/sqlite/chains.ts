import type { KeyObject } from 'node:crypto';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import { EMPTY, type Head } from '../../ledger/chain.ts';
import type { EventDraft } from '../../ledger/events.ts';
import type { ReadRecord } from '../../ledger/read-record.ts';
import { type Bytes, type ChainKey, newChainKey, unwrapChainKey } from '../../ledger/seal.ts';
import { type Composed, composed, composedRead } from '../composed.ts';
import { detached } from '../detached.ts';
import type { ChainsFace } from '../ground.ts';
import type { Database } from './database.ts';
import { Unsealed } from './unsealed.ts';

/** Chains whose head and key are kept in memory; the others are read again when they are next written. */
const KEPT = 4_096;

interface Open {
  readonly chain: string;
  head: Head;
  /** Null once the run is erased: what comes later is recorded without its payload. */
  key: ChainKey | null;
}

/** Appends records to chains inside the transaction of its database. The only writer of `events`, `payloads`, `chain_keys`. */
export class Chains implements ChainsFace {
  readonly #database: Database;
  readonly #wrapping: KeyObject;
  readonly #bytes: Bytes;
  readonly #open = new Map<string, Open>();
  /** Chains touched since `settle`: their memory is wrong if this op is taken back. */
  #touched: string[] = [];
  readonly unsealed = new Unsealed();

  constructor(database: Database, wrapping: KeyObject, bytes: Bytes) {
    this.#database = database;
    this.#wrapping = wrapping;
    this.#bytes = bytes;
  }

  /** Writes the record and returns its number in the chain. */
  append(draft: EventDraft): number {
    this.#touch(draft.chain);
    const open = this.#chain(draft.chain);
    return this.#write(open, composed(open, draft, this.#bytes));
  }

  /** The same for a read, whose texts are made already. */
  appendRead(chain: string, at: number, read: ReadRecord): void {
    this.#touch(chain);
    const open = this.#chain(chain);
    this.#write(open, composedRead(open, chain, at, read, this.#bytes));
  }

  #write(open: Open, { event, sealed }: Composed): number {
    const id = this.#database.insert(
      'INSERT INTO events (chain, seq, at, type, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
      event.chain,
      event.seq,
      event.at,
      event.type,
      event.body,
      event.previous,
      event.hash,
    );
    if (sealed !== null)
      this.#database.run('INSERT INTO payloads (id, sealed) VALUES (?, ?)', id, sealed);
    this.unsealed.add({ id, chain: open.chain, seq: event.seq, hash: event.hash });
    open.head = { seq: event.seq, hash: event.hash };
    return event.seq;
  }

  head(chain: string): Head {
    return this.#chain(chain).head;
  }

  /** Gives a new chain its key; its first record follows. */
  begin(chain: string): void {
    const { key, wrapped } = newChainKey(this.#wrapping, chain, this.#bytes);
    this.#touch(chain);
    this.#database.run('INSERT INTO chain_keys (chain, wrapped) VALUES (?, ?)', chain, wrapped);
    this.#keep({ chain: detached(chain), head: EMPTY, key });
  }

  /** Destroys key and payloads of a run; its records stay. Returns how many payloads there were. */
  erase(chain: string): number {
    if (chain === SYSTEM_CHAIN) throw new RangeError('the system chain cannot be erased');
    this.#touch(chain);
    this.#database.run('DELETE FROM chain_keys WHERE chain = ?', chain);
    this.#open.delete(chain);
    return this.#database.run(
      'DELETE FROM payloads WHERE id IN (SELECT id FROM events WHERE chain = ?)',
      chain,
    );
  }

  /** The op stands. */
  settle(): void {
    this.#touched = [];
    this.unsealed.settle();
  }

  /** The op was taken back: what is remembered of its chains may be wrong. */
  takeBack(): void {
    for (const chain of this.#touched) this.#open.delete(chain);
    this.#touched = [];
    this.unsealed.takeBack();
  }

  /** The whole commit was taken back. */
  forget(): void {
    this.#open.clear();
    this.#touched = [];
    this.unsealed.forget();
  }

  #touch(chain: string): void {
    if (this.#touched.at(-1) !== chain) this.#touched.push(chain);
  }

  #chain(chain: string): Open {
    const known = this.#open.get(chain);
    if (known !== undefined) return known;
    const head =
      this.#database.one<Head>(
        'SELECT seq, hash FROM events WHERE chain = ? ORDER BY seq DESC LIMIT 1',
        chain,
      ) ?? EMPTY;
    const row = this.#database.one<{ wrapped: Uint8Array }>(
      'SELECT wrapped FROM chain_keys WHERE chain = ?',
      chain,
    );
    const key = row === undefined ? null : unwrapChainKey(this.#wrapping, chain, row.wrapped);
    return this.#keep({ chain: detached(chain), head, key });
  }

  #keep(open: Open): Open {
    if (this.#open.size >= KEPT) {
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest);
        break;
      }
    }
    this.#open.set(open.chain, open);
    return open;
  }
}
