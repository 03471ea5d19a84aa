/** What an action does: `read`, `write`, or `destroy` (removing data or a recovery path). */
export const EFFECT_CLASSES = ['read', 'write', 'destroy'] as const;
export type EffectClass = (typeof EFFECT_CLASSES)[number];

/** `exercised`: an undo of this tool version was run and compared. `declared`: an undo exists on paper. */
export type Reversibility = 'exercised' | 'declared' | 'none';

/** What is counted and capped. Money is in millionths of the organisation's currency. */
export const DIMENSIONS = [
  'calls',
  'rowsRead',
  'rowsWritten',
  'rowsDeleted',
  'bytesOut',
  'moneyMicros',
  'recipients',
  'irreversible',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Non-negative integers; declared as a cap before, measured before commit where the connector can, else after. */
export type EffectVector = { readonly [D in Dimension]: number };

export const NO_EFFECT: EffectVector = {
  calls: 0,
  rowsRead: 0,
  rowsWritten: 0,
  rowsDeleted: 0,
  bytesOut: 0,
  moneyMicros: 0,
  recipients: 0,
  irreversible: 0,
};

/** Fills what is not named with zero. Throws a RangeError for anything but a non-negative safe integer. */
export function effectVector(part: Partial<EffectVector>): EffectVector {
  const vector = { ...NO_EFFECT, ...part };
  for (const dimension of DIMENSIONS) {
    const value = vector[dimension];
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`\`${dimension}\` is \`${value}\`, expected a non-negative integer`);
  }
  return vector;
}

export function worseClass(a: EffectClass, b: EffectClass): EffectClass {
  return EFFECT_CLASSES.indexOf(a) >= EFFECT_CLASSES.indexOf(b) ? a : b;
}

/** The dimensions in which `measured` is larger than `cap`. */
export function beyond(measured: EffectVector, cap: EffectVector): Dimension[] {
  return DIMENSIONS.filter((dimension) => measured[dimension] > cap[dimension]);
}
