import type { Detect } from './sighting.ts';

/** Refusals of one tool, whatever its arguments, weigh half as much as refusals of the very same call. */
const OF_TOOL = 2;

/** L11: humans were asked and said no; they are not asked for ever. Counted by the store, over the run tree. */
export const refusedAsks: Detect = ({ tool, repeats }) => {
  if (repeats === null) return null;
  const count = Math.max(repeats.refusedAsks, Math.floor(repeats.refusedOfTool / OF_TOOL));
  if (count === 0) return null;
  return {
    count,
    code: 'LOOP_REFUSED_ASKS',
    reason: `humans refused \`${tool}\` ${repeats.refusedOfTool} times in this run tree, ${repeats.refusedAsks} of them with these arguments`,
    fix: 'do not ask again; end this run and talk to its owner',
  };
};
