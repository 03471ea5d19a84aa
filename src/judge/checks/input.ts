import type { Check } from '../check.ts';

/** Arguments must fit the closed input schema. */
export const input: Check = ({ inputProblems }) =>
  inputProblems.length === 0
    ? null
    : {
        ceiling: 'deny',
        code: 'INPUT_INVALID',
        reason: inputProblems.join('; '),
        fix: 'send arguments that fit the input schema',
      };
