import assert from 'node:assert/strict';
import type { Connection, Tool } from '../../../domain/bundle.ts';
import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Inspector,
  NO_SINK,
  type Notice,
  type Question,
  type Sink,
} from '../../../domain/connector.ts';
import type { Json, JsonObject } from '../../../domain/json.ts';
import type { ToolResult } from '../../../domain/proposal.ts';
import { realDoors } from '../../../doors.ts';
import { capFor } from '../../../tools/caps.ts';
import { pinned } from '../../../tools/pin.ts';
import { createMcpInspector } from '../inspector.ts';

export function httpConnection(url: string, settings: JsonObject = {}): Connection {
  return {
    name: 'up_stream',
    kind: 'mcp',
    environment: 'production',
    settings: {
      transport: 'http',
      url,
      allowPrivate: true,
      inside: false,
      protocol: 'auto',
      toolPrefix: 'up_',
      ...settings,
    },
  };
}

export function childConnection(command: readonly string[], settings: JsonObject = {}): Connection {
  return {
    name: 'up_stream',
    kind: 'mcp',
    environment: 'production',
    settings: {
      transport: 'stdio',
      command: [...command],
      env: {},
      secrets: {},
      protocol: 'auto',
      toolPrefix: 'up_',
      ...settings,
    },
  };
}

export function inspectorWithout(): Inspector {
  return createMcpInspector(realDoors(), { reveal: async () => null });
}

type More = Partial<Omit<Tool, 'digest'>>;

/** A tool as a plan would make it: looked up and pinned. */
export async function toolOf(
  connection: Connection,
  name: string,
  more: More = {},
  inspector: Inspector = inspectorWithout(),
): Promise<Tool> {
  const { tools = [] } = (await inspector.catalogue?.(connection)) ?? {};
  const definition = tools.find((each) => each.name === name);
  assert.ok(definition, `no tool ${name}`);
  const draft = draftOf({
    name: `up_${name}`,
    description: String(definition.description ?? ''),
    inputSchema: definition.inputSchema as JsonObject,
    binding: { mcp: 'tools/call', name },
    ...more,
  });
  return pinned({ ...draft, ...(await inspector.derive(draft, connection)) });
}

/** One of the two tools that stand for resources and prompts. */
export async function offering(
  connection: Connection,
  what: 'resources' | 'prompts',
): Promise<Tool> {
  const draft = draftOf({ name: `up_stream/${what}`, offers: what, binding: { mcp: what } });
  return pinned({ ...draft, ...(await inspectorWithout().derive(draft, connection)) });
}

export function draftOf(more: More): Tool {
  const effect = more.effect ?? 'read';
  return pinned({
    name: 'up_fixture',
    description: '',
    connection: 'up_stream',
    inputSchema: { type: 'object' },
    effect,
    reversibility: 'none',
    idempotent: false,
    recoveryPath: false,
    cap: capFor(effect, 'none', {}),
    maxResultBytes: 64 * 1024,
    timeoutMs: 5_000,
    binding: {},
    derivation: [],
    ...more,
  });
}

export function callOf(
  tool: Tool,
  connection: Connection,
  input: JsonObject = {},
  more: Partial<Call> = {},
): Call {
  return {
    actionId: 'act_fixture',
    runId: 'run_fixture',
    tool,
    connection,
    arguments: input,
    continuation: null,
    credential: null,
    purpose: 'execute',
    signal: new AbortController().signal,
    ...more,
  };
}

export async function run(
  connector: Connector,
  call: Call,
  sink: Sink = NO_SINK,
): Promise<ToolResult> {
  return await (await connector.begin(call, sink)).finish();
}

/** The members of a result, read. */
export async function members(
  connector: Connector,
  call: Call,
  sink: Sink = NO_SINK,
): Promise<Record<string, Json>> {
  const { wire = '' } = await run(connector, call, sink);
  return JSON.parse(`{${wire}}`) as Record<string, Json>;
}

/** The text of its first block. */
export async function text(
  connector: Connector,
  call: Call,
  sink: Sink = NO_SINK,
): Promise<string> {
  const { content } = await members(connector, call, sink);
  return String(((content as Json[])[0] as JsonObject).text);
}

export async function failure(work: Promise<unknown>): Promise<ConnectorFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ConnectorFailure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a failure' });
}

/** A caller that keeps what it is told and answers what it is asked. */
export class Ears implements Sink {
  readonly capabilities: JsonObject;
  readonly logLevel: string | null;
  readonly progress: boolean;
  readonly told: Notice[] = [];
  readonly asked: Question[] = [];
  answer: (question: Question) => Promise<JsonObject> = async () => ({ action: 'accept' });

  constructor(more: Partial<Pick<Sink, 'capabilities' | 'logLevel' | 'progress'>> = {}) {
    this.capabilities = more.capabilities ?? {};
    this.logLevel = more.logLevel ?? null;
    this.progress = more.progress ?? false;
  }

  async tell(notice: Notice): Promise<void> {
    this.told.push(notice);
  }

  async ask(question: Question): Promise<JsonObject> {
    this.asked.push(question);
    return await this.answer(question);
  }
}

export async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !holds(); round++)
    await new Promise((next) => setTimeout(next, 10));
  assert.ok(holds(), 'it never came to be');
}
