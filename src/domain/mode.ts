/** From least authority to most. */
export const MODES = ['deny', 'draft', 'stage', 'approve', 'auto'] as const;
export type Mode = (typeof MODES)[number];

/** The ceiling a grant gives an agent for a tool. A read executes from rung `read` up. */
export const RUNGS = ['read', 'draft', 'stage', 'approve', 'auto'] as const;
export type Rung = (typeof RUNGS)[number];

/** Null counts as less than any rung. */
export function lowestRung(rungs: readonly (Rung | null)[]): Rung | null {
  let lowest: Rung | null = rungs[0] ?? null;
  for (const rung of rungs) {
    if (rung === null || lowest === null) return null;
    if (RUNGS.indexOf(rung) < RUNGS.indexOf(lowest)) lowest = rung;
  }
  return lowest;
}

export function lower(a: Mode, b: Mode): Mode {
  return MODES.indexOf(a) <= MODES.indexOf(b) ? a : b;
}

export function isHigher(a: Mode, b: Mode): boolean {
  return MODES.indexOf(a) > MODES.indexOf(b);
}
