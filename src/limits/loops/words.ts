import type { Detect } from './sighting.ts';
import { sinceNews } from './velocity.ts';

/** L10, as far as texts are seen: its agents say the same over and over, and nothing new was read in between. */
export const words: Detect = (call, trail) => {
  if (call.polls || trail.turns.length < 2) return null;
  const said = sinceNews(trail).filter((turn) => turn.said !== null);
  const last = said[0]?.said;
  const other = said.findIndex((turn) => turn.said !== last);
  const alike = other === -1 ? said : said.slice(0, other);
  // workers that are begun together are told the same: what no call came between counts once
  const count = new Set(alike.map(({ after }) => after)).size;
  if (count < 2) return null;
  return {
    count,
    code: 'LOOP_WORDS',
    reason: `the agents of this run tree said the same ${count} times in a row, and nothing new was read`,
    fix: 'do something else, or say what is missing and end the run',
  };
};
