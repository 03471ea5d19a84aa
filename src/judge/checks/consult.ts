import { isHigher } from '../../domain/mode.ts';
import type { Check, Finding } from '../check.ts';

/** What was said by those outside who were asked; empty where nobody is. Whatever they say, it only lowers. */
export const consult: Check = ({ consulted }) => {
  const [first, ...others] = consulted;
  if (first === undefined) return null;
  let worst = first;
  for (const answer of others) if (isHigher(worst.ceiling, answer.ceiling)) worst = answer;
  const { ceiling, code } = worst;
  return {
    ceiling,
    code,
    reason: [worst, ...consulted.filter((answer) => answer !== worst)]
      .map(({ reason }) => reason)
      .join('; '),
    ...(ceiling === 'auto' ? {} : ({ fix: FIX[ceiling] } satisfies Partial<Finding>)),
  };
};

const FIX = {
  approve: 'a human’s approval; or propose what the reason asks for',
  deny: 'propose something else, or let an operator look at what was said',
} as const;
