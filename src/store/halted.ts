import type { HaltScope } from '../domain/halt.ts';
import type { Alive } from '../domain/ops.ts';
import type { Ground, InForce } from './ground.ts';
import { type LeaseRow, ownedLeaseOf } from './owned.ts';
import { type LiveRow, liveRunOf } from './tree.ts';

/** True when a halt not lifted covers one of `scopes`, or the run or agent of an ancestor of `runId`. */
export function isHalted(
  ground: Ground,
  scopes: readonly HaltScope[],
  runId: string | null,
): boolean {
  return covers(ground, ground.standing.haltsInForce(), scopes, runId);
}

/** Like `isHalted`, and also for a halt raised after number `since`, lifted meanwhile or not. */
export function isHaltedSince(
  ground: Ground,
  since: number,
  scopes: readonly HaltScope[],
  runId: string,
): boolean {
  if (isHalted(ground, scopes, runId)) return true;
  if (since >= ground.standing.control().halt) return false;
  return covers(ground, ground.rows.haltsAfter(since), scopes, runId);
}

function covers(
  ground: Ground,
  halts: readonly InForce[],
  scopes: readonly HaltScope[],
  runId: string | null,
): boolean {
  if (halts.length === 0) return false;
  const known = new Set(scopes);
  if (halts.some(({ scope }) => known.has(scope))) return true;
  if (runId === null) return false;
  // The caller names its run, parent and root; those between are found here.
  const line = ground.rows.lineOf(runId);
  const above = new Set(line.flatMap(({ id, agent }) => [`run:${id}`, `agent:${agent}`]));
  return halts.some(({ scope }) => above.has(scope));
}

export function aliveOf(
  runs: readonly LiveRow[],
  leases: readonly LeaseRow[],
  ended: readonly LiveRow[],
): Alive {
  return {
    runs: runs.map(liveRunOf),
    leases: leases.map(ownedLeaseOf),
    ended: ended.map(liveRunOf),
  };
}
