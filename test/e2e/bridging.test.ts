import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { type Gateway, startGateway } from '../conformance/gateway.ts';

/** Unmodified official clients of both eras, through the whole gateway, before servers of both eras. */

const ACCEPTED = {
  action: 'accept' as const,
  content: { username: 'ada', email: 'ada@acme.example' },
};
const CAPABLE = { capabilities: { elicitation: {} } };

interface Spoken {
  // biome-ignore lint/suspicious/noExplicitAny: three clients, three sets of types
  readonly content: any;
  readonly isError?: boolean | undefined;
}

interface Talker {
  readonly asked: string[];
  call(name: string, given: Record<string, unknown>, told?: (at: number) => void): Promise<Spoken>;
  resources(): Promise<string[]>;
  read(uri: string): Promise<unknown>;
  prompts(): Promise<string[]>;
  /** `heard` resolves when the client was told that this resource is another one now. Null: a client that cannot. */
  watch(uri: string): Promise<{ readonly heard: Promise<void> } | null>;
  close(): Promise<void>;
}

async function official(url: string, mode: 'auto' | 'legacy'): Promise<Talker> {
  const asked: string[] = [];
  const client = new Client(
    { name: 'c', version: '1' },
    { ...CAPABLE, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    asked.push(params.message);
    return ACCEPTED;
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return {
    asked,
    call: async (name, given, told) =>
      (await client.callTool(
        { name, arguments: given },
        told === undefined ? {} : { onprogress: ({ progress }) => told(progress) },
      )) as Spoken,
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => (await client.readResource({ uri })).contents[0],
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    watch: async () => null,
    close: () => client.close(),
  };
}

async function firstVersion(url: string): Promise<Talker> {
  const asked: string[] = [];
  const client = new ClientV1({ name: 'v1', version: '1' }, CAPABLE);
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(params.message);
    return ACCEPTED;
  });
  // The transport's optional members are typed without `undefined`.
  await client.connect(new TransportV1(new URL(url)) as never);
  return {
    asked,
    call: async (name, given, told) =>
      (await client.callTool(
        { name, arguments: given },
        undefined,
        told === undefined ? {} : { onprogress: ({ progress }) => told(progress) },
      )) as Spoken,
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => (await client.readResource({ uri })).contents[0],
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    watch: async (uri) => {
      const heard = Promise.withResolvers<void>();
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        if (params.uri === uri) heard.resolve();
      });
      await client.subscribeResource({ uri });
      return { heard: heard.promise };
    },
    close: () => client.close(),
  };
}

const TALKERS: [string, (url: string) => Promise<Talker>][] = [
  ['client 2, 2026-07-28', (url) => official(url, 'auto')],
  ['client 2, 2025-11-25', (url) => official(url, 'legacy')],
  ['sdk 1', firstVersion],
];

for (const era of ['modern', 'legacy'] as const) {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway(era);
  });
  after(() => gateway.close());

  for (const [name, connect] of TALKERS)
    test(`${name} before a ${era} server: calls, progress, questions, resources, prompts`, async () => {
      const talker = await connect(gateway.url);
      const plain = await talker.call('test_simple_text', {});
      assert.equal(plain.content[0].type, 'text');
      const steps: number[] = [];
      await talker.call('test_tool_with_progress', {}, (at) => steps.push(at));
      assert.ok(steps.length > 1, `progress was told: ${steps}`);
      assert.deepEqual(
        steps,
        [...steps].sort((a, b) => a - b),
      );
      const filled = await talker.call('test_elicitation', { message: 'Who are you?' });
      assert.match(filled.content[0].text, /ada@acme\.example/);
      assert.deepEqual(talker.asked, ['Who are you?']);
      assert.equal((await talker.call('test_error_handling', {})).isError, true);
      assert.ok((await talker.resources()).includes('test://static-text'));
      assert.ok(await talker.read('test://static-text'));
      await assert.rejects(talker.read('test://nothing'));
      assert.ok((await talker.prompts()).includes('test_simple_prompt'));
      const watching = await talker.watch('test://watched-resource');
      if (watching !== null) {
        await talker.call('test_trigger_resource_change', { uri: 'test://watched-resource' });
        await watching.heard;
      }
      await talker.close();
    });
}
