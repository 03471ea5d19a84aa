import type { Rung } from '../../domain/mode.ts';

/** Something that must never be, as a question: can anything come above this rung while this holds? */
export interface Invariant {
  readonly name: string;
  readonly question: string;
  readonly above: Rung;
  /** A condition in Cedar over what policies can read. */
  readonly when: string;
}

const CHANGES = 'context.tool.effect != Effect::"read"';

/** What `policy prove` asks when it is not asked anything else. */
export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'irreversible-autonomous',
    question: 'can anything irreversible be autonomous?',
    above: 'approve',
    when: `${CHANGES} && (context.tool.reversibility != Reversibility::"exercised" || !context.tool.idempotent || context.tool.recoveryPath || context.effect.irreversible > 0)`,
  },
  {
    name: 'production-destroy',
    question: 'can anything be destroyed in production without a human?',
    above: 'approve',
    when: 'context.tool.effect == Effect::"destroy" && context.tool.production',
  },
  {
    name: 'egress',
    question: 'can anything leave the organisation without a human?',
    above: 'approve',
    when: 'context.flow.egress',
  },
  {
    name: 'private-untrusted-egress',
    question: 'can private data, words of strangers and a way out meet without a human?',
    above: 'approve',
    when: 'context.flow.egress && context.flow.private && context.flow.untrusted',
  },
  {
    name: 'changed-destination',
    question: 'can it be changed without a human where something goes from now on?',
    above: 'approve',
    when: 'context.flow.changesDestination',
  },
  {
    name: 'freeze',
    question: 'can production change in a freeze?',
    above: 'draft',
    when: `${CHANGES} && context.tool.production && context.clock.frozen`,
  },
  {
    name: 'off-hours',
    question: 'can production change without a human while nobody is at work?',
    above: 'approve',
    when: `${CHANGES} && context.tool.production && context.clock.offHours`,
  },
];
