import { DRILL_LASTS_MS, type DrillRecord, type DrillReport } from '../domain/drill.ts';
import type { DrillBegin } from '../domain/ops.ts';
import type { LedgerEvent } from '../domain/store.ts';

/** What every store needs to make drills of their records: the types asked for, and how two records are one drill. */
export const DRILL_TYPES = ['drill.begun', 'drill.kept'] as const;

interface Begun {
  readonly drill: string;
  readonly agent: string;
}

interface Kept {
  readonly drill: string;
  readonly report: string;
  readonly signature: string | null;
}

/** Records of drills, newest first, to drills, newest first. */
export function drillsOf(events: readonly LedgerEvent[]): DrillRecord[] {
  const kept = new Map<string, DrillRecord['recorded']>();
  const drills: DrillRecord[] = [];
  for (const event of events) {
    if (event.type === 'drill.kept') {
      const { drill, report, signature } = JSON.parse(event.body) as Kept;
      kept.set(drill, {
        at: event.at,
        report: JSON.parse(report) as DrillReport,
        text: report,
        signature,
        seq: event.seq,
        hash: event.hash,
      });
    } else {
      const { drill, agent } = JSON.parse(event.body) as Begun;
      drills.push({ id: drill, agent, begunAt: event.at, recorded: kept.get(drill) ?? null });
    }
  }
  return drills;
}

/** Why a drill may not begin now; null when it may. `newest`: the newest drill of all. */
export function mayNotBegin(
  newest: DrillRecord | undefined,
  { notSince, at }: Pick<DrillBegin, 'notSince' | 'at'>,
): 'running' | 'recent' | null {
  if (newest === undefined) return null;
  if (newest.recorded === null && at - newest.begunAt < DRILL_LASTS_MS) return 'running';
  return notSince !== null && newest.begunAt >= notSince ? 'recent' : null;
}
