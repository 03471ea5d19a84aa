import { answer } from '../../broker/answer.ts';
import { apply } from '../../broker/apply.ts';
import type { Broker, HaltReport } from '../../broker/broker.ts';
import { halt } from '../../broker/halt.ts';
import type { Approval } from '../../domain/approval.ts';
import { digestOf } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminDeps, Operator, Plan } from './deps.ts';
import { oneAsk } from './desk.ts';

/** What an operator does here, the same by page and by API. */

export const LONGEST_REASON = 2_000;

/** Takes the answer for exactly what was shown: `digest` is that of the ask as it was rendered. */
export async function answerAsk(
  broker: Broker,
  given: {
    readonly id: string;
    readonly answer: 'approved' | 'refused';
    readonly because: string;
    readonly digest: string;
    readonly by: Operator;
  },
): Promise<Approval> {
  if (given.answer === 'approved') {
    const view = await oneAsk(broker, given.id);
    if (view.problem !== null)
      throw new SignalboxError('APPROVAL_CLOSED', view.problem, {
        help: 'refuse it, or let the agent propose again',
      });
  }
  return answer(broker, {
    approvalId: given.id,
    answer: given.answer,
    by: given.by.name,
    because: given.because,
    digest: given.digest,
  });
}

/** `all`, or a kind and a name, as one scope. Throws HALT_SCOPE. */
export function scopeOf(kind: string, name: string): string {
  if (kind === 'all') {
    if (name !== '') throw new SignalboxError('HALT_SCOPE', '`all` takes no name');
    return 'all';
  }
  if (name === '') throw new SignalboxError('HALT_SCOPE', `expected a name for \`${kind}\``);
  return `${kind}:${name}`;
}

export async function haltNow(
  broker: Broker,
  request: { readonly scope: string; readonly reason: string; readonly by: Operator },
): Promise<HaltReport> {
  return halt(broker, { scope: request.scope, reason: request.reason, by: request.by.name });
}

/** What a plan is known by between showing and applying it. */
export function planDigest(plan: Plan): string {
  return digestOf('plan', { base: plan.base, bundle: plan.bundle.digest });
}

/** Plans again and applies only what was shown. Throws BUNDLE_MOVED, APPLY_NEEDS_OWNER. */
export async function applyShown(
  deps: AdminDeps,
  shown: {
    readonly text: string;
    readonly path: string;
    readonly digest: string;
    readonly inspect: readonly string[];
    readonly files: { readonly [name: string]: string };
  },
  by: Operator,
): Promise<Plan> {
  const plan = await deps.plan(shown.text, shown.path, shown.inspect, shown.files);
  if (planDigest(plan) !== shown.digest)
    throw new SignalboxError(
      'BUNDLE_MOVED',
      'what would be applied now is not what was shown: the file, the targets or the active bundle changed',
    );
  await apply(deps.broker, plan, by);
  return plan;
}
