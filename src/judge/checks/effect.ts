import type { Check } from '../check.ts';

/** What was measured must be of the class that was derived: a read that wrote, or a write that deleted, is a lie of the target. */
export const effect: Check = ({ tool, measured }) => {
  if (tool === null || measured === null) return null;
  const { rowsWritten, rowsDeleted } = measured.effect;
  if (tool.effect === 'read' && rowsWritten + rowsDeleted > 0)
    return {
      ceiling: 'deny',
      code: 'EFFECT_HIDDEN',
      reason: 'a tool derived as `read` changed rows',
    };
  if (tool.effect === 'write' && rowsDeleted > 0 && tool.cap.rowsDeleted === 0)
    return {
      ceiling: 'deny',
      code: 'EFFECT_HIDDEN',
      reason: `a tool derived as \`write\` deleted ${rowsDeleted} rows`,
    };
  return null;
};
