import type { Mode, Rung } from '../../domain/mode.ts';
import { actorsOf, type Run } from '../../domain/run.ts';
import type { Check } from '../check.ts';

const WRITE_CEILING: Record<Rung, Mode> = {
  read: 'deny',
  draft: 'draft',
  stage: 'stage',
  approve: 'approve',
  auto: 'auto',
};

/**
 * Default deny: a known tool, granted to everybody who acts in this run, and among those the run was given; the lowest
 * rung is the ceiling of a write, and any rung lets a read pass.
 */
export const grant: Check = ({ tool, toolName, rung, run }) => {
  if (tool === null || rung === null)
    return {
      ceiling: 'deny',
      code: 'NOT_GRANTED',
      reason: ungranted(run, toolName),
      fix: 'use one of the tools you are shown, or ask for a grant',
    };
  if (run?.tools?.includes(toolName) === false)
    return {
      ceiling: 'deny',
      code: 'NOT_DELEGATED',
      reason: `this run was begun for other tools than \`${toolName}\``,
      fix: 'use one of the tools you are shown, or let who began this run do it',
    };
  if (tool.effect === 'read' || WRITE_CEILING[rung] === 'auto') return null;
  return {
    ceiling: WRITE_CEILING[rung],
    code: 'RUNG',
    reason: `the grant stands on rung \`${rung}\` and this tool is a \`${tool.effect}\``,
    ...(rung === 'read' ? { fix: 'use a tool that only reads' } : {}),
  };
};

function ungranted(run: Run | null, tool: string): string {
  const [agent = 'unknown', ...others] = run === null ? [] : actorsOf(run);
  if (run?.subject !== undefined)
    return `\`${[agent, ...others].join('`, `')}\` on behalf of user \`${run.subject}\`: not each of them may use a tool \`${tool}\``;
  if (others.length === 0) return `agent \`${agent}\` holds no grant for a tool \`${tool}\``;
  const above = others.map((name) => `\`${name}\``).join(', ');
  return `\`${agent}\` acts for ${above}, and not each of them holds a grant for a tool \`${tool}\``;
}
