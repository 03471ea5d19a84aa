import type { Answers, Fault } from '../wire.ts';

export interface WorkerStart {
  readonly file: string;
  readonly masterKey: Uint8Array;
  readonly seed: Uint8Array;
  readonly at: number;
  readonly maxBytes: number | null;
}

/** Ops in order, or the end. */
export type ToWorker = readonly string[] | 'close';

export type FromWorker =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'applied' } & Answers)
  /** Nothing more will be answered. */
  | { readonly kind: 'down'; readonly fault: Fault }
  | { readonly kind: 'closed' };
