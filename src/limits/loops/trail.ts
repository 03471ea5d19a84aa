import { LOOKED_BACK } from '../../domain/loops.ts';

export interface Sketch {
  /** Names and types of its arguments; of an array or object no more than that it is one. */
  readonly shape: string;
  /** Its arguments that are numbers, in the order of their names. */
  readonly numbers: readonly number[];
}

/** What became of one call, as far as the detectors look at it. */
export interface Step extends Sketch {
  readonly action: string;
  readonly tool: string;
  readonly argumentsDigest: string;
  /** Of that digest, to compare quickly. */
  readonly key: number;
  /**
   * `done` with a result that is none to complain of; `failed`; `held`: refused because of a loop; `invalid`: its
   * arguments did not fit.
   */
  readonly as: 'done' | 'failed' | 'held' | 'invalid';
  readonly effect: 'read' | 'change';
  /** Of its result: the same text has the same print; null unless `done`. */
  readonly print: Print | null;
  /** A poll that kept its declared interval: no repeat of anything. */
  readonly polled: boolean;
  /** The operator says of its tool what of a result no stranger can choose. */
  readonly trusted: boolean;
  /** Millionths of the currency, as its tool declares. */
  readonly moneyMicros: number;
  readonly at: number;
}

/** What else the tree cost, or said: a model call of its agents, a consult, the intent of a sub-run. */
export interface Turn {
  readonly id: string;
  readonly at: number;
  readonly moneyMicros: number;
  readonly tokens: number;
  /** Tokens that a model of its agents was given: how long its context is. Null: it is no such call, or was not told. */
  readonly context: number | null;
  /** The same text has the same; null: none was told. */
  readonly said: string | null;
  /** The step before it. */
  readonly after: string | null;
}

/** Of a result. A short text is its own, of a longer one a digest. */
export interface Print {
  readonly exact: string;
  readonly isText: boolean;
}

/** The last calls of one run tree, oldest first. */
export interface Trail {
  readonly steps: readonly Step[];
  /** The key of each, beside it: most calls are told from all others by these alone. */
  readonly keys: readonly number[];
  readonly turns: readonly Turn[];
}

export const EMPTY_TRAIL: Trail = { steps: [], keys: [], turns: [] };

export function stepped({ steps, keys, turns }: Trail, step: Step): Trail {
  const from = Math.max(0, steps.length + 1 - LOOKED_BACK);
  const [more, moreKeys] = [steps.slice(from), keys.slice(from)];
  more.push(step);
  moreKeys.push(step.key);
  return { steps: more, keys: moreKeys, turns };
}

export function turned(trail: Trail, turn: Omit<Turn, 'after'>): Trail {
  const { steps, turns } = trail;
  const after = steps.at(-1)?.action ?? null;
  return { ...trail, turns: [...turns.slice(1 - LOOKED_BACK), { ...turn, after }] };
}

/** Whether a step brought what none before it in the trail did. Asked only where something was spent, or much was done. */
export function isNews(steps: readonly Step[], place: number): boolean {
  const step = steps[place];
  if (step?.as !== 'done') return false;
  for (let index = 0; index < place; index++)
    if (steps[index]?.print?.exact === step.print?.exact) return false;
  return true;
}

/** A spend that came to less than was held for it. */
export function amended(
  trail: Trail,
  { id, ...cost }: Pick<Turn, 'id' | 'moneyMicros' | 'tokens'>,
): Trail {
  return {
    ...trail,
    turns: trail.turns.map((turn) => (turn.id === id ? { ...turn, ...cost } : turn)),
  };
}
