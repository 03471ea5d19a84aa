import { type ErrorCode, SignalboxError } from '../domain/errors.ts';
import type { Op, OpResults } from '../domain/ops.ts';
import type { Drawn } from './ground.ts';
import { fromTexts, isReadText } from './prepared-read.ts';
import type { Applied, Work } from './work.ts';

/*
 * What whoever calls and whoever writes say to each other. Ops travel as texts, made when they are
 * handed in: nothing the caller changes later is seen, and one that cannot be said in JSON fails before it is queued.
 * A read is two texts (prepared-read.ts), everything else is one of JSON.
 */

export type Answer = { readonly result: OpResults[Op['kind']] } | { readonly fault: Fault };

/** Answers to `count` ops in their order: `ok` and nothing more, but for those at the places in `others`. */
export interface Answers {
  readonly count: number;
  readonly others: readonly (readonly [place: number, answer: Answer])[];
  /** The rows of usage that changed, as they now are. */
  readonly drawn: readonly Readonly<Drawn>[];
}

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly help: string;
}

export function faultFrom(error: unknown): Fault {
  if (error instanceof SignalboxError)
    return { code: error.code, message: error.message, help: error.help };
  const message = error instanceof Error ? error.message : 'an unknown fault';
  return { code: 'STORE_DOWN', message, help: new SignalboxError('STORE_DOWN', '').help };
}

export function errorFrom({ code, message, help }: Fault): SignalboxError {
  return new SignalboxError(code, message, { help });
}

export function answersFrom(
  applied: readonly Applied[],
  drawn: readonly Readonly<Drawn>[],
): Answers {
  const others: [number, Answer][] = [];
  for (const [place, one] of applied.entries()) {
    if ('fault' in one) others.push([place, { fault: faultFrom(one.fault) }]);
    else if (!isPlain(one.result)) others.push([place, one]);
  }
  return { count: applied.length, others, drawn };
}

/** Ok, with nothing to say beyond it. */
function isPlain(result: OpResults[Op['kind']]): boolean {
  return result.ok && Object.keys(result).length === 1;
}

export function opsFrom(texts: readonly string[]): Work[] {
  const ops: Work[] = [];
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] as string;
    if (isReadText(text)) ops.push(fromTexts(text, texts[++at] as string));
    else ops.push(JSON.parse(text) as Op);
  }
  return ops;
}
