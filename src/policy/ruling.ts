import type { EffectClass } from '../domain/effect.ts';
import type { Mode } from '../domain/mode.ts';
import type { PolicyRuling } from '../domain/policy.ts';
import { ASKED, type Asked } from './facts-schema.ts';
import type { Policy } from './policy-set.ts';
import type { Answer } from './reference.ts';

export type PolicyTable = ReadonlyMap<string, Policy>;

/** Reads know no drafts. */
export function modesFor(effect: EffectClass): readonly Asked[] {
  return effect === 'read' ? READ_MODES : ASKED;
}

const READ_MODES: readonly Asked[] = ['auto', 'approve'];

/**
 * Asks for each mode from the most authority down; the first that is allowed is the ceiling. A forbid that could not be
 * evaluated, and an allow that no policy determined, is a no to everything.
 */
export function ruling(
  modes: readonly Asked[],
  policies: PolicyTable,
  ask: (mode: Asked) => Answer,
): PolicyRuling {
  let held: Answer | null = null;
  for (const mode of modes) {
    const answer = ask(mode);
    const broken = answer.errors.filter((id) => policies.get(id)?.effect !== 'permit');
    if (broken.length > 0)
      return failed(`${told(broken)} could not be evaluated for this action`, broken);
    if (answer.allowed && answer.reasons.length === 0)
      return failed('it was allowed, and no policy said so', []);
    if (answer.allowed)
      return held === null ? passed(answer.reasons) : lowered(mode, held, policies);
    held ??= answer;
  }
  return lowered('deny', held ?? { allowed: false, reasons: [], errors: [] }, policies);
}

const passes = new Map<string, PolicyRuling>();
const MOST_KEPT = 1_000;

/** Almost every ruling: made once for the same policies. */
function passed(policies: readonly string[]): PolicyRuling {
  const key = policies.join('\n');
  const known = passes.get(key);
  if (known !== undefined) return known;
  const made: PolicyRuling = Object.freeze({
    ceiling: 'auto',
    code: 'OK',
    reason: 'nothing against it',
    policies,
    approvers: [],
  });
  if (passes.size < MOST_KEPT) passes.set(key, made);
  return made;
}

/** `held`: the answer at the mode of most authority that was refused. */
function lowered(ceiling: Mode, held: Answer, policies: PolicyTable): PolicyRuling {
  const by = held.reasons.flatMap((id) => policies.get(id) ?? []);
  if (by.length === 0)
    return {
      ceiling,
      code: 'POLICY_PERMITS_NOT',
      reason:
        ceiling === 'deny' ? 'no policy permits it' : `no policy permits more than \`${ceiling}\``,
      fix: 'use a tool that a policy permits, or ask an operator for a policy',
      policies: [],
      approvers: [],
    };
  const fix = by.find((policy) => policy.fix !== null)?.fix;
  return {
    ceiling,
    code: 'POLICY_FORBIDS',
    reason: by
      .map(({ id, reason }) => (reason === null ? `\`${id}\` forbids it` : `\`${id}\`: ${reason}`))
      .join('; '),
    ...(fix === null || fix === undefined ? {} : { fix }),
    policies: by.map(({ id }) => id),
    approvers: [...new Set(by.flatMap(({ approvers }) => approvers))],
  };
}

/** Nobody knows what the policies say: no. */
export function failed(reason: string, policies: readonly string[]): PolicyRuling {
  return {
    ceiling: 'deny',
    code: 'POLICY_FAILED',
    reason,
    fix: 'an operator must mend the policies: `signalbox policy check` says what is wrong',
    policies,
    approvers: [],
  };
}

/** An argument that a policy must look at, and that cannot be said exactly. */
export const UNREADABLE: PolicyRuling = {
  ceiling: 'deny',
  code: 'POLICY_ARGUMENT',
  reason:
    'a policy looks at an argument that cannot be read exactly (a number out of range, or too many decimals)',
  fix: 'send integers within 2^53 and numbers with at most 6 decimals',
  policies: [],
  approvers: [],
};

function told(ids: readonly string[]): string {
  return ids.map((id) => `\`${id}\``).join(', ');
}
