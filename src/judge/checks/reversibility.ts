import { environmentOf } from '../../domain/bundle.ts';
import { isAutoEligible } from '../../domain/decision.ts';
import type { Check } from '../check.ts';

/**
 * The reversibility gate. What cannot be undone is never autonomous; removing a recovery path in production is not an
 * agent's to ask for, with or without a human's click: it would take away the undo of everything else.
 */
export const reversibility: Check = ({ tool, connection, removes }) => {
  if (tool === null) return null;
  if (tool.recoveryPath || removes !== null) {
    const environment = environmentOf(tool, connection);
    const production = environment === 'production';
    return {
      ceiling: production ? 'deny' : 'approve',
      code: 'RECOVERY_PATH',
      reason: tool.recoveryPath
        ? 'it removes a way to recover (a backup, snapshot, history or audit log) and nothing undoes that'
        : `its arguments ask to remove a way to recover (\`${removes}\`) and nothing undoes that`,
      fix: 'leave the recovery path in place; a human can remove it outside Signalbox',
    };
  }
  if (
    isAutoEligible({
      class: tool.effect,
      reversibility: tool.reversibility,
      idempotent: tool.idempotent,
    })
  )
    return null;
  return {
    ceiling: 'approve',
    code: 'IRREVERSIBLE',
    reason: `a \`${tool.effect}\` whose undo was never exercised needs a human`,
  };
};
