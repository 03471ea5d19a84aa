import type { JsonObject } from '../domain/json.ts';
import { partsOf, placesOf, wholePattern } from '../tools/narrow/narrowing.ts';
import { patternProblem } from '../tools/schema.ts';
import { declaredNarrowing } from './declare-narrow.ts';
import { listOf, members } from './meaning.ts';
import type { SayAt } from './meaning-mcp.ts';
import { isReserved } from './names.ts';

/** What is written of one tool of a server fits together; whether it fits the server is seen when a plan is made. */
export function narrowingProblems(upstream: string, how: JsonObject, say: SayAt): void {
  const at = (...keys: readonly (string | number)[]) => ['serve', 'tools', upstream, ...keys];
  const { fix, narrow, of } = how;
  const hide = listOf(how.hide).map(String);
  if (of === upstream)
    say(at('of'), `\`${upstream}\` is its own name at its server`, 'leave `of` out');
  const places: [string, string][] = [
    ...Object.keys(members(fix)).map((place): [string, string] => ['fix', place]),
    ...Object.keys(members(narrow)).map((place): [string, string] => ['narrow', place]),
  ];
  for (const [field, place] of places)
    if (partsOf(place).some(isReserved))
      say(at(field, place), `\`${place}\` is reserved by the language`);
  for (const [i, place] of hide.entries())
    if (partsOf(place).some(isReserved))
      say(at('hide', i), `\`${place}\` is reserved by the language`);
  for (const [place, bounds] of Object.entries(members(narrow))) {
    const { pattern } = members(bounds);
    const why = typeof pattern === 'string' ? patternProblem(wholePattern(pattern)) : null;
    if (why !== null) say(at('narrow', place, 'pattern'), `the pattern of \`${place}\`: ${why}`);
    if (Object.keys(members(bounds)).every((each) => each === 'optional'))
      say(at('narrow', place), `\`${place}\` is given no bounds`, 'give it some, or leave it out');
  }
  try {
    placesOf(declaredNarrowing({ ...how, fix: members(fix), hide, narrow: members(narrow) }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    say(at(), error.message);
  }
}
