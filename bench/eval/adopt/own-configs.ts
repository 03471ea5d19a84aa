/** Six files as six clients write them, each with a peculiarity of its own, over real servers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(
  new URL('../../../node_modules/@modelcontextprotocol/', import.meta.url),
);
/** Where a reference server's program is. */
export const indexOf = (server: string): string =>
  join(MODULES, `server-${server}`, 'dist', 'index.js');

/** No secret of anybody's: put together here, so that nothing in this repository looks like one. */
export const CANARY = ['canary', '9f3c1e7a5b2d4068', 'acbd18db4cc2f85c'].join('-');

/** Writes them into `folder`; `httpUrl` is a server that answers. */
export async function writeOwnConfigs(folder: string, httpUrl: string): Promise<void> {
  const notes = join(folder, 'notes');
  await mkdir(notes, { recursive: true });
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  await put(
    'claude-code/.mcp.json',
    json({
      mcpServers: {
        filesystem: {
          type: 'stdio',
          command: 'npx',
          args: ['-y', '@modelcontextprotocol/server-filesystem', notes],
        },
        everything: {
          command: 'node',
          args: [indexOf('everything')],
          env: { API_KEY: CANARY, LEVEL: '${LEVEL:-debug}' },
        },
      },
    }),
  );
  await put(
    'claude-desktop/claude_desktop_config.json',
    json({
      globalShortcut: 'Ctrl+Space',
      mcpServers: {
        memory: {
          command: 'node',
          args: [indexOf('memory')],
          env: { MEMORY_FILE_PATH: join(folder, 'memory-1.jsonl') },
        },
        bridged: {
          command: 'npx',
          args: ['-y', 'mcp-remote', httpUrl, '--header', `Authorization: Bearer ${CANARY}`],
        },
        dead: { command: join(folder, 'nothing-here') },
      },
    }),
  );
  await put('cursor/.env.mcp', `EVAL_SERVICE_TOKEN=${CANARY}\n`);
  await put(
    'cursor/.cursor/mcp.json',
    json({
      mcpServers: {
        thinking: {
          command: 'node',
          args: [indexOf('sequential-thinking')],
          envFile: '${workspaceFolder}/.env.mcp',
        },
        web: { url: httpUrl, headers: { 'X-Api-Key': CANARY, 'X-Tenant': 'acme' } },
      },
    }),
  );
  await put('vscode/.vscode/mcp.json', vscode(notes, folder).replaceAll('\n', '\r\n'));
  await put('codex/.codex/config.toml', codex(notes, httpUrl));
  await put(
    'gemini/.gemini/settings.json',
    json({
      theme: 'dark',
      mcpServers: {
        remote: { httpUrl, timeout: 20_000, trust: true },
        off: { command: 'node', args: [indexOf('memory')], disabled: true },
        graph: {
          command: 'node',
          args: [indexOf('memory')],
          env: { MEMORY_FILE_PATH: '$EVAL_MEMORY' },
          includeTools: ['read_graph', 'search_nodes', 'open_nodes'],
        },
      },
    }),
  );
}

const vscode = (notes: string, folder: string): string => `\uFEFF{
  // what the editor asks for
  "inputs": [
    { "type": "promptString", "id": "memory-file", "description": "where", "default": ${JSON.stringify(join(folder, 'memory-2.jsonl'))} },
    { "type": "promptString", "id": "key", "description": "a key", "password": true },
  ],
  "servers": {
    "files": { // the notes
      "type": "stdio",
      "command": "npx",
      "args": ["--yes", "@modelcontextprotocol/server-filesystem@2026.8.31", ${JSON.stringify(notes)}],
    },
    /* two of them */
    "graph": {
      "command": "node",
      "args": [${JSON.stringify(indexOf('memory'))}],
      "env": { "MEMORY_FILE_PATH": "\${input:memory-file}", "GRAPH_KEY": "\${input:key}" },
    },
  },
}
`;

const codex = (notes: string, httpUrl: string): string => `# mine
model = "some-model"

[mcp_servers.files]
command = "npx"
args = ["-y", "@modelcontextprotocol/server-filesystem", ${JSON.stringify(notes)}]
startup_timeout_sec = 20

[mcp_servers.everything]
command = "node"
args = [
  ${JSON.stringify(indexOf('everything'))}, # all of it
]

[mcp_servers.everything.env]
EVAL_TOKEN = ${JSON.stringify(CANARY)}

# the one elsewhere
[mcp_servers.web]
url = ${JSON.stringify(httpUrl)}
bearer_token_env_var = "EVAL_BEARER"
enabled_tools = ["echo", "get-sum"]

[profiles.fast]
model = "another"
`;
