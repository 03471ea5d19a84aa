import type { Mode, Rung } from '../../domain/mode.ts';
import type { Check } from '../check.ts';

const WRITE_CEILING: Record<Rung, Mode> = {
  read: 'deny',
  draft: 'draft',
  stage: 'stage',
  approve: 'approve',
  auto: 'auto',
};

/** Default deny: a known tool, granted to this agent; the rung is the ceiling of a write, and any rung lets a read pass. */
export const grant: Check = ({ tool, toolName, rung, run }) => {
  if (tool === null || rung === null)
    return {
      ceiling: 'deny',
      code: 'NOT_GRANTED',
      reason: `agent \`${run?.agent ?? 'unknown'}\` holds no grant for a tool \`${toolName}\``,
      fix: 'use one of the tools you are shown, or ask for a grant',
    };
  if (tool.effect === 'read' || WRITE_CEILING[rung] === 'auto') return null;
  return {
    ceiling: WRITE_CEILING[rung],
    code: 'RUNG',
    reason: `the grant stands on rung \`${rung}\` and this tool is a \`${tool.effect}\``,
    ...(rung === 'read' ? { fix: 'use a tool that only reads' } : {}),
  };
};
