import type { Detect } from './sighting.ts';

/**
 * L3: a call whose repeat does harm, again with the same arguments, counting this one: whoever in the run tree made the
 * others, whatever became of them, before or after a restart. Counted by the store.
 */
export const repeat: Detect = ({ tool, repeatHarms, repeats }) => {
  if (!repeatHarms || repeats === null || repeats.attempts === 0) return null;
  const count = repeats.attempts + 1;
  return {
    count,
    code: 'LOOP_REPEAT',
    reason: `\`${tool}\` was executed ${times(repeats.attempts)} with these arguments in this run tree, and a repeat may do harm`,
    fix: 'look at what the earlier call did; another run may be begun for it, or a call with other arguments made',
  };
};

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
