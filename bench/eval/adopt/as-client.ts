/** Reads a client's file as the client does, and calls through every entry it finds there with the SDK's own client. */
import { readFile } from 'node:fs/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';

interface Written {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: { readonly [name: string]: string };
  readonly url?: string;
  readonly httpUrl?: string;
}

/** Entries of one table, by name; the table by its keys. */
export async function entriesIn(
  path: string,
): Promise<{ table: string; name: string; entry: Written }[]> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const root = (path.endsWith('.toml') ? parseToml(text) : parseJsonc(text)) as {
    [key: string]: unknown;
  };
  const tables: [string, unknown][] = ['mcpServers', 'servers', 'mcp_servers'].map((key) => [
    key,
    root[key],
  ]);
  const { projects, mcp } = root as {
    projects?: { [dir: string]: { mcpServers?: unknown } };
    mcp?: { servers?: unknown };
  };
  tables.push(['mcp', mcp?.servers]);
  for (const [directory, project] of Object.entries(projects ?? {}))
    tables.push([directory, project.mcpServers]);
  return tables.flatMap(([table, servers]) =>
    typeof servers === 'object' && servers !== null
      ? Object.entries(servers as { [name: string]: Written }).map(([name, entry]) => ({
          table,
          name,
          entry,
        }))
      : [],
  );
}

export interface Talk {
  tools(): Promise<{ readonly name: string; readonly inputSchema: object }[]>;
  /** What came back, and whether its server said that it failed. Rejects when it was refused on the way. */
  call(name: string, args: object): Promise<{ readonly text: string; readonly failed: boolean }>;
  close(): Promise<void>;
}

const CALL_MS = 60_000;

export async function talk({ command, args = [], env = {}, url, httpUrl }: Written): Promise<Talk> {
  const client = new Client(
    { name: 'eval', version: '1' },
    {
      versionNegotiation: { mode: 'auto' },
      capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
    },
  );
  // a client that can be asked is shown more tools; it says no, as a user may
  client.setRequestHandler('elicitation/create', async () => ({ action: 'decline' }));
  client.setRequestHandler('roots/list', async () => ({ roots: [] }));
  client.setRequestHandler('sampling/createMessage', async () => ({
    role: 'assistant',
    model: 'none',
    content: { type: 'text', text: 'ok' },
  }));
  const address = httpUrl ?? url;
  const transport =
    address === undefined
      ? new StdioClientTransport({
          command: command ?? '',
          args: [...args],
          env: { ...getDefaultEnvironment(), ...env },
          stderr: 'pipe',
        })
      : new StreamableHTTPClientTransport(new URL(address));
  await client.connect(transport);
  return {
    tools: async () => (await client.listTools()).tools,
    async call(name, given) {
      const result = await client.callTool(
        { name, arguments: { ...given } },
        { timeout: CALL_MS, maxTotalTimeout: CALL_MS },
      );
      const text = (result.content as { text?: string }[])
        .map((part) => part.text ?? '')
        .join('\n');
      return { text, failed: result.isError === true };
    },
    close: () => client.close(),
  };
}
