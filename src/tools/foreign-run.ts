import type { Json } from '../domain/json.ts';
import { short } from './told.ts';

/** `maybe`: a part of the schema is left to the server, and the rest does not decide. */
export const NO = 0;
export const MAYBE = 1;
export const YES = 2;
export type Answer = 0 | 1 | 2;
export type Check = (value: Json, run: Run) => Answer;
/** Reads a schema that stands inside another one. */
export type Inner = (schema: Json) => Check;
/** Is told what is left to the server. */
export type Note = (words: string) => void;

/** The check has cost more than any honest call does. */
export class Overrun extends Error {}

const MAX_STEPS = 500_000;
const MAX_DEPTH = 256;

/** One check of one call: what it has cost, where it stands, and what it found when it is to say so. */
export class Run {
  /** Null: only the answer is wanted, and the first fault ends it. */
  readonly faults: string[] | null;
  #steps = 0;
  #depth = 0;
  #quiet = 0;
  readonly #path: string[] = [];

  constructor(explains: boolean) {
    this.faults = explains ? [] : null;
  }

  /** Throws Overrun. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new Overrun();
  }

  inside(name: string, check: Check, value: Json): Answer {
    if (this.faults === null) return this.deeper(check, value);
    this.#path.push(name);
    const answer = this.deeper(check, value);
    this.#path.pop();
    return answer;
  }

  deeper(check: Check, value: Json): Answer {
    this.spend(1);
    if (++this.#depth > MAX_DEPTH) throw new Overrun();
    const answer = check(value, this);
    this.#depth--;
    return answer;
  }

  /** Faults of a branch are no faults of the whole. */
  aside(check: Check, value: Json): Answer {
    this.#quiet++;
    const answer = this.deeper(check, value);
    this.#quiet--;
    return answer;
  }

  /** Says what was expected here, and answers no. */
  refuse(words: (name: string, at: (member: string) => string) => string): Answer {
    if (this.faults === null || this.#quiet > 0) return NO;
    const name = this.#path.length === 0 ? 'the arguments' : `\`${short(this.#path.join('.'))}\``;
    const at = (member: string): string => `\`${short([...this.#path, member].join('.'))}\``;
    this.faults.push(words(name, at));
    return NO;
  }
}

/** All of them, the faults of each told when they are wanted. */
export function all(checks: readonly Check[]): Check {
  const [only] = checks;
  if (checks.length === 1 && only !== undefined) return only;
  return (value, run) => {
    run.spend(checks.length);
    let answer: Answer = YES;
    for (const check of checks) {
      const one = check(value, run);
      if (one < answer) answer = one;
      if (answer === NO && run.faults === null) return NO;
    }
    return answer;
  };
}
