/** The everything server in revision 2025-11-25: SDK v1, sessions, questions as requests of its own. */
import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  isInitializeRequest,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Handle } from './listen.ts';
import { complete, PROMPTS, RESOURCES, read, TEMPLATES } from './offers.ts';
import { jsonOf } from './posted.ts';
import { TOOLS } from './tools.ts';
import type { Behaviour, Members, Turn } from './turn.ts';

const INVALID_PARAMS = -32602;
const NO_RESOURCE = -32002;
const ROUNDS = 8;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Every session with the uris it watches. */
type Sessions = Map<string, { readonly server: Server; readonly watched: Set<string> }>;

export function legacyEverything(): { readonly handle: Handle; close(): Promise<void> } {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const sessions: Sessions = new Map();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const watched = new Set<string>();
    const server = build(sessions, watched);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        transports.set(id, transport);
        sessions.set(id, { server, watched });
      },
      onsessionclosed: (id) => {
        transports.delete(id);
        sessions.delete(id);
      },
    });
    // the transport's optional members are typed without `undefined`
    await server.connect(transport as never);
    return transport;
  };
  const handle: Handle = async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const body = request.method === 'POST' ? await jsonOf(request) : undefined;
    const known = typeof id === 'string' ? transports.get(id) : undefined;
    if (known !== undefined) return known.handleRequest(request, response, body);
    if (isInitializeRequest(body)) return (await open()).handleRequest(request, response, body);
    const error = { code: -32000, message: 'no such session' };
    response.writeHead(id === undefined ? 400 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
  };
  const close = async (): Promise<void> => {
    for (const transport of [...transports.values()]) await transport.close();
  };
  return { handle, close };
}

function build(sessions: Sessions, watched: Set<string>): Server {
  const server = new Server(
    { name: 'everything-legacy', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
    },
  );
  const answer = answering(server, sessions);
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: TOOLS.map(({ definition }) => definition) as never,
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const found = TOOLS.find(({ definition }) => definition.name === params.name);
    return answer(found?.behave, params, extra);
  });
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map(({ definition }) => definition) as never,
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) => {
    const found = PROMPTS.find(({ definition }) => definition.name === params.name);
    return answer(found?.behave, params, extra);
  });
  offerResources(server, watched);
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => complete(params.argument));
  return server;
}

function offerResources(server: Server, watched: Set<string>): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: RESOURCES as never }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: TEMPLATES as never,
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const found = read(uri);
    if (found === null) throw new McpError(NO_RESOURCE, 'Resource not found', { uri });
    return found as never;
  });
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
}

interface Asked {
  readonly name: string;
  readonly arguments?: Members | undefined;
}

/** Carries the rounds of a behaviour itself: what it asks becomes requests to the client, all of them at once. */
function answering(server: Server, sessions: Sessions) {
  return async (behave: Behaviour | undefined, params: Asked, extra: Extra): Promise<never> => {
    if (behave === undefined) throw new McpError(INVALID_PARAMS, `unknown: ${params.name}`);
    let answers: Members = {};
    let state: string | null = null;
    for (let round = 0; round < ROUNDS; round++) {
      const said = await behave(turnOf({ server, sessions, params, extra, answers, state }));
      if ('result' in said) return said.result as never;
      const asked = Object.entries(said.ask).map(async ([key, { method, params }]) => {
        const request = { method, params } as unknown as ServerRequest;
        return [key, await extra.sendRequest(request, ResultSchema)] as const;
      });
      answers = { ...answers, ...Object.fromEntries(await Promise.all(asked)) };
      state = said.state ?? null;
    }
    throw new McpError(INVALID_PARAMS, 'the client answered nothing that was asked');
  };
}

interface Round {
  readonly server: Server;
  readonly sessions: Sessions;
  readonly params: Asked;
  readonly extra: Extra;
  readonly answers: Members;
  readonly state: string | null;
}

function turnOf({ server, sessions, params, extra, answers, state }: Round): Turn {
  const token = extra._meta?.progressToken;
  const all = (): readonly Server[] => [...sessions.values()].map((session) => session.server);
  return {
    arguments: params.arguments ?? {},
    answers,
    state,
    capabilities: (server.getClientCapabilities() ?? {}) as Members,
    async progress(progress, total) {
      if (token === undefined) return;
      const told = { progressToken: token, progress, total };
      await extra.sendNotification({ method: 'notifications/progress', params: told });
    },
    async log(level, data) {
      const told = { level, data };
      await extra.sendNotification({ method: 'notifications/message', params: told });
    },
    async changed(what: 'tools' | 'prompts' | 'resource', uri?: string) {
      if (what === 'tools') await Promise.all(all().map((each) => each.sendToolListChanged()));
      else if (what === 'prompts')
        await Promise.all(all().map((each) => each.sendPromptListChanged()));
      else
        for (const session of sessions.values())
          if (uri !== undefined && session.watched.has(uri))
            await session.server.sendResourceUpdated({ uri });
    },
  };
}
