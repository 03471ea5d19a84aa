import { SignalboxError } from '../domain/errors.ts';
import type { Op, OpResults } from '../domain/ops.ts';
import type { PreparedRead, Unreadable } from './prepared-read.ts';

/** What a writer takes: ops, and reads made ready by whoever handed them in. */
export type Work = Op | PreparedRead | Unreadable;

/** What became of one op: its answer, or the fault that took it back alone. */
export type Applied =
  | { readonly result: OpResults[Op['kind']] }
  | { readonly fault: SignalboxError };

export function faultOf(op: { readonly kind: string }, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const said = error instanceof Error ? error.message : 'an unknown fault';
  return new SignalboxError('INTERNAL', `\`${op.kind}\` was taken back: ${said}`, {
    cause: error,
  });
}
