import { digestOf } from '../../domain/digest.ts';
import type { Clock } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Listing } from './listing.ts';
import { shapeDigest } from './shape.ts';

/** Kept at least this long whatever a server says, so that one that says 0 does not double every call. */
const LEAST_MS = 2_000;
const USUAL_MS = 60_000;
const MOST_MS = 10 * 60_000;

/** What a definition is compared by: all that its server says of it, in canonical form. */
export function definitionDigest(definition: JsonObject): string {
  return digestOf('mcp/definition', definition);
}

interface Seen {
  readonly digest: string;
  readonly shape: string;
}

const AMBIGUOUS: Seen = { digest: 'ambiguous', shape: 'ambiguous' };

/**
 * The definitions that a server lists now, as digests by name:
 *   unread → fresh → due → fresh      due: most of its time is over; it is read again beside the calls
 *   any → stale → fresh               its time is over, or the server said that it changed: calls wait for it
 */
export class Definitions {
  readonly #list: () => Promise<Listing>;
  readonly #clock: Clock;
  #byName: ReadonlyMap<string, Seen> = new Map();
  #staleAt = Number.NEGATIVE_INFINITY;
  #dueAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(list: () => Promise<Listing>, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  /** False: `read` first. */
  get fresh(): boolean {
    const now = this.#clock.monotonic();
    if (now >= this.#staleAt) return false;
    if (now >= this.#dueAt && this.#reading === null) this.read().catch(() => undefined);
    return true;
  }

  /** With `shape`, a definition that has other words and is the same otherwise is the same. */
  compare(name: string, digest: string, shape: string | null): 'same' | 'changed' | 'gone' {
    const live = this.#byName.get(name);
    if (live === undefined) return 'gone';
    return live.digest === digest || (shape !== null && live.shape === shape) ? 'same' : 'changed';
  }

  /** The server said that they changed. */
  expire(): void {
    this.#staleAt = Number.NEGATIVE_INFINITY;
    this.#reading = null;
  }

  read(): Promise<void> {
    if (this.#reading !== null) return this.#reading;
    const reading: Promise<void> = this.#read(() => this.#reading === reading).finally(() => {
      if (this.#reading === reading) this.#reading = null;
    });
    this.#reading = reading;
    return reading;
  }

  /** What was read before a change was told is not kept. */
  async #read(isCurrent: () => boolean): Promise<void> {
    const { items, ttlMs } = await this.#list();
    const byName = new Map<string, Seen>();
    for (const item of items) {
      const name = String(item.name);
      // listed twice: nobody knows which one a call would reach
      byName.set(
        name,
        byName.has(name) ? AMBIGUOUS : { digest: definitionDigest(item), shape: shapeDigest(item) },
      );
    }
    this.#byName = byName;
    if (!isCurrent()) return;
    const kept = Math.min(Math.max(ttlMs ?? USUAL_MS, LEAST_MS), MOST_MS);
    const now = this.#clock.monotonic();
    this.#staleAt = now + kept;
    this.#dueAt = now + kept * 0.7;
  }
}
