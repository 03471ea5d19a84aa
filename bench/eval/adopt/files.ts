import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const NAMES =
  /^(?:\.?mcp.*\.json|.*claude.*\.json|.*cursor.*\.json|.*vs-?code.*\.json|.*gemini.*\.json|settings\.json|.*desktop.*\.json|.*\.toml|mcp_config\.json)$/i;
const MAX_FILES = 50;

/** Every client's file below a folder, in the order of their paths. */
export async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of names) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /[\\/]node_modules[\\/]/.test(path)) continue;
    if (!NAMES.test(entry.name) && !(entry.name.endsWith('.json') && (await holdsServers(path))))
      continue;
    if (entry.name === 'package.json' || entry.name === 'package-lock.json') continue;
    if (await holdsServers(path)) found.push(path);
  }
  return found.sort().slice(0, MAX_FILES);
}

async function holdsServers(path: string): Promise<boolean> {
  if ((await stat(path)).size > 4_000_000) return false;
  return /"(?:mcpServers|servers)"\s*:|^\s*\[?mcp_servers/m.test(await readFile(path, 'utf8'));
}
