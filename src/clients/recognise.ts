import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Client } from './client-file.ts';

/** Whose file this is, by where it stands and, where that says nothing, by what is in it. */
export function clientOf(path: string, root: JsonObject): Client {
  const place = path.replaceAll('\\', '/').toLowerCase();
  const name = place.slice(place.lastIndexOf('/') + 1);
  if (name.endsWith('.toml')) return 'codex';
  if (place.includes('/.cursor/')) return 'cursor';
  if (place.includes('/.vscode/')) return 'vscode';
  if (place.includes('/.gemini/')) return 'gemini';
  if (place.includes('/.codex/')) return 'codex';
  if (name === '.mcp.json' || name === '.claude.json') return 'claude-code';
  if (/^claude[-_]desktop/.test(name)) return 'claude-desktop';
  return byContent(root) ?? byName(name) ?? 'other';
}

function byContent(root: JsonObject): Client | null {
  if (isJsonObject(root.servers) || isJsonObject(root.mcp)) return 'vscode';
  if (isJsonObject(root.projects)) return 'claude-code';
  const servers = isJsonObject(root.mcpServers) ? Object.values(root.mcpServers) : [];
  return servers.some((server) => isJsonObject(server) && server.httpUrl !== undefined)
    ? 'gemini'
    : null;
}

function byName(name: string): Client | null {
  const known: readonly (readonly [RegExp, Client])[] = [
    [/cursor/, 'cursor'],
    [/vs-?code/, 'vscode'],
    [/gemini/, 'gemini'],
    [/desktop/, 'claude-desktop'],
    [/claude|^mcp\.json$/, 'claude-code'],
  ];
  return known.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
