import { MODES, type Mode } from '../domain/mode.ts';

/** A decision that would be another under other policies. */
export interface Differing {
  /** Null: it was not recorded yet. */
  readonly action: string | null;
  readonly run: string;
  readonly agent: string;
  readonly tool: string;
  readonly at: number;
  readonly before: Mode;
  readonly after: Mode;
  readonly why: string;
}

export interface DiffReport {
  readonly changed: number;
  readonly stricter: number;
  readonly looser: number;
  /** `auto → approve`: how many. */
  readonly transitions: { readonly [change: string]: number };
  readonly tools: readonly ({ readonly tool: string } & Tally)[];
  readonly agents: readonly ({ readonly agent: string } & Tally)[];
  /** What would be autonomous now and is no read comes first, then what is looser, then the rest. */
  readonly examples: readonly Differing[];
}

interface Tally {
  readonly changed: number;
  readonly looser: number;
}

const MOST_EXAMPLES = 20;
const MOST_NAMED = 10;
/** Names that are counted: they come from a bundle, and a bundle is bounded; this is for what is not. */
const MOST_COUNTED = 10_000;

/** Counts decisions that differ, and keeps a few of them. */
export class DecisionDiff {
  readonly #transitions = new Map<string, number>();
  readonly #tools = new Map<string, Tally>();
  readonly #agents = new Map<string, Tally>();
  readonly #examples: [Differing[], Differing[], Differing[]] = [[], [], []];
  #stricter = 0;
  #looser = 0;

  get changed(): number {
    return this.#stricter + this.#looser;
  }

  note(one: Differing, isRead: boolean): void {
    const { before, after } = one;
    const isLooser = MODES.indexOf(after) > MODES.indexOf(before);
    if (isLooser) this.#looser++;
    else this.#stricter++;
    const change = `${before} → ${after}`;
    this.#transitions.set(change, (this.#transitions.get(change) ?? 0) + 1);
    count(this.#tools, one.tool, isLooser);
    count(this.#agents, one.agent, isLooser);
    const examples = this.#examples[after === 'auto' && !isRead ? 0 : isLooser ? 1 : 2];
    if (examples.length < MOST_EXAMPLES) examples.push(one);
  }

  report(): DiffReport {
    return {
      changed: this.changed,
      stricter: this.#stricter,
      looser: this.#looser,
      transitions: Object.fromEntries([...this.#transitions].sort((a, b) => b[1] - a[1])),
      tools: top(this.#tools).map(([tool, tally]) => ({ tool, ...tally })),
      agents: top(this.#agents).map(([agent, tally]) => ({ agent, ...tally })),
      examples: this.#examples.flat().slice(0, MOST_EXAMPLES),
    };
  }
}

function count(tallies: Map<string, Tally>, name: string, isLooser: boolean): void {
  const { changed, looser } = tallies.get(name) ?? { changed: 0, looser: 0 };
  if (tallies.size >= MOST_COUNTED && !tallies.has(name)) return;
  tallies.set(name, { changed: changed + 1, looser: looser + (isLooser ? 1 : 0) });
}

function top(tallies: Map<string, Tally>): [string, Tally][] {
  return [...tallies].sort((a, b) => b[1].changed - a[1].changed).slice(0, MOST_NAMED);
}
