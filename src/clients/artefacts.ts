/**
 * Files of a project that a coding agent reads as instructions, or whose commands its client runs by itself: whoever writes
 * one of them writes to the agent.
 */
export const ARTEFACT_FILES: readonly string[] = [
  'CLAUDE.md',
  'CLAUDE.local.md',
  'AGENTS.md',
  'AGENTS.override.md',
  'GEMINI.md',
  '.cursorrules',
  '.windsurfrules',
  '.clinerules',
  '.mcp.json',
  '.github/copilot-instructions.md',
  '.vscode/mcp.json',
];

/** Folders that are such files throughout: skills, commands, hooks, plugins, rules. */
export const ARTEFACT_FOLDERS: readonly string[] = [
  '.claude',
  '.claude-plugin',
  '.cursor',
  '.codex',
  '.gemini',
  '.agents',
  '.windsurf',
  '.clinerules',
  '.github/instructions',
  '.github/prompts',
  '.github/hooks',
];

/** What a client writes there by itself. */
export const ARTEFACT_NOISE =
  /(?:^|\/)(?:settings\.local\.json\.lock|\.DS_Store|logs?|cache|tmp|history\.jsonl|node_modules|\.git)(?:\/|$)/;

export interface ArtefactChange {
  readonly path: string;
  readonly kind: 'new' | 'changed' | 'gone';
}

/** Digests by path, before and now. In the order of their paths. */
export function artefactChanges(
  before: { readonly [path: string]: string },
  now: { readonly [path: string]: string },
): ArtefactChange[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return paths.flatMap((path): ArtefactChange[] => {
    const [was, is] = [
      Object.hasOwn(before, path) ? before[path] : null,
      Object.hasOwn(now, path) ? now[path] : null,
    ];
    if (was === is) return [];
    return [{ path, kind: was === null ? 'new' : is === null ? 'gone' : 'changed' }];
  });
}
