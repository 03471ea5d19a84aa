import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import {
  type Client,
  type ClientFile,
  ClientFileFault,
  type Input,
  type Replacement,
  type Section,
} from './client-file.ts';
import { parseJson, replaceInJson } from './json-file.ts';
import { clientOf } from './recognise.ts';
import { parseToml, replaceInToml } from './toml-file.ts';

/** Reads a client's configuration. `client` overrides what its path and content say. Throws ClientFileFault. */
export function readClientFile(
  text: string,
  path: string,
  client: Client | null = null,
): ClientFile {
  const syntax = /\.toml$/i.test(path) ? 'toml' : 'json';
  const root = syntax === 'toml' ? parseToml(text) : parseJson(text);
  return {
    client: client ?? clientOf(path, root),
    syntax,
    text,
    sections: sectionsOf(root),
    inputs: inputsOf(root),
  };
}

/** The text of the file with the replacements made, every other byte as it was. Throws ClientFileFault. */
export function changedText(
  { syntax, text }: ClientFile,
  replacements: readonly Replacement[],
): string {
  return syntax === 'toml' ? replaceInToml(text, replacements) : replaceInJson(text, replacements);
}

function sectionsOf(root: JsonObject): Section[] {
  const off = textsOf(root.disabledMcpServers);
  const sections: Section[] = [];
  const put = (
    at: readonly string[],
    project: string | null,
    value: Json | undefined,
    not: readonly string[],
  ): void => {
    if (value === undefined) return;
    if (!isJsonObject(value))
      throw new ClientFileFault(`\`${at.join('.')}\` is no table of servers`);
    const servers = Object.entries(value).flatMap(([name, server]) =>
      isJsonObject(server) ? [{ name, value: server }] : [],
    );
    sections.push({ at, project, servers, off: not });
  };
  const { mcp } = root;
  put(['mcpServers'], null, root.mcpServers, [...off, ...notAllowed(mcp, root.mcpServers)]);
  put(['servers'], null, root.servers, off);
  put(['mcp_servers'], null, root.mcp_servers, off);
  if (isJsonObject(mcp)) put(['mcp', 'servers'], null, mcp.servers, off);
  for (const [directory, project] of Object.entries(
    isJsonObject(root.projects) ? root.projects : {},
  ))
    if (isJsonObject(project) && isJsonObject(project.mcpServers))
      put(
        ['projects', directory, 'mcpServers'],
        directory,
        project.mcpServers,
        textsOf(project.disabledMcpServers),
      );
  return sections;
}

/** Servers that Gemini CLI does not start: those that its list leaves out, where there is one, and those excluded. */
function notAllowed(mcp: Json | undefined, servers: Json | undefined): string[] {
  if (!isJsonObject(mcp)) return [];
  const { allowed, excluded } = mcp;
  const names = Array.isArray(allowed) && isJsonObject(servers) ? Object.keys(servers) : [];
  const listed = textsOf(allowed);
  return [...textsOf(excluded), ...names.filter((name) => !listed.includes(name))];
}

function inputsOf({ inputs }: JsonObject): Input[] {
  return listOf(inputs).flatMap((input) => {
    if (!isJsonObject(input) || typeof input.id !== 'string') return [];
    const { id, description, password, default: fallback } = input;
    return [
      {
        id,
        description: typeof description === 'string' ? description : id,
        secret: password === true,
        fallback: typeof fallback === 'string' && fallback !== '' ? fallback : null,
      },
    ];
  });
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function textsOf(value: Json | undefined): string[] {
  return listOf(value).filter((each) => typeof each === 'string');
}
