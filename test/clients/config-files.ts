/** The entries of examples/clients, read and started as Claude Code and Codex do. */
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type Entry, type Talker, textOf } from './talker.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/clients/', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));

type Environment = { readonly [name: string]: string };

/** What an entry comes to once it is read: an address, or a command. */
type Server =
  | { readonly url: string; readonly headers: Environment }
  | { readonly command: string; readonly args: readonly string[]; readonly env: Environment };

/** A folder in which the command `signalbox` is the one of this checkout, run by the Node of this process. */
function pathWithSignalbox(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-path-'));
  symlinkSync(PROGRAM, join(folder, 'signalbox'));
  return [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
}

async function started(server: Server, mode: 'auto' | 'legacy'): Promise<Talker> {
  const client = new Client({ name: 'config', version: '1' }, { versionNegotiation: { mode } });
  const transport =
    'url' in server
      ? new StreamableHTTPClientTransport(new URL(server.url), {
          requestInit: { headers: server.headers },
        })
      : new StdioClientTransport({
          command: server.command,
          args: [...server.args],
          env: { ...server.env, PATH: pathWithSignalbox() },
          stderr: 'inherit',
        });
  await client.connect(transport);
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) =>
      textOf((await client.callTool({ name, arguments: { ...args } })).content),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    async read(uri) {
      const { contents } = await client.readResource({ uri });
      return contents.map((part) => ('text' in part ? part.text : part.blob)).join('\n');
    },
    prompt: async (name) => (await client.getPrompt({ name })).messages.length,
    close: () => client.close(),
  };
}

/** `${NAME}` and `${NAME:-otherwise}`, in every text of the entry. */
function expanded(text: string, env: Environment): string {
  return text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (whole, name: string, otherwise?: string) => {
    const value = env[name] ?? otherwise;
    if (value === undefined) throw new Error(`${whole} has no value`);
    return value;
  });
}

interface ClaudeEntry {
  readonly type: 'http' | 'stdio';
  readonly url?: string;
  readonly headers?: Environment;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Environment;
}

export function claudeServer(name: string, env: Environment): Server {
  const file = JSON.parse(readFileSync(join(EXAMPLES, 'mcp.json'), 'utf8')) as {
    readonly mcpServers: { readonly [name: string]: ClaudeEntry };
  };
  const entry = file.mcpServers[name];
  if (entry === undefined) throw new Error(`mcp.json has no ${name}`);
  const all = (values: Environment = {}): Environment =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, expanded(value, env)]));
  if (entry.type === 'http')
    return { url: expanded(entry.url ?? '', env), headers: all(entry.headers) };
  return { command: entry.command ?? '', args: entry.args ?? [], env: all(entry.env) };
}

/** The part of TOML these entries need: tables, texts and lists of texts. Anything else is refused. */
export function tablesOf(toml: string): { [table: string]: { [key: string]: unknown } } {
  const tables: { [table: string]: { [key: string]: unknown } } = {};
  let open: { [key: string]: unknown } = {};
  for (const line of toml.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const table = /^\[([\w.-]+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+) = (".*"|\[.*\])$/.exec(line) ?? [];
    if (table !== undefined) {
      open = {};
      tables[table] = open;
    } else if (key !== undefined && value !== undefined) open[key] = JSON.parse(value);
    else throw new Error(`not understood: ${line}`);
  }
  return tables;
}

/** Codex hands a command only the variables that its entry names. */
export function codexServer(name: string, env: Environment, mcpUrl: string): Server {
  const text = readFileSync(join(EXAMPLES, 'codex-config.toml'), 'utf8');
  const entry = tablesOf(text)[`mcp_servers.${name}`];
  if (entry === undefined) throw new Error(`codex-config.toml has no ${name}`);
  if (typeof entry.url === 'string') {
    const token = env[String(entry.bearer_token_env_var)];
    // the address in the file is the usual one; that of this test is its stand-in
    return { url: mcpUrl, headers: { authorization: `Bearer ${token}` } };
  }
  const handed = (entry.env_vars as readonly string[]).map((key) => [key, env[key] ?? '']);
  return {
    command: String(entry.command),
    args: entry.args as readonly string[],
    env: Object.fromEntries(handed),
  };
}

const environment = (mcpUrl: string, token: string): Environment => ({
  SIGNALBOX_TOKEN: token,
  SIGNALBOX_MCP_URL: mcpUrl,
});

export const CONFIG_FILES: readonly Entry[] = [
  ...['signalbox', 'signalbox-stdio'].map((name) => ({
    name: `Claude Code .mcp.json, ${name}`,
    open: (mcpUrl: string, token: string) =>
      started(claudeServer(name, environment(mcpUrl, token)), 'auto'),
  })),
  ...['signalbox', 'signalbox_stdio'].map((name) => ({
    name: `Codex config.toml, ${name}`,
    // Codex opens with `initialize`
    open: (mcpUrl: string, token: string) =>
      started(codexServer(name, environment(mcpUrl, token), mcpUrl), 'legacy'),
  })),
];
