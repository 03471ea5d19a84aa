import type { Approval } from '../domain/approval.ts';
import type { Decision } from '../domain/decision.ts';
import { digestOf } from '../domain/digest.ts';
import type { Facts } from '../domain/facts.ts';

/**
 * What follows from a decision: nothing (`decline`), a preview and a draft (`draft`), the effect where nothing counts
 * (`stage`), a preview and an ask (`park`), patience (`wait`), or the effect.
 */
export type Course = 'decline' | 'draft' | 'stage' | 'park' | 'wait' | 'execute';

export function courseOf(decision: Decision, facts: Facts): Course {
  switch (decision.mode) {
    case 'auto':
      return 'execute';
    case 'approve':
      if (facts.approval === null || !covers(facts.approval, facts)) return 'park';
      return facts.approval.state === 'approved' ? 'execute' : 'wait';
    case 'stage':
      return facts.tool?.staging === undefined ? 'draft' : 'stage';
    default:
      return 'decline';
  }
}

/** An approval is exact: one run, tool definition, arguments and target, in time, and open. */
export function covers(approval: Approval, facts: Facts): boolean {
  const { binding, state } = approval;
  return (
    (state === 'pending' || state === 'approved') &&
    facts.now < binding.expiresAt &&
    binding.runId === facts.run?.id &&
    binding.tool === facts.toolName &&
    binding.toolDigest === facts.tool?.digest &&
    binding.argumentsDigest === facts.argumentsDigest &&
    binding.target === targetOf(facts)
  );
}

/** The resolved target an approval is bound to: where the connection points, not only what it is called. */
export function targetOf({ connection }: Pick<Facts, 'connection'>): string {
  if (connection === null) return 'none';
  return `${connection.environment}/${connection.name}#${digestOf('target', connection).slice(0, 12)}`;
}
