import type { Json, JsonObject } from '../domain/json.ts';
import { eachText, TooDeep } from './each-text.ts';
import { Matcher } from './matcher.ts';
import { TOKEN_SHAPES, TOKEN_STARTS } from './own-tokens.ts';
import { MARK, Pieces, type Redact, redactorOf } from './redact.ts';
import { MIN_SECRET, spellings } from './spellings.ts';

/** How many passing values are remembered; the oldest goes first. Whoever uses one withholds it besides. */
const MAX_PASSING = 1_024;
/** So many new ones are looked for apart, before everything is put together anew. */
const MAX_YOUNG = 64;
const MAX_DEPTH = 256;
const PERCENT = /%[0-9a-f]{2}/i;
/** Characters back in which a secret that ends now may have begun. */
const REACH = 512;

/**
 * Every secret this process has in its hands, so that none leaves it again, whoever sends it back: stored ones, minted
 * passwords, tokens of issuers, the master key. One scan of a text looks for all of them in all their spellings.
 */
export class KnownSecrets {
  readonly #lasting = new Set<string>();
  readonly #passing = new Set<string>();
  #young: string[] = [];
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
    this.#young.push(value);
    if (this.#young.length <= MAX_YOUNG) return;
    this.#young = [];
    this.#settled = null;
  }

  get size(): number {
    return this.#lasting.size + this.#passing.size;
  }

  /** The text without any of them. */
  text(text: string): string {
    return this.#isClean(text) ? text : this.#redactor()(text, true);
  }

  /**
   * For values that follow each other, as a target tells them: each comes back without what it holds, and without the end of
   * what an earlier one began.
   */
  pieces(): (value: JsonObject) => JsonObject {
    const redact: Redact = (text, whole) =>
      this.#isClean(text) && whole ? text : this.#redactor()(text, whole);
    const pieces = new Pieces(redact, redact, REACH);
    return (value) =>
      eachText(this.json(value), (text) => pieces.next(text), MAX_DEPTH) as JsonObject;
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
  serialised(text: string): string {
    if (this.#isClean(text)) return text;
    try {
      const value = JSON.parse(text) as Json;
      const clean = this.json(value);
      return clean === value ? text : JSON.stringify(clean);
    } catch {
      return this.text(text);
    }
  }

  /** Surely nothing in it, whatever it is decoded to. */
  #isClean(text: string): boolean {
    if (this.#holds(text)) return false;
    if (text.includes('%') && PERCENT.test(text)) return false;
    if (!text.includes('\\')) return true;
    // escapes of one sign, at any depth; every value is also known as it looks without its backslashes
    return !text.includes('\\u') && !this.#holds(text.replaceAll('\\', ''));
  }

  #holds(text: string): boolean {
    this.#settled ??= new Matcher([...TOKEN_STARTS, ...this.#texts(this.#young)]);
    if (this.#settled.find(text) !== null) return true;
    if (this.#young.length === 0) return false;
    this.#fresh ??= new Matcher(this.#young.flatMap(spellings));
    return this.#fresh.find(text) !== null;
  }

  #redactor(): Redact {
    this.#redact ??= redactorOf(this.#texts(), TOKEN_SHAPES);
    return this.#redact;
  }

  /** Every spelling of every value but these. */
  #texts(but: readonly string[] = []): string[] {
    const left = [...this.#lasting, ...this.#passing].filter((value) => !but.includes(value));
    return [...new Set(left.flatMap(spellings))];
  }
}
