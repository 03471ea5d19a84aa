import { left } from '../../domain/facts.ts';
import type { Check } from '../check.ts';

/** Cumulative, over the run tree and the agent's day: posted + pending + asked must stay within every limit. */
export const blastRadius: Check = ({ tool, limits, measured }) => {
  if (tool === null) return null;
  const asked = measured?.effect ?? tool.cap;
  if (limits.every((l) => asked[l.dimension] <= left(l))) return null;
  const short = limits.filter((l) => asked[l.dimension] > left(l));
  const told = short.map(
    (l) =>
      `${l.dimension} of \`${l.key}\`: asks ${asked[l.dimension]}, ${left(l)} left of ${l.limit}`,
  );
  return {
    ceiling: 'deny',
    code: 'BLAST_RADIUS',
    reason: told.join('; '),
    fix: 'ask for less, or let an operator raise the limit',
  };
};
