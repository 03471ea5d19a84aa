import { type Detect, lately } from './sighting.ts';

/** L10, as far as a tool call shows it: one tool is called with arguments that do not fit, over and over. */
export const invalid: Detect = (call, trail) => {
  if (call.fits) return null;
  let count = 1;
  for (const step of lately(trail, call.at)) {
    if (step.tool !== call.tool) continue;
    if (step.as === 'done') break;
    if (step.as === 'invalid') count++;
  }
  if (count === 1) return null;
  return {
    count,
    code: 'LOOP_INVALID',
    reason: `\`${call.tool}\` was called ${count} times in a row with arguments that do not fit`,
    fix: 'read the input schema of the tool in the list of tools, and send exactly what it names',
  };
};
