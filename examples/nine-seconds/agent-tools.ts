/** The agent's hands through Signalbox: the official MCP client, an address and a run token. Nothing here knows Signalbox. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Reply } from './script.ts';

export interface Hands {
  list(): Promise<Said>;
  call(tool: string, args: Record<string, unknown>): Promise<Said>;
  close(): Promise<void>;
}

type Said = Omit<Reply, 'task'>;

const PATIENCE_MS = 60_000;
const BETWEEN_TRIES_MS = 100;

export async function connectHands(url: string, token: string): Promise<Hands> {
  const client = new Client(
    { name: 'acme-support-agent', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  const once = async (name: string, args: Record<string, unknown>): Promise<Said> => {
    const result = await client.callTool({ name, arguments: args }, { timeout: PATIENCE_MS });
    const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join(' ');
    const data = result.structuredContent;
    return {
      text,
      refused: result.isError === true,
      ...(typeof data === 'object' && data !== null ? { data: { ...data } } : {}),
    };
  };
  return {
    async list() {
      const { tools } = await client.listTools();
      const protocol = client.getNegotiatedProtocolVersion();
      return { text: tools.map(({ name }) => name).join(', '), refused: false, data: { protocol } };
    },
    // "Repeat this very call to continue" is what a call that waits for a human is told, so that is what it does.
    async call(name, args) {
      const until = performance.now() + PATIENCE_MS;
      for (;;) {
        const said = await once(name, args);
        if (statusOf(said) !== 'pending' || performance.now() > until) return said;
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS));
      }
    },
    close: () => client.close(),
  };
}

function statusOf({ data }: Said): unknown {
  const ours = data?.signalbox;
  return typeof ours === 'object' && ours !== null && 'status' in ours ? ours.status : undefined;
}
