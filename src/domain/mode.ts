/** From least authority to most. */
export const MODES = ['deny', 'draft', 'stage', 'approve', 'auto'] as const;
export type Mode = (typeof MODES)[number];

/** The ceiling a grant gives an agent for a tool. A read executes from rung `read` up. */
export const RUNGS = ['read', 'draft', 'stage', 'approve', 'auto'] as const;
export type Rung = (typeof RUNGS)[number];

export function lower(a: Mode, b: Mode): Mode {
  return MODES.indexOf(a) <= MODES.indexOf(b) ? a : b;
}

export function isHigher(a: Mode, b: Mode): boolean {
  return MODES.indexOf(a) > MODES.indexOf(b);
}
