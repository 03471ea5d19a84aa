import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { toolPrefixOf } from './declare-mcp.ts';

/** What MCP servers will add to the tools of a file, as far as the file alone shows. */
export interface Servable {
  readonly names: readonly string[];
  /** Beginnings of names that only the server knows (`*`). */
  readonly prefixes: readonly string[];
}

export function servableIn(root: JsonObject): Servable {
  const names: string[] = [];
  const prefixes: string[] = [];
  for (const [name, value] of Object.entries(members(root.connections))) {
    const connection = members(value);
    if (connection.kind !== 'mcp') continue;
    const { tools, resources, prompts } = members(connection.serve);
    const prefix = toolPrefixOf(name, connection);
    for (const [upstream, how] of Object.entries(members(tools)))
      if (upstream !== '*' && how !== false) names.push(prefix + upstream);
    const others = members(tools)['*'];
    if (others !== undefined && others !== false) prefixes.push(prefix);
    if (resources === true) names.push(`${name}/resources`);
    if (prompts === true) names.push(`${name}/prompts`);
  }
  return { names, prefixes };
}

function members(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
