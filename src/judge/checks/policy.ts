import type { Check } from '../check.ts';

/**
 * What the policies of the bundle say. They were asked when the facts were gathered, and are asked again about what was
 * measured; where they were not asked and should have been, the answer is no.
 */
export const policy: Check = ({ policy: ruling, bundle, tool, run, inputProblems }) => {
  if (bundle.policies === undefined) return null;
  if (ruling === null) {
    if (tool === null || run === null || inputProblems.length > 0) return null;
    return {
      ceiling: 'deny',
      code: 'POLICY_FAILED',
      reason: 'the policies were not asked about this action',
    };
  }
  if (ruling.code === 'OK') return null;
  const { ceiling, code, reason, fix } = ruling;
  return { ceiling, code, reason, ...(fix === undefined ? {} : { fix }) };
};
