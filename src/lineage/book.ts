import type { SeenLabel, Span } from '../domain/lineage.ts';
import { LETTERS, runsIn } from './grams.ts';
import { type Heard, Source } from './source.ts';
import { folded, loose, shown } from './spelling.ts';

/** Characters of text that are kept of one run tree; beyond, the oldest are given up and prove nothing any more. */
const MAX_TEXT = 8 * 1024 * 1024;
/** Results that are kept apart; beyond, the oldest are given up. */
const MAX_SOURCES = 2_000;
/** A single text longer than this is not kept at all. */
const MAX_ONE = 4 * 1024 * 1024;
/** So many values of one call are looked for everywhere; the others are unknown, which proves as little. */
const MAX_LOOKS = 64;

/** Characters that the principal of one run tree is heard with. */
const MAX_SAID = 256 * 1024;

export interface Intent {
  readonly shown: string;
  readonly folded: string;
  /** Its words alone. */
  readonly words: string;
}

/** What a run tree was told and has read so far: everything its arguments can come from, as far as that passed here. */
export class Book {
  #intent: Intent | null = null;
  #said = 0;
  readonly #sources = new Map<string, Source>();
  readonly #waiting: Source[] = [];
  readonly #seen = new Set<SeenLabel>();
  #size = 0;
  #looks = 0;
  #isWhole = true;
  #labels: readonly SeenLabel[] = [];

  constructor(intent: string | null) {
    if (intent !== null) this.say(intent);
  }

  /** The declared intent of its root, and what its principal said since, a line each; null: nothing. */
  get intent(): Intent | null {
    return this.#intent;
  }

  /** Words of the principal; beyond the bound they prove nothing. */
  say(text: string): void {
    this.#said += text.length;
    if (this.#said > MAX_SAID) return;
    const before = this.#intent === null ? '' : `${this.#intent.shown}\n`;
    const all = before + shown(text);
    this.#intent = { shown: all, folded: folded(all), words: loose(all) };
  }

  get sources(): Iterable<Source> {
    return this.#sources.values();
  }

  /** Some of what was read is not here any more, or never was. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get size(): number {
    return this.#size;
  }

  get seen(): readonly SeenLabel[] {
    return this.#labels;
  }

  has(action: string): boolean {
    return this.#sources.has(action);
  }

  /** Part of it can no longer be read: erased, or unreadable. */
  lose(): void {
    this.#isWhole = false;
  }

  /** Remembers a result; each action once. Cheap: what is to be made of it is made later, or when it is asked for. */
  add(heard: Heard, carried: readonly SeenLabel[] = []): void {
    if (this.#sources.has(heard.action)) return;
    const source = new Source(heard, carried);
    this.#sources.set(heard.action, source);
    this.#waiting.push(source);
    for (const label of source.labels) this.#seen.add(label);
    if (this.#seen.size !== this.#labels.length) this.#labels = Object.freeze([...this.#seen]);
  }

  /** Makes indexes of what was added since, and keeps the bounds. Called off the way of calls, and before one that asks. */
  settle(): void {
    this.#looks = 0;
    for (const source of this.#waiting.splice(0)) {
      if (source.size > MAX_ONE) this.#giveUp(source);
      this.#size += source.size;
      source.prepare();
    }
    if (this.#size <= MAX_TEXT && this.#sources.size <= MAX_SOURCES) return;
    for (const source of [...this.#sources.values()]) {
      if (this.#size <= MAX_TEXT && this.#sources.size <= MAX_SOURCES) break;
      this.#size -= source.size;
      this.#giveUp(source);
      if (this.#sources.size > MAX_SOURCES) this.#sources.delete(source.action);
    }
  }

  /** A trusted leaf that is this value: `=value` by its letters, `~value` as a destination. */
  leaf(key: string): { readonly proof: 'leaf'; readonly span: Span } | null {
    for (const source of this.#sources.values()) {
      const span = source.hasTrusted ? source.leaves.get(key) : undefined;
      if (span !== undefined) return { proof: 'leaf', span };
    }
    return null;
  }

  /** Where a text first came from, among everything that was read. In folded spelling. Null too once looked for often. */
  find(text: string): Span | null {
    if (++this.#looks > MAX_LOOKS) return null;
    const letters = runsIn(text, LETTERS);
    for (const source of this.#sources.values()) {
      const start = source.find(text, letters);
      if (start >= 0)
        return { of: source.action, tool: source.tool, start, end: start + text.length };
    }
    return null;
  }

  #giveUp(source: Source): void {
    source.giveUp();
    this.#isWhole = false;
  }
}
