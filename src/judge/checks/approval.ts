import { UNMEASURED } from '../../domain/approval.ts';
import type { Facts } from '../../domain/facts.ts';
import type { Check, Finding } from '../check.ts';

/** A human's no stands for the run; on the second judgement the rows must be those the human saw. */
export const approval: Check = (facts) => saidNo(facts) ?? rowsMoved(facts);

function saidNo({ approval: ask, tool, now }: Facts): Finding | null {
  if (ask?.state !== 'refused' || now >= ask.binding.expiresAt) return null;
  if (ask.binding.toolDigest !== tool?.digest) return null;
  return {
    ceiling: 'deny',
    code: 'REFUSED_BY_HUMAN',
    reason: 'a human refused this very proposal',
    fix: 'do not repeat it; propose something else',
  };
}

function rowsMoved({ approval: ask, measured }: Facts): Finding | null {
  if (ask?.state !== 'approved' || measured === null) return null;
  const { preState } = ask.binding;
  if (preState === UNMEASURED || preState === measured.preState) return null;
  return {
    ceiling: 'deny',
    code: 'ROWS_MOVED',
    reason: 'the rows changed since the approval was given, so it is void',
    fix: 'propose again; a human will see the rows as they are now',
  };
}
