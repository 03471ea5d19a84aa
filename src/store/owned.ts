import type { Op } from '../domain/ops.ts';

/** The op as this replica's: what makes something that must not outlive its maker says who made it. */
export function owned<O extends Op>(op: O, replica: string): O {
  switch (op.kind) {
    case 'action.admit':
      // with its outcome nothing is left open
      return op.outcome === null ? { ...op, replica } : op;
    case 'lease.write':
    case 'run.begin':
      return { ...op, replica };
    default:
      return op;
  }
}
