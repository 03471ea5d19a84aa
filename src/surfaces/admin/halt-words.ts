import type { HaltReport } from '../../broker/broker.ts';

type Ended = Pick<HaltReport, 'inertMs' | 'leases'>;

/** What became of one credential: a halt is inert without it being dead only when nobody can end it from here. */
export function endOf({ inertMs }: Ended, { dead }: { readonly dead: boolean }): string {
  if (dead) return 'dead';
  return inertMs === null ? 'not confirmed' : 'dropped here, still valid at its source; rotate it';
}

/** What the time until `inert` is the time of. */
export function inertLabel(report: Ended): string {
  const alive = report.inertMs !== null && report.leases.some(({ dead }) => !dead);
  return alive
    ? 'minted credentials dead, fixed secrets dropped after'
    : 'every credential confirmed dead after';
}
