/** `signalbox mcp-stdio` as clients launch it: a process of its own between real stdio transports and real servers. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { type AgentsSide, startSystemSide } from '../e2e/agents-side.ts';
import { type Era, type Everything, startEverything } from './everything/listen.ts';
import { type Fickle, startFickle } from './fickle.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'signalbox-stdio-'));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, 'sbx_anything', { mode: 0o600 });
after(() => rmSync(folder, { recursive: true, force: true }));

const launch = (url: string, env: Record<string, string> = {}) => ({
  command: process.execPath,
  args: [PROGRAM, 'mcp-stdio', '--token-file', tokenFile, '--agents-url', url],
  env: { SIGNALBOX_HOME: folder, ...env },
  stderr: 'pipe' as const,
});

interface Spoken {
  readonly isError?: boolean | undefined;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}
const textOf = (said: unknown): string => (said as Spoken).content[0]?.text ?? '';

/** A client that answers whatever it is asked. */
async function official(era: Era, url: string): Promise<Client> {
  const client = new Client(
    { name: `stdio-${era}`, version: '1' },
    {
      versionNegotiation: { mode: era === 'modern' ? 'auto' : 'legacy' },
      capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
    },
  );
  client.setRequestHandler('elicitation/create', async () => ({
    action: 'accept',
    content: { name: 'Ada', username: 'ada', email: 'ada@acme.example', ok: true },
  }));
  client.setRequestHandler('sampling/createMessage', async () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Paris' },
    model: 'm',
  }));
  client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: 'file:///a' }] }));
  await client.connect(new StdioClientTransport(launch(url)));
  return client;
}

for (const era of ['modern', 'legacy'] as const)
  describe(`before a ${era} server`, () => {
    let everything: Everything;
    let client: Client;
    before(async () => {
      everything = await startEverything(era);
      client = await official(era, new URL(everything.url).origin);
    });
    after(async () => {
      await client.close();
      await everything.close();
    });

    test('lists, calls, reads and prompts', async () => {
      const version = era === 'modern' ? '2026-07-28' : '2025-11-25';
      assert.equal(client.getNegotiatedProtocolVersion(), version);
      const { tools } = await client.listTools();
      assert.ok(tools.length > 20);
      const said = await client.callTool({ name: 'test_simple_text', arguments: {} });
      assert.match(textOf(said), /simple text/);
      const read = await client.readResource({ uri: 'test://static-text' });
      assert.equal(read.contents[0]?.uri, 'test://static-text');
      const prompt = await client.getPrompt({ name: 'test_simple_prompt' });
      assert.equal(prompt.messages.length, 1);
    });

    test('a server’s questions reach the client, and its answers the server', async () => {
      const greeted = await client.callTool({
        name: 'test_input_required_result_elicitation',
        arguments: {},
      });
      assert.equal(textOf(greeted), 'Hello, Ada!');
      const three = await client.callTool({
        name: 'test_input_required_result_multiple_inputs',
        arguments: {},
      });
      assert.equal(textOf(three), 'Heard 3 answers');
    });

    test('progress comes while the call is under way', async () => {
      const seen: number[] = [];
      await client.callTool(
        { name: 'test_tool_with_progress', arguments: {} },
        { onprogress: ({ progress }) => void seen.push(progress) },
      );
      // the last one shares its read with the result, and the SDK’s client forgets the handler by then
      assert.deepEqual(seen.slice(0, 2), [0, 50]);
    });

    test('what the server says by itself comes too', async () => {
      const changed = Promise.withResolvers<void>();
      client.setNotificationHandler('notifications/tools/list_changed', () => changed.resolve());
      if (era === 'modern') {
        const listening = await client.listen({ toolsListChanged: true });
        await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
        await changed.promise;
        await listening.close();
        return;
      }
      // the stream is opened beside the first calls: said again until it is heard
      const saying = setInterval(
        () => void client.callTool({ name: 'test_trigger_tool_change', arguments: {} }),
        50,
      );
      await changed.promise;
      clearInterval(saying);
    });

    test('a call that is cancelled ends, and the next one works', async () => {
      const cancel = new AbortController();
      const call = client.callTool(
        { name: 'test_tool_with_progress', arguments: {} },
        { signal: cancel.signal, onprogress: () => cancel.abort() },
      );
      await assert.rejects(call, /abort/i);
      const said = await client.callTool({ name: 'test_simple_text', arguments: {} });
      assert.match(textOf(said), /simple text/);
    });
  });

test('the first SDK’s transport works as it is', async () => {
  const everything = await startEverything('legacy');
  const client = new ClientV1({ name: 'v1', version: '1' });
  // The transport's optional members are typed without `undefined`.
  await client.connect(new TransportV1(launch(new URL(everything.url).origin)) as never);
  assert.ok((await client.listTools()).tools.length > 20);
  assert.match(textOf(await client.callTool({ name: 'test_simple_text' })), /simple text/);
  await client.close();
  await everything.close();
});

/** By hand, for what no client library would send. */
interface Heard {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: { readonly code: string } };
}

interface Hand {
  readonly child: ChildProcess;
  say(message: unknown): void;
  hear(): Promise<Heard>;
  stderr(): string;
}

function byHand(url: string, env: Record<string, string> = {}): Hand {
  const { command, args, env: set } = launch(url, env);
  const child = spawn(command, args, { env: { ...process.env, ...set } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    child,
    say: (message) =>
      void child.stdin.write(
        `${typeof message === 'string' ? message : JSON.stringify(message)}\n`,
      ),
    hear: async () => {
      const { value, done } = await lines.next();
      assert.notEqual(done, true, `it said nothing more: ${stderr}`);
      return JSON.parse(value ?? '');
    },
    stderr: () => stderr,
  };
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('over a real Signalbox', () => {
  let side: AgentsSide;
  before(async () => {
    side = await startSystemSide();
  });
  after(() => side.close());

  test('the token of `signalbox run` is enough, in both eras', async () => {
    for (const mode of ['auto', 'legacy'] as const) {
      const { token } = await side.run();
      const env = { SIGNALBOX_TOKEN: token, SIGNALBOX_MCP_URL: side.mcpUrl };
      const client = new Client({ name: mode, version: '1' }, { versionNegotiation: { mode } });
      const args = [PROGRAM, 'mcp-stdio'];
      await client.connect(new StdioClientTransport({ command: process.execPath, args, env }));
      const before = side.target.hits.length;
      const said = await client.callTool({ name: 'echo', arguments: { text: 'grüße' } });
      assert.notEqual((said as Spoken).isError, true);
      assert.equal(side.target.hits.length, before + 1);
      await client.close();
    }
  });

  test('a secret that is none: every request is answered, and stderr says so', async () => {
    const hand = byHand(side.url);
    hand.say({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } });
    const { id, error } = await hand.hear();
    assert.equal(id, 1);
    assert.equal(error?.data?.code, 'TOKEN_INVALID');
    hand.child.stdin?.end();
    assert.equal((await once(hand.child, 'exit'))[0], 0);
    assert.match(hand.stderr(), /signalbox: tools\/list/);
    assert.doesNotMatch(hand.stderr(), /sbx_/);
  });
});

test('nonsense is answered, long lines are dropped, and what follows still works', async () => {
  const everything = await startEverything('modern');
  const hand = byHand(new URL(everything.url).origin);
  hand.say('{nonsense');
  const { error: nonsense } = await hand.hear();
  assert.deepEqual([nonsense?.code, nonsense?.data?.code], [-32700, 'REQUEST_MALFORMED']);
  hand.say(`"${'x'.repeat(2_000_000)}"`);
  // whoever waits for its answer is told, wherever its library writes the id
  const params = { name: 'x', arguments: { text: `"id":7${'x'.repeat(2_000_000)}` } };
  hand.say({ jsonrpc: '2.0', id: 8, method: 'tools/call', params });
  hand.say({ method: 'tools/call', params, jsonrpc: '2.0', id: 'nine' });
  for (const key of [8, 'nine']) {
    const { id, error } = await hand.hear();
    assert.deepEqual([id, error?.data?.code], [key, 'REQUEST_TOO_LARGE']);
  }
  hand.say({ jsonrpc: '2.0', id: 'a', method: 'no/such', params: { _meta: META } });
  const { id, error } = await hand.hear();
  assert.deepEqual([id, error?.code], ['a', -32601]);
  assert.match(hand.stderr(), /a line of more than \d+ bytes was dropped/);
  hand.child.stdin?.end();
  assert.equal((await once(hand.child, 'exit'))[0], 0);
  await everything.close();
});

test('a call to a tool whose headers it does not know yet is mended by itself', async () => {
  const everything = await startEverything('modern');
  const hand = byHand(new URL(everything.url).origin);
  const call = { name: 'test_header_region', arguments: { region: 'nörd' }, _meta: META };
  hand.say({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
  const { result } = await hand.hear();
  assert.equal(textOf(result), 'region nörd');
  hand.child.stdin?.end();
  await once(hand.child, 'exit');
  await everything.close();
});

test('nobody there: an error for every request, and an end with stdin', async () => {
  const hand = byHand('http://127.0.0.1:9');
  hand.say({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
  const { error } = await hand.hear();
  assert.equal(error?.data?.code, 'UNREACHABLE');
  hand.child.stdin?.end();
  assert.equal((await once(hand.child, 'exit'))[0], 0);
});

describe('before a listener that comes and goes', () => {
  const clientInfo = { name: 'h', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const opening = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
  const call = (id: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'x' },
  });
  const sessionOf = ({ headers }: IncomingMessage): string => String(headers['mcp-session-id']);
  let site: Fickle;
  let hand: Hand;
  before(async () => {
    site = await startFickle();
  });
  beforeEach(() => {
    site.sessions = 0;
    site.heard.length = 0;
    hand = byHand(site.url);
  });
  afterEach(() => void hand.child.kill('SIGKILL'));
  after(() => site.close());

  test('a call whose answer is lost is not sent twice, and says that it may have acted', async () => {
    site.answer = (_, response) => void response.socket?.destroy();
    hand.say(call(1));
    const { id, error } = await hand.hear();
    assert.deepEqual([id, error?.data?.code], [1, 'OUTCOME_UNKNOWN']);
    assert.deepEqual(site.heard, ['tools/call']);
  });

  test('the stream beside the calls is opened again: when there is room, and in a new session', async () => {
    const streams: string[] = [];
    const opened = Promise.withResolvers<void>();
    site.stream = (request, response) => {
      streams.push(sessionOf(request));
      if (streams.length === 1) return void response.writeHead(429).end();
      if (streams.length === 2) return void response.writeHead(404).end();
      opened.resolve();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    };
    hand.say(opening);
    await hand.hear();
    hand.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await opened.promise;
    assert.deepEqual(streams, ['s1', 's1', 's2']);
  });

  test('what waits for its turn does not stand before a cancellation', async () => {
    const cancelled = Promise.withResolvers<void>();
    site.answer = (method, response) => {
      if (method !== 'notifications/cancelled') return;
      response.writeHead(202).end();
      cancelled.resolve();
    };
    for (let id = 1; id <= 100; id++) hand.say(call(id));
    const method = 'notifications/cancelled';
    hand.say({ jsonrpc: '2.0', method, params: { requestId: 1 } });
    await cancelled.promise;
    assert.ok(site.heard.length <= 65);
  });
});

test('no word about who it is for: it does not start', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'mcp-stdio'], {
    env: { PATH: process.env.PATH ?? '', SIGNALBOX_HOME: folder },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  assert.equal((await once(child, 'exit'))[0], 4);
  assert.match(stderr, /TOKEN_MISSING/);
});

test('a signal ends it', async () => {
  const everything = await startEverything('legacy');
  const hand = byHand(new URL(everything.url).origin);
  const clientInfo = { name: 'h', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  hand.say({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  assert.notEqual((await hand.hear()).result, undefined);
  hand.child.kill('SIGTERM');
  assert.equal((await once(hand.child, 'exit'))[0], 0);
  await everything.close();
});
