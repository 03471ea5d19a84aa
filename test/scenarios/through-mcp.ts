import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import type { Run } from '../../src/domain/run.ts';
import type { Seen, Way } from './play.ts';
import type { World } from './world.ts';

const NOTHING = { because: [], result: null };

/** The official client with a run token, as an agent would. */
export async function throughMcp(world: World, run: Run): Promise<Way> {
  const { token } = await world.system.callers.issue(run);
  const client = new Client({ name: 'scenario', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(`${world.system.agentsUrl}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  return {
    propose: (tool, args) =>
      client.callTool({ name: tool, arguments: args }).then(seenIn, (error: unknown) => {
        // a halted run's token is dead: the refusal comes before any tool is reached
        if (/HALTED/.test(String(error instanceof Error ? error.message : error)))
          return { outcome: 'refused', because: ['HALTED'], result: null };
        throw error;
      }),
    close: () => client.close(),
  };
}

function seenIn(answer: { readonly structuredContent?: unknown }): Seen {
  const { structuredContent } = answer;
  if (!isJsonObject(structuredContent)) return { outcome: 'done', ...NOTHING };
  const ours = structuredContent.signalbox;
  if (!isJsonObject(ours)) return { outcome: 'done', because: [], result: structuredContent };
  const because = Array.isArray(ours.reasons) ? ours.reasons.map(codeOf) : [];
  return {
    outcome: ours.status === 'pending' ? 'parked' : String(ours.status),
    because,
    result: null,
  };
}

function codeOf(reason: unknown): string {
  return isJsonObject(reason as JsonObject) ? String((reason as JsonObject).code) : '';
}
