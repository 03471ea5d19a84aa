import type { Json, JsonObject } from '../domain/json.ts';
import { isEncoded, readingsOf } from './decoders.ts';
import { eachText, TooDeep } from './each-text.ts';
import { Matcher } from './matcher.ts';
import { TOKEN_SHAPES, TOKEN_STARTS } from './own-tokens.ts';
import { piecesByPlace } from './pieces.ts';
import { MARK, type Redact, redactorOf } from './redact.ts';
import { MIN_SECRET, spellings } from './spellings.ts';

/** How many passing values are remembered; the oldest goes first. Whoever uses one withholds it besides. */
const MAX_PASSING = 1_024;
/** So many new ones are looked for apart, before everything is put together anew. */
const MAX_YOUNG = 64;
const MAX_DEPTH = 256;
/** So many times its length, percent-encoded: back so far a secret that goes on now may have begun. */
const REACH = 3;
const MOST_REACH = 16_384;

/**
 * Every secret this process has in its hands, so that none leaves it again, whoever sends it back: stored ones, minted
 * passwords, tokens of issuers, the master key. One scan of a text looks for all of them in all their spellings.
 */
export class KnownSecrets {
  readonly #lasting = new Set<string>();
  readonly #passing = new Set<string>();
  /** With how they may come back. */
  #young = new Map<string, readonly string[]>();
  /** Of all but the young ones, and of the young ones; null: to be made anew. */
  #settled: Matcher | null = null;
  #fresh: Matcher | null = null;
  #redact: Redact | null = null;

  /** `lasting`: until the process ends; else until many others came. Values too short to be secret are left out. */
  add(value: string, lasting = false): void {
    if (value.length < MIN_SECRET || this.#lasting.has(value)) return;
    const known = this.#passing.has(value);
    if (known && !lasting) return;
    if (lasting) {
      this.#passing.delete(value);
      this.#lasting.add(value);
    } else {
      this.#passing.add(value);
      const oldest = this.#passing.values().next().value;
      if (this.#passing.size > MAX_PASSING && oldest !== undefined) this.#passing.delete(oldest);
    }
    if (known) return;
    this.#redact = null;
    this.#fresh = null;
    this.#young.set(value, spellings(value));
    if (this.#young.size <= MAX_YOUNG) return;
    this.#young.clear();
    this.#settled = null;
  }

  get size(): number {
    return this.#lasting.size + this.#passing.size;
  }

  /** The text without any of them. `whole`: nothing cut it short, so its end is no part of a secret. */
  text(text: string, whole = true): string {
    return whole && this.#isClean(text) ? text : this.#redactor()(text, whole);
  }

  /**
   * For values that follow each other, as a target tells them: each comes back without what it holds, and without the end of
   * what an earlier one began.
   */
  pieces(): (value: JsonObject) => JsonObject {
    const redact: Redact = (text, whole = false) => this.text(text, whole);
    const longest = [...this.#lasting, ...this.#passing].reduce(
      (most, { length }) => Math.max(most, length),
      0,
    );
    const follow = piecesByPlace(redact, Math.min(REACH * longest, MOST_REACH));
    return (value) => follow(this.json(value));
  }

  /** The same for every text and member name of a value; the very value when there is nothing to withhold. */
  json<T extends Json>(value: T): T {
    let changed = false;
    const word = (text: string): string => {
      const safe = this.text(text);
      if (safe !== text) changed = true;
      return safe;
    };
    try {
      const clean = eachText(value, word, MAX_DEPTH) as T;
      return changed ? clean : value;
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error;
      return MARK as unknown as T;
    }
  }

  /** Serialised JSON stays such. */
  serialised(text: string, whole = true): string {
    if (whole && this.#isClean(text)) return text;
    try {
      const value = JSON.parse(text) as Json;
      const clean = this.json(value);
      return clean === value ? text : JSON.stringify(clean);
    } catch {
      return this.text(text, whole);
    }
  }

  /** Surely nothing in it, whatever it is decoded to. */
  #isClean(text: string): boolean {
    if (this.#holds(text)) return false;
    if (isEncoded(text)) {
      for (const plain of readingsOf(text)) if (this.#holds(plain)) return false;
      return true;
    }
    // escapes of one sign, at any depth; every value is also known as it looks without its backslashes
    return !text.includes('\\') || !this.#holds(text.replaceAll('\\', ''));
  }

  #holds(text: string): boolean {
    this.#settled ??= new Matcher([...TOKEN_STARTS, ...this.#texts(this.#young)]);
    if (this.#settled.find(text) !== null) return true;
    if (this.#young.size === 0) return false;
    this.#fresh ??= new Matcher([...this.#young.values()].flat());
    return this.#fresh.find(text) !== null;
  }

  #redactor(): Redact {
    this.#redact ??= redactorOf(this.#texts(), TOKEN_SHAPES);
    return this.#redact;
  }

  /** Every spelling of every value but these. */
  #texts(but: ReadonlyMap<string, unknown> = new Map()): string[] {
    const left = [...this.#lasting, ...this.#passing].filter((value) => !but.has(value));
    return [...new Set(left.flatMap(spellings))];
  }
}
