import type { CedarType } from './cedar-type.ts';
import type { EntityValue, RecordValue, Value } from './values.ts';

/** What differs from action to action. */
export interface Env {
  readonly agent: EntityValue;
  readonly context: Groups;
}

/** What of the context differs from action to action; each without inherited names, and made when it is first read. */
export interface Groups {
  readonly run: RecordValue;
  readonly effect: RecordValue;
  readonly clock: RecordValue;
  readonly flow: RecordValue;
  readonly args: RecordValue;
}

export type Run = (env: Env) => Value;

/** A compiled expression. `safe`: it cannot fail. `type`: where the schema says it. */
export interface Node {
  /** Its value, where that does not depend on the action. */
  readonly known?: Value;
  readonly run: Run;
  readonly safe: boolean;
  readonly type: CedarType | null;
  /** Members that are known one by one. */
  readonly fields?: { readonly [name: string]: Field };
  /** The context itself: it is never made whole. */
  readonly isWhole?: true;
}

export interface Field {
  readonly node: Node;
  readonly isThere: Node;
}

/** Only the reference engine can say: the slice is left to it. */
export class Uncompilable extends Error {}

/** What Cedar calls an evaluation error. One object: where it happened does not matter, that it did does. */
export const FAULT = new Error('this policy cannot be evaluated');

export function fault(): never {
  throw FAULT;
}

export function known(value: Value): Node {
  const type: CedarType | null = typeof value === 'boolean' ? { kind: 'Bool' } : null;
  return { known: value, run: () => value, safe: true, type };
}

export function dynamic(run: Run, safe = false, type: CedarType | null = null): Node {
  return { run, safe, type };
}

export const FAILING: Node = dynamic(fault);

/** The node of a computation over others: done at once when all of them are known. */
export function computed(from: readonly Node[], run: Run, type: CedarType | null = null): Node {
  if (from.some((node) => node.known === undefined)) return dynamic(run, false, type);
  try {
    return known(run(NOTHING));
  } catch (error) {
    if (error !== FAULT) throw error;
    return FAILING;
  }
}

/** Known values are there without any action. */
export const NOTHING = { context: {} } as Env;
