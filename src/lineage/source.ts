import type { Json, JsonObject } from '../domain/json.ts';
import type { SeenLabel, SourceRule, Span, ToolLineage } from '../domain/lineage.ts';
import type { Settlement } from '../domain/proposal.ts';
import { destinationsIn } from './destinations.ts';
import { GRAM, type Grams, gramsOf, LETTERS, mayHold } from './grams.ts';
import { dataIn, isAt, leavesOf, placeOf, written } from './leaves.ts';
import { Rows } from './rows.ts';
import { folded, LEAST_PROOF, loose, shown } from './spelling.ts';
import { toldBy } from './told.ts';
import { textsAt } from './values.ts';

/** What is kept of an action to make a source of: references only. */
export interface Heard {
  readonly action: string;
  readonly tool: string;
  readonly lineage: ToolLineage | undefined;
  readonly arguments: JsonObject;
  readonly settlement: Settlement;
}

/** What applies to a source of which nobody said anything. */
const UNSAID: SourceRule = { trusted: [], labels: [], readers: null, text: 'json' };

/** The rule for one call: the first whose object it asked for. */
export function ruleFor(lineage: ToolLineage | undefined, given: JsonObject): SourceRule {
  return lineage?.source.find(({ when }) => when === undefined || asksFor(given, when)) ?? UNSAID;
}

/** A path that climbs is never within a prefix. */
function asksFor(
  given: JsonObject,
  { argument, prefix }: NonNullable<SourceRule['when']>,
): boolean {
  const asked = textsAt(given, argument);
  return (
    asked.length > 0 &&
    asked.every(({ value }) => {
      const path = shown(value).replaceAll('\\', '/');
      return path.startsWith(prefix) && !/(?:^|\/)\.{1,2}(?:\/|$)|\/\/|%/.test(path);
    })
  );
}

/** One result as something that arguments can come from. What it needs is made when it is first asked, and once. */
export class Source {
  readonly action: string;
  readonly tool: string;
  readonly rule: SourceRule;
  /** Labels that what was written there brought along. */
  readonly carried: readonly SeenLabel[];
  #heard: Heard | null;
  #text: string | null = null;
  #words: string | null = null;
  #leaves: ReadonlyMap<string, Span> | null = null;
  #grams: Grams | null = null;
  #letters: Grams | null = null;
  #rows: Rows | null = null;

  constructor(heard: Heard, carried: readonly SeenLabel[] = []) {
    this.#heard = heard;
    this.action = heard.action;
    this.tool = heard.tool;
    this.rule = ruleFor(heard.lineage, heard.arguments);
    this.carried = carried;
  }

  /** Every source is a stranger's, but for its trusted leaves; what was written by a run that had read is too. */
  get labels(): readonly SeenLabel[] {
    return [...new Set<SeenLabel>(['untrusted', ...this.rule.labels, ...this.carried])];
  }

  /** Nothing of it is trusted: nobody said so, or it may hold what a run wrote that had read a stranger's words. */
  get hasTrusted(): boolean {
    return this.rule.trusted.length > 0 && this.carried.length === 0;
  }

  /** Who may be sent what is in it. What was written by a run that had read what is private stays inside. */
  get readers(): readonly string[] | null {
    const isPrivate = this.carried.some((label) => label !== 'untrusted');
    return this.rule.readers ?? (isPrivate ? ['organisation'] : null);
  }

  /** The rows in it, where only some may read them. */
  get rows(): Rows | null {
    if (this.readers === null || this.#heard === null) return null;
    this.#rows ??= new Rows(this.#data());
    return this.#rows;
  }

  /** As compared: small letters, compatibility forms. Empty once it was given up. */
  get text(): string {
    this.#text ??= this.#heard === null ? '' : folded(this.#pieces().join('\n'));
    return this.#text;
  }

  /** The values of trusted leaves: `=` and the value by its letters, `~` and the destination it is. */
  get leaves(): ReadonlyMap<string, Span> {
    this.#leaves ??= this.hasTrusted && this.#heard !== null ? this.#trusted() : new Map();
    return this.#leaves;
  }

  /** Its words alone. */
  get words(): string {
    this.#words ??= loose(this.text);
    return this.#words;
  }

  get grams(): Grams {
    this.#grams ??= gramsOf(this.words, GRAM);
    return this.#grams;
  }

  /** Where a text stands in this one, in folded spelling; `letters`: its runs of four, which tell at once that it does not. */
  find(text: string, letters: Int32Array): number {
    this.#letters ??= gramsOf(this.text, LETTERS);
    return mayHold(this.#letters, letters) ? this.text.indexOf(text) : -1;
  }

  /** What it holds in memory, in characters, as near as need be. */
  get size(): number {
    return this.text.length;
  }

  /** Makes ready what the next call may need. */
  prepare(): void {
    void this.leaves;
    void this.grams;
    this.#letters ??= gramsOf(this.text, LETTERS);
    void this.rows;
  }

  /** Forgets its text: from here on nothing is proven by it. */
  giveUp(): void {
    this.#heard = null;
    this.#text = '';
    this.#words = '';
    this.#leaves = new Map();
    this.#grams = null;
    this.#letters = null;
    this.#rows = null;
  }

  #pieces(): readonly string[] {
    const told = this.#heard === null ? null : toldBy(this.#heard.settlement);
    return told === null ? [] : [...told.texts, ...told.others];
  }

  #data(): readonly Json[] {
    const told = this.#heard === null ? null : toldBy(this.#heard.settlement);
    if (told === null) return [];
    return [...told.data, ...told.texts.map((text) => dataIn(text, this.rule.text))];
  }

  #trusted(): Map<string, Span> {
    const found = new Map<string, Span>();
    const told = this.#heard === null ? null : toldBy(this.#heard.settlement);
    if (told === null || told.isError) return found;
    const places = this.rule.trusted.map(placeOf);
    for (const { place, value } of this.#data().flatMap(leavesOf)) {
      const read = shown(value).trim();
      if (read.length < LEAST_PROOF || !places.some((wanted) => isAt(place, wanted))) continue;
      const from = { of: this.action, tool: this.tool, leaf: written(place) };
      const span = { ...from, start: 0, end: read.length };
      found.set(`=${read}`, span);
      for (const { name } of destinationsIn(read)) found.set(`~${name}`, span);
    }
    return found;
  }
}
