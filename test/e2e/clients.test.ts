import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMCPClient } from '@ai-sdk/mcp';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type AgentsSide, startSystemSide } from './agents-side.ts';

/** Unmodified clients of others, over the real thing: list, call, refusal, and an ask that a human answers meanwhile. */

const SHOWN = ['delete_backup', 'echo', 'set_plan', 'slow_echo', 'slow_write'];
const PLAN = { name: 'set_plan', arguments: { customer: 7, plan: 'pro' } };

let side: AgentsSide;
before(async () => {
  side = await startSystemSide();
});
after(() => side.close());

interface Spoken {
  readonly isError?: boolean | undefined;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
}

interface Talker {
  tools(): Promise<string[]>;
  call(call: { name: string; arguments: Record<string, unknown> }): Promise<Spoken>;
  close(): Promise<void>;
}

const headersOf = (token: string) => ({ authorization: `Bearer ${token}` });

async function official(
  token: string,
  mode: 'auto' | 'legacy',
): Promise<Talker & { readonly client: Client }> {
  const options = { versionNegotiation: { mode } };
  const client = new Client({ name: `official-${mode}`, version: '1' }, options);
  const requestInit = { headers: headersOf(token) };
  await client.connect(new StreamableHTTPClientTransport(new URL(side.mcpUrl), { requestInit }));
  return {
    client,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (call) => (await client.callTool(call)) as Spoken,
    close: () => client.close(),
  };
}

async function firstVersion(token: string): Promise<Talker> {
  const client = new ClientV1({ name: 'v1', version: '1' });
  const requestInit = { headers: headersOf(token) };
  // The transport's optional members are typed without `undefined`.
  await client.connect(new TransportV1(new URL(side.mcpUrl), { requestInit }) as never);
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (call) => (await client.callTool(call)) as Spoken,
    close: () => client.close(),
  };
}

async function vercel(token: string): Promise<Talker> {
  const client = await createMCPClient({
    transport: { type: 'http', url: side.mcpUrl, headers: headersOf(token) },
  });
  const tools = await client.tools();
  return {
    tools: async () => Object.keys(tools).sort(),
    async call({ name, arguments: given }) {
      const options = { toolCallId: 'c1', messages: [], context: {} };
      return (await tools[name]?.execute?.(given, options as never)) as Spoken;
    },
    close: () => client.close(),
  };
}

const TALKERS: [string, (token: string) => Promise<Talker>][] = [
  ['@modelcontextprotocol/client, 2026-07-28', (token) => official(token, 'auto')],
  ['@modelcontextprotocol/client, 2025-11-25', (token) => official(token, 'legacy')],
  ['@modelcontextprotocol/sdk 1', firstVersion],
  ['@ai-sdk/mcp', vercel],
];

for (const [name, connect] of TALKERS)
  test(`${name}: lists, calls, is refused, and waits for a human`, async () => {
    const { token } = await side.run();
    const before = side.target.hits.length;
    const talker = await connect(token);
    try {
      assert.deepEqual(await talker.tools(), SHOWN);

      const said = await talker.call({ name: 'echo', arguments: { text: 'hello' } });
      assert.deepEqual(said.structuredContent, { method: 'GET', path: '/echo?text=hello' });
      assert.equal(side.target.hits.length, before + 1);

      const refused = await talker.call({ name: 'delete_backup', arguments: { backup: 'b1' } });
      assert.equal(refused.isError, true);
      assert.match(refused.content[0]?.text ?? '', /RECOVERY_PATH/);
      const wrong = await talker.call({ name: 'echo', arguments: { text: 7 } });
      assert.equal(wrong.isError, true);
      assert.equal(side.target.hits.length, before + 1);

      const waiting = talker.call(PLAN);
      const ask = await side.ask();
      assert.equal(side.target.hits.length, before + 1);
      await side.approve(ask);
      const done = await waiting;
      assert.notEqual(done.isError, true);
      assert.deepEqual(
        side.target.hits.slice(before + 1).map(({ path }) => path),
        ['/customers/7/plan'],
      );
    } finally {
      await talker.close();
    }
  });

test('the two eras are negotiated as the client wants them', async () => {
  const { token } = await side.run();
  for (const [mode, version] of [
    ['auto', '2026-07-28'],
    ['legacy', '2025-11-25'],
  ] as const) {
    const { client, close } = await official(token, mode);
    assert.equal(client.getNegotiatedProtocolVersion(), version);
    assert.equal(client.getServerVersion()?.name, 'signalbox');
    assert.match(client.getInstructions() ?? '', /judged before anything happens/);
    await close();
  }
});

test('what a client answers to an elicitation approves nothing', async () => {
  const short = await startSystemSide(50);
  try {
    const { token } = await short.run();
    let asked = 0;
    const client = new Client(
      { name: 'eager', version: '1' },
      {
        versionNegotiation: { mode: 'auto' },
        capabilities: { elicitation: { form: {} } },
        inputRequired: { maxRounds: 4 },
      },
    );
    client.setRequestHandler('elicitation/create', async () => {
      asked++;
      return { action: 'accept', content: { approve: 'yes', approved: 'true' } };
    });
    const requestInit = { headers: headersOf(token) };
    await client.connect(new StreamableHTTPClientTransport(new URL(short.mcpUrl), { requestInit }));
    await assert.rejects(client.callTool(PLAN), /4 rounds/);
    assert.equal(asked, 4);
    assert.equal(short.target.hits.length, 0);

    const waiting = client.callTool(PLAN);
    await short.approve(await short.ask());
    assert.notEqual((await waiting).isError, true);
    assert.equal(short.target.hits.length, 1);
    await client.close();
  } finally {
    await short.close();
  }
});

test('a client whose human will not wait gets a pending result, and nothing is lost', async () => {
  const short = await startSystemSide(50);
  try {
    const { token } = await short.run();
    const client = new Client(
      { name: 'impatient', version: '1' },
      { versionNegotiation: { mode: 'auto' }, capabilities: { elicitation: {} } },
    );
    client.setRequestHandler('elicitation/create', async () => ({ action: 'decline' }));
    const requestInit = { headers: headersOf(token) };
    await client.connect(new StreamableHTTPClientTransport(new URL(short.mcpUrl), { requestInit }));
    const pending = (await client.callTool(PLAN)) as Spoken;
    assert.match(pending.content[0]?.text ?? '', /Not executed yet/);
    await short.approve(await short.ask());
    const done = (await client.callTool(PLAN)) as Spoken;
    assert.notEqual(done.isError, true);
    assert.equal(short.target.hits.length, 1);
    await client.close();
  } finally {
    await short.close();
  }
});
