/** Three agent frameworks over HTTP, as their own documentation says to connect them. */
import { createMCPClient } from '@ai-sdk/mcp';
import { clientModule } from './installed.ts';
import { type Entry, type Talker, textOf } from './talker.ts';

const headersOf = (token: string) => ({ authorization: `Bearer ${token}` });

async function vercel(mcpUrl: string, token: string): Promise<Talker> {
  const client = await createMCPClient({
    transport: { type: 'http', url: mcpUrl, headers: headersOf(token) },
  });
  const tools = await client.tools();
  return {
    tools: async () => Object.keys(tools),
    async call(name, args) {
      const options = { toolCallId: 'c1', messages: [], context: {} };
      const said = await tools[name]?.execute?.(args, options as never);
      return textOf((said as { readonly content?: unknown } | undefined)?.content);
    },
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => partsOf((await client.readResource({ uri })).contents),
    prompt: async (name) => (await client.getPrompt({ name })).messages.length,
    close: () => client.close(),
  };
}

interface Part {
  readonly text?: unknown;
  readonly blob?: unknown;
}
const partsOf = (contents: readonly object[]): string =>
  contents.map((part) => String((part as Part).text ?? (part as Part).blob ?? '')).join('\n');

interface OpenAiServer {
  connect(): Promise<void>;
  close(): Promise<void>;
  listTools(): Promise<readonly { readonly name: string }[]>;
  callTool(name: string, args: object): Promise<unknown>;
  listResources(): Promise<{ readonly resources: readonly { readonly uri: string }[] }>;
  readResource(uri: string): Promise<{ readonly contents: readonly object[] }>;
}

async function openai(mcpUrl: string, token: string): Promise<Talker> {
  const { MCPServerStreamableHttp } = await clientModule<{
    MCPServerStreamableHttp: new (options: object) => OpenAiServer;
  }>('@openai/agents');
  const server = new MCPServerStreamableHttp({
    url: mcpUrl,
    name: 'signalbox',
    requestInit: { headers: headersOf(token) },
  });
  await server.connect();
  return {
    tools: async () => (await server.listTools()).map(({ name }) => name),
    call: async (name, args) => textOf(await server.callTool(name, args)),
    resources: async () => (await server.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => partsOf((await server.readResource(uri)).contents),
    prompt: null,
    close: () => server.close(),
  };
}

interface LangChain {
  getTools(): Promise<readonly { readonly name: string; invoke(args: object): Promise<unknown> }[]>;
  listResources(): Promise<{ readonly signalbox: readonly { readonly uri: string }[] }>;
  readResource(server: string, uri: string): Promise<readonly object[]>;
  getClient(server: string): Promise<{
    getPrompt(of: { name: string }): Promise<{ readonly messages: readonly object[] }>;
  }>;
  close(): Promise<void>;
}

async function langchain(mcpUrl: string, token: string): Promise<Talker> {
  const { MultiServerMCPClient } = await clientModule<{
    MultiServerMCPClient: new (options: object) => LangChain;
  }>('@langchain/mcp-adapters');
  const client = new MultiServerMCPClient({
    mcpServers: { signalbox: { transport: 'http', url: mcpUrl, headers: headersOf(token) } },
  });
  const tools = await client.getTools();
  return {
    tools: async () => tools.map(({ name }) => name),
    async call(name, args) {
      const said = await tools.find((tool) => tool.name === name)?.invoke(args);
      return typeof said === 'string' ? said : textOf(said) || JSON.stringify(said);
    },
    resources: async () => (await client.listResources()).signalbox.map(({ uri }) => uri),
    read: async (uri) => partsOf(await client.readResource('signalbox', uri)),
    prompt: async (name) =>
      (await (await client.getClient('signalbox')).getPrompt({ name })).messages.length,
    close: () => client.close(),
  };
}

export const LIBRARIES: readonly Entry[] = [
  { name: '@ai-sdk/mcp', open: vercel },
  { name: '@openai/agents', open: openai },
  { name: '@langchain/mcp-adapters', open: langchain },
];
