import type { Policies } from '../../domain/policy.ts';
import { localTime } from '../local-time.ts';
import type { Picture } from './picture.ts';

const MINUTE_MS = 60_000;
const WEEK = 7 * 24 * 60;

/** A time from then on at which the clock reads as in a picture; null: none within a week, or within a week of a freeze. */
export function momentOf(policies: Policies, picture: Picture, from: number): number | null {
  const said = [...picture].flatMap(([path, value]) =>
    path.startsWith('clock.') ? [[path.slice('clock.'.length), value] as const] : [],
  );
  if (said.length === 0) return from;
  const read = localTime(policies);
  const starts = (policies.freezes ?? []).flatMap((freeze) =>
    freeze.until > from ? [Math.max(from, freeze.from)] : [],
  );
  for (const start of [from, ...starts])
    for (let minute = 0; minute < WEEK; minute++) {
      const at = start + minute * MINUTE_MS;
      const clock = read(at);
      if (said.every(([name, value]) => clock[name] === value)) return at;
    }
  return null;
}
