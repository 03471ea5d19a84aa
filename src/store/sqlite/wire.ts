import { type ErrorCode, SignalboxError } from '../../domain/errors.ts';
import type { Op, OpResults } from '../../domain/ops.ts';
import type { Applied } from './core.ts';

/*
 * What the thread that calls and the thread that writes say to each other. Ops travel as JSON texts, made when they are
 * handed in: nothing the caller changes later is seen, and one that cannot be said in JSON fails before it is queued.
 */

export interface WorkerStart {
  readonly file: string;
  readonly masterKey: Uint8Array;
  readonly seed: Uint8Array;
  readonly at: number;
  readonly maxBytes: number | null;
}

/** Ops in order, or the end. */
export type ToWorker = { readonly ops: readonly string[] } | 'close';

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Answers, in the order of the ops. */
  | { readonly kind: 'applied'; readonly answers: readonly Answer[] }
  /** Nothing more will be answered. */
  | { readonly kind: 'down'; readonly fault: Fault }
  | { readonly kind: 'closed' };

export type Answer = { readonly result: OpResults[Op['kind']] } | { readonly fault: Fault };

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

export function answerFrom(applied: Applied): Answer {
  return 'fault' in applied ? { fault: faultFrom(applied.fault) } : applied;
}
