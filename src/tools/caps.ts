import {
  type Dimension,
  type EffectClass,
  type EffectVector,
  effectVector,
  type Reversibility,
} from '../domain/effect.ts';

/** Bytes of result that an agent gets unless the tool says otherwise, and the most that a tool may say. */
export const RESULT_BYTES = { usual: 64 * 1024, most: 4 * 1024 * 1024 } as const;
/** Milliseconds for one call. */
export const TIMEOUT_MS = { usual: 30_000, least: 100, most: 300_000 } as const;

/** What one call may do when its tool does not say: enough for a lookup or a change by key, too little for a sweep. */
const USUAL: Record<EffectClass, Partial<EffectVector>> = {
  read: { rowsRead: 100 },
  write: { rowsRead: 100, rowsWritten: 1 },
  destroy: { rowsRead: 100, rowsWritten: 1, rowsDeleted: 1 },
};

/** Bytes that one call may send out of the organisation. */
const USUAL_BYTES_OUT = 64 * 1024;

/**
 * The cap of one call. A call is one call; a destruction that nothing undoes counts as one irreversible act.
 * `outward`: it leaves the organisation.
 */
export function capFor(
  effect: EffectClass,
  reversibility: Reversibility,
  declared: { readonly [D in Dimension]?: number },
  outward = false,
): EffectVector {
  const bytesOut = outward ? USUAL_BYTES_OUT : 0;
  const cap = effectVector({ ...USUAL[effect], bytesOut, ...declared, calls: 1 });
  const final = effect === 'destroy' && reversibility === 'none';
  return final ? { ...cap, irreversible: Math.max(1, cap.irreversible) } : cap;
}
