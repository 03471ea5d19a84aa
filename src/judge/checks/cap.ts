import { beyond } from '../../domain/effect.ts';
import type { Check } from '../check.ts';

/** One call may not do more than its tool's cap. Known only once measured. */
export const cap: Check = ({ tool, measured }) => {
  if (tool === null || measured === null) return null;
  const over = beyond(measured.effect, tool.cap);
  if (over.length === 0) return null;
  const told = over.map(
    (dimension) => `${dimension} ${measured.effect[dimension]} of at most ${tool.cap[dimension]}`,
  );
  return {
    ceiling: 'deny',
    code: 'CAP_EXCEEDED',
    reason: `measured before commit: ${told.join(', ')}`,
    fix: 'narrow the call so that it touches fewer rows',
  };
};
