import type { Check } from '../check.ts';

/** An unknown outcome blocks a blind repeat: the effect may have happened. */
export const repeat: Check = ({ tool, unknownRepeat }) => {
  if (tool === null || unknownRepeat === null || tool.effect === 'read' || tool.idempotent)
    return null;
  return {
    ceiling: 'deny',
    code: 'REPEAT_OF_UNKNOWN',
    reason: `the outcome of the same call, \`${unknownRepeat}\`, is unknown`,
    fix: 'read the target first; an operator settles what became of it',
  };
};
