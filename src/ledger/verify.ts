import type { JsonObject } from '../domain/json.ts';
import { type LedgerEvent, type ReadableEvent, SYSTEM_CHAIN } from '../domain/store.ts';
import { EMPTY, type Head, hashOf } from './chain.ts';
import { FIRST_OF_RUN, FIRST_OF_SYSTEM } from './events.ts';
import { type ChainKey, openPayload } from './seal.ts';

/** A record as it lies in the store. `id` is its place in the whole ledger, from 1. */
export interface StoredRecord extends LedgerEvent {
  readonly id: number;
  readonly sealed: Uint8Array | null;
}

export type Fault =
  | 'first'
  | 'gap'
  | 'fork'
  | 'order'
  | 'previous'
  | 'hash'
  | 'body'
  | 'payload'
  | 'reference'
  | 'anchor'
  | 'missing'
  | 'tree'
  | 'checkpoint';

/** The first thing wrong in a chain; what follows it there proves nothing. `chain` is `*` for the ledger as a whole. */
export type Break = {
  readonly chain: string;
  readonly seq: number;
  readonly fault: Fault;
  readonly expected: string;
  readonly found: string;
};

export type VerifyReport = {
  readonly ok: boolean;
  readonly records: number;
  readonly chains: number;
  readonly payloadsChecked: number;
  /** Gone by an erasure that the system chain records. */
  readonly payloadsErased: number;
  /** There, but no master key was given to open them with. */
  readonly payloadsUnchecked: number;
  readonly erasedRuns: readonly string[];
  readonly breaks: readonly Break[];
};

/** Key of a chain: null when the store holds none, undefined when there is no master key to unwrap it with. */
export type KeyOf = (chain: string) => ChainKey | null | undefined;

interface Body {
  readonly sealed?: string;
  readonly withheld?: boolean;
  readonly [field: string]: unknown;
}

/** What the system chain says was in force from a place in the ledger on. */
interface InForce {
  readonly from: number;
  readonly halt: number;
  readonly bundle: string;
}

/** What the system chain says of a run's chain. `end` is null until the run is over. */
interface Anchor {
  readonly first: string;
  end: Head | null;
}

/**
 * Checks a ledger record by record: the system chain first, then each run's chain from its first record on. Pure: it
 * holds little of each system record and nothing of the others, so it reads ledgers of any size.
 */
export class Verification {
  readonly #keyOf: KeyOf;
  readonly #places: 'dense' | 'rising';
  readonly #breaks: Break[] = [];
  readonly #erased = new Set<string>();
  readonly #inForce: InForce[] = [{ from: 0, halt: 0, bundle: 'none' }];
  readonly #anchors = new Map<string, Anchor>();
  readonly #payloads = { checked: 0, erased: 0, unchecked: 0 };
  #chain: string | null = null;
  #head: Head = EMPTY;
  #key: ChainKey | null | undefined;
  #isBroken = false;
  #records = 0;
  #chains = 0;
  #lastId = 0;
  #previousId = 0;
  #sawSystem = false;
  #isSystemWhole = true;

  /** `places`: without gaps where there is one writer; with several, what was taken back leaves one. */
  constructor(keyOf: KeyOf, places: 'dense' | 'rising' = 'dense') {
    this.#keyOf = keyOf;
    this.#places = places;
  }

  /** The record with its payload when it holds; null when it, or one before it in its chain, does not. */
  add(record: StoredRecord): ReadableEvent | null {
    if (record.chain !== this.#chain) this.#turnTo(record);
    this.#records++;
    this.#lastId = Math.max(this.#lastId, record.id);
    if (this.#isBroken) return null;
    const broken = this.#linkFault(record) ?? this.#anchorFault(record);
    if (broken !== null) return this.#break(record, broken);
    this.#head = { seq: record.seq, hash: record.hash };
    this.#previousId = record.id;
    const body = bodyOf(record);
    if (body === null) return this.#break(record, ['body', 'a JSON object', record.body]);
    if (record.chain === SYSTEM_CHAIN) this.#learn(record, body);
    const wrong = this.#referenceFault(record, body);
    if (wrong !== null) return this.#break(record, wrong);
    const payload = this.#payload(record, body);
    if (payload === 'broken') return null;
    const { id, sealed, ...event } = record;
    return payload === undefined ? event : { ...event, payload };
  }

  finish(): VerifyReport {
    this.#endChain();
    for (const run of this.#anchors.keys())
      this.#breaks.push(whole('missing', `the chain of run \`${run}\``, 'none'));
    if (this.#chains === 0 || !this.#sawSystem)
      this.#breaks.push(whole('first', 'a system chain', 'none'));
    if (this.#places === 'dense' && this.#lastId !== this.#records)
      this.#breaks.push(whole('missing', `${this.#lastId} records`, `${this.#records} of them`));
    return {
      ok: this.#breaks.length === 0,
      records: this.#records,
      chains: this.#chains,
      payloadsChecked: this.#payloads.checked,
      payloadsErased: this.#payloads.erased,
      payloadsUnchecked: this.#payloads.unchecked,
      erasedRuns: [...this.#erased].toSorted(),
      breaks: this.#breaks,
    };
  }

  #turnTo(record: StoredRecord): void {
    this.#endChain();
    if (record.chain === SYSTEM_CHAIN) this.#sawSystem = true;
    this.#chain = record.chain;
    this.#head = EMPTY;
    this.#previousId = 0;
    this.#isBroken = false;
    this.#chains++;
    this.#key = this.#keyOf(record.chain);
  }

  #linkFault(record: StoredRecord): [Fault, string, string] | null {
    const next = this.#head.seq + 1;
    if (record.seq > next) return ['gap', `record ${next}`, `record ${record.seq}`];
    if (record.seq < next) return ['fork', `record ${next}`, `record ${record.seq} again`];
    if (record.id <= this.#previousId)
      return ['order', `a place after ${this.#previousId}`, `place ${record.id}`];
    if (record.previous !== this.#head.hash) return ['previous', this.#head.hash, record.previous];
    const hash = hashed(record);
    if (record.hash !== hash) return ['hash', hash, record.hash];
    const first = record.chain === SYSTEM_CHAIN ? FIRST_OF_SYSTEM : FIRST_OF_RUN;
    if ((record.seq === 1) !== (record.type === first))
      return ['first', `\`${first}\` first and once`, `\`${record.type}\` as record ${record.seq}`];
    return null;
  }

  /** The system chain comes first, so every run's anchors are known when its chain is read. */
  #anchorFault({ chain, seq, hash, type }: StoredRecord): [Fault, string, string] | null {
    if (chain === SYSTEM_CHAIN || !this.#isSystemWhole) return null;
    const anchor = this.#anchors.get(chain);
    if (anchor === undefined) return ['anchor', `\`run.opened\` of it in the system chain`, 'none'];
    if (seq === 1 && hash !== anchor.first) return ['anchor', anchor.first, hash];
    if (type === 'run.ended' && anchor.end === null)
      return ['anchor', '`run.closed` of it in the system chain', 'none'];
    if (seq === anchor.end?.seq && hash !== anchor.end.hash)
      return ['anchor', anchor.end.hash, hash];
    return null;
  }

  #endChain(): void {
    const chain = this.#chain;
    if (chain === null || chain === SYSTEM_CHAIN) return;
    const length = this.#anchors.get(chain)?.end?.seq ?? 0;
    this.#anchors.delete(chain);
    if (this.#isBroken || this.#head.seq >= length) return;
    const [expected, found] = [`${length} records when it ended`, `${this.#head.seq}`];
    this.#breaks.push({ chain, seq: this.#head.seq, fault: 'anchor', expected, found });
  }

  #learn(record: StoredRecord, body: Body): void {
    if (record.type === 'run.opened')
      this.#anchors.set(String(body.run), { first: String(body.first), end: null });
    const closed = record.type === 'run.closed' ? this.#anchors.get(String(body.run)) : undefined;
    if (closed !== undefined) closed.end = { seq: Number(body.length), hash: String(body.head) };
    if (record.type === 'ledger.erased') this.#erased.add(String(body.run));
    const last = this.#inForce.at(-1) as InForce;
    const halt = record.type.startsWith('halt.')
      ? Math.max(last.halt, Number(body.epoch))
      : last.halt;
    const bundle = record.type === 'bundle.applied' ? String(body.bundle) : last.bundle;
    if (halt !== last.halt || bundle !== last.bundle)
      this.#inForce.push({ from: record.id, halt, bundle });
  }

  /** An intent, or a read, was decided on what was in force at its place in the ledger, and on nothing else. */
  #referenceFault(record: StoredRecord, body: Body): [Fault, string, string] | null {
    if (record.type !== 'action.intent' && record.type !== 'action.read') return null;
    const stamp = body.stamp as { halt?: unknown; bundle?: unknown } | undefined;
    const then = this.#inForce[lastBefore(this.#inForce, record.id)] as InForce;
    if (stamp?.halt === then.halt && stamp.bundle === then.bundle) return null;
    return [
      'reference',
      `bundle ${then.bundle} and halt number ${then.halt}`,
      `bundle ${String(stamp?.bundle)} and halt number ${String(stamp?.halt)}`,
    ];
  }

  #payload(record: StoredRecord, body: Body): JsonObject | null | undefined | 'broken' {
    const { chain } = record;
    if (body.sealed === undefined) {
      if (record.sealed !== null)
        return this.#broken(record, 'no payload', 'one that the record does not commit to');
      if (body.withheld !== true) return undefined;
      this.#payloads.erased++;
      return this.#erased.has(chain)
        ? null
        : this.#broken(record, 'a payload', 'none, though the run was never erased');
    }
    if (this.#erased.has(chain)) {
      this.#payloads.erased++;
      return record.sealed === null
        ? null
        : this.#broken(record, 'no payload, the run was erased', 'one');
    }
    if (record.sealed === null) return this.#broken(record, 'a payload', 'none');
    if (this.#key === null) return this.#broken(record, 'the key of the run', 'none');
    if (this.#key === undefined) {
      this.#payloads.unchecked++;
      return null;
    }
    try {
      const payload = openPayload(this.#key, record, record.sealed, body.sealed);
      this.#payloads.checked++;
      return payload;
    } catch {
      return this.#broken(record, `a payload that fits ${body.sealed}`, 'another');
    }
  }

  #broken(record: StoredRecord, expected: string, found: string): 'broken' {
    this.#break(record, ['payload', expected, found]);
    return 'broken';
  }

  #break(record: StoredRecord, [fault, expected, found]: [Fault, string, string]): null {
    this.#isBroken = true;
    const { chain, seq } = record;
    if (chain === SYSTEM_CHAIN) this.#isSystemWhole = false;
    this.#breaks.push({ chain, seq, fault, expected, found: found.slice(0, 200) });
    return null;
  }
}

export function wordsOf({ chain, seq, fault, expected, found }: Break): string {
  const where = chain === '*' ? 'the ledger' : `chain \`${chain}\` at record ${seq}`;
  return `${where}: ${fault}: expected ${expected}, found ${found}`;
}

function whole(fault: Fault, expected: string, found: string): Break {
  return { chain: '*', seq: 0, fault, expected, found };
}

/** A name that no store would write has no hash. */
function hashed(record: StoredRecord): string {
  try {
    return hashOf(record);
  } catch {
    return 'the hash of a record that can be';
  }
}

function bodyOf(record: LedgerEvent): Body | null {
  try {
    const body: unknown = JSON.parse(record.body);
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? (body as Body)
      : null;
  } catch {
    return null;
  }
}

/** Index of the last entry before `id`; the first entry is before everything. */
function lastBefore(entries: readonly InForce[], id: number): number {
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((entries[middle] as InForce).from < id) low = middle;
    else high = middle - 1;
  }
  return low;
}
