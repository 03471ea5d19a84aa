import type { Firing, Stage } from '../../domain/loops.ts';
import { isHigher, type Mode } from '../../domain/mode.ts';
import type { Check } from '../check.ts';

const CEILING: Record<Stage, Mode> = {
  observe: 'auto',
  steer: 'deny',
  pause: 'approve',
  block: 'deny',
  stop: 'deny',
};

/** Velocity and loops: what the detectors saw of this run tree. What is only observed is kept, and holds nothing up. */
export const loops: Check = ({ firings }) => {
  const [first, ...others] = firings;
  if (first === undefined) return null;
  let worst = first;
  for (const firing of others)
    if (isHigher(CEILING[worst.stage], CEILING[firing.stage])) worst = firing;
  return {
    ceiling: CEILING[worst.stage],
    code: worst.code,
    reason: [worst, ...firings.filter((firing) => firing !== worst)].map(told).join('; '),
    fix: worst.fix,
  };
};

function told({ code, stage, reason }: Firing): string {
  return `${reason} (${code}, ${stage})`;
}
