import type { Bundle, Tool } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import { ProtocolFault } from './faults.ts';

const PAGE = 100;

/** The tools an agent holds a grant for, by name in code point order: the same bundle gives the same list. */
export function grantedTools(bundle: Bundle, agent: string): Tool[] {
  if (!Object.hasOwn(bundle.agents, agent)) return [];
  const names = new Set(
    bundle.grants.filter((grant) => grant.agent === agent).map(({ tool }) => tool),
  );
  return [...names]
    .sort((a, b) => (a < b ? -1 : 1))
    .flatMap((name) => {
      const tool = Object.hasOwn(bundle.tools, name) ? bundle.tools[name] : undefined;
      return tool === undefined ? [] : [tool];
    });
}

/** The members of a `tools/list` result for one page, serialised. Throws ProtocolFault for a cursor we did not make for this list. */
export function toolPage(bundle: Bundle, agent: string, cursor: string | null): string {
  const tools = grantedTools(bundle, agent);
  const start = cursor === null ? 0 : startOf(cursor, bundle, tools.length);
  const end = start + PAGE;
  const shown = JSON.stringify(tools.slice(start, end).map(described));
  return end < tools.length
    ? `"tools":${shown},"nextCursor":${JSON.stringify(cursorAt(bundle, end))}`
    : `"tools":${shown}`;
}

function described(tool: Tool): JsonObject {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: tool.inputSchema,
    annotations: {
      readOnlyHint: tool.effect === 'read',
      destructiveHint: tool.effect === 'destroy',
      idempotentHint: tool.idempotent,
      openWorldHint: false,
    },
  };
}

function cursorAt(bundle: Bundle, start: number): string {
  return Buffer.from(`${bundle.digest.slice(0, 16)} ${start}`).toString('base64url');
}

function startOf(cursor: string, bundle: Bundle, length: number): number {
  const [digest, at] = Buffer.from(cursor.slice(0, 200), 'base64url').toString().split(' ');
  const start = Number(at);
  if (cursorAt(bundle, start) !== cursor || start <= 0 || start >= length || start % PAGE !== 0)
    throw new ProtocolFault(
      'invalidParams',
      digest === bundle.digest.slice(0, 16)
        ? 'the cursor is not one of ours'
        : 'the cursor is not of the present list; start again without it',
    );
  return start;
}
