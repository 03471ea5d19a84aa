import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import type { Run } from '../../src/domain/run.ts';
import type { Seen, Way } from './play.ts';
import type { World } from './world.ts';

const NOTHING = { because: [], result: null };

/** The official client with a run token, as an agent would. */
export async function throughMcp(world: World, run: Run): Promise<Way> {
  let issued = await world.system.callers.issue(run);
  const current = async (): Promise<string> => {
    if (world.clock.now >= issued.expiresAt) issued = await world.system.callers.issue(run);
    return issued.token;
  };
  const client = new Client({ name: 'scenario', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(`${world.system.agentsUrl}/mcp`), {
    // a token of five minutes is old after a step that moves the clock, and dead after a halt: as `signalbox run` renews it
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${await current()}`);
      return fetch(url, { ...init, headers });
    },
  });
  await client.connect(transport);
  return {
    propose: (tool, args) =>
      client.callTool({ name: tool, arguments: args }).then(seenIn, (error: unknown) => {
        // a halted run's token is dead: the refusal comes before any tool is reached
        if (/HALTED/.test(String(error instanceof Error ? error.message : error)))
          return { outcome: 'refused', because: ['HALTED'], result: null, text: '' };
        throw error;
      }),
    describe: async (tool) => {
      const { tools } = await client.listTools();
      return tools.find(({ name }) => name === tool)?.description ?? '';
    },
    close: () => client.close(),
  };
}

function seenIn(answer: {
  readonly structuredContent?: unknown;
  readonly content?: unknown;
}): Seen {
  const { structuredContent } = answer;
  const text = JSON.stringify(answer.content ?? '');
  if (!isJsonObject(structuredContent)) return { outcome: 'done', ...NOTHING, text };
  const ours = structuredContent.signalbox;
  if (!isJsonObject(ours)) return { outcome: 'done', because: [], result: structuredContent, text };
  const because = Array.isArray(ours.reasons) ? ours.reasons.map(codeOf) : [];
  return {
    outcome: ours.status === 'pending' ? 'parked' : String(ours.status),
    because,
    result: null,
    text,
  };
}

function codeOf(reason: unknown): string {
  return isJsonObject(reason as JsonObject) ? String((reason as JsonObject).code) : '';
}
