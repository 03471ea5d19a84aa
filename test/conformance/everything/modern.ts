/** The everything server in revision 2026-07-28: SDK v2, one exchange a request, questions as results. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  createRequestStateCodec,
  type McpHttpHandler,
  ProtocolError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { JsonObject } from '../../../src/domain/json.ts';
import { mirroredParams, paramMismatch } from '../../../src/protocols/mcp/mirror.ts';
import type { Handle } from './listen.ts';
import { complete, PROMPTS, RESOURCES, read, TEMPLATES } from './offers.ts';
import { jsonOf } from './posted.ts';
import { TOOLS } from './tools.ts';
import type { Behaviour, Members, Said, Turn } from './turn.ts';

const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const codec = createRequestStateCodec<string>({ key: randomBytes(32) });

export function modernEverything(): { readonly handle: Handle; close(): Promise<void> } {
  const handler: McpHttpHandler = createMcpHandler(() => build(handler), {
    legacy: 'reject',
    keepAliveMs: 5_000,
  });
  const node = toNodeHandler(handler);
  return {
    async handle(request, response) {
      const body = request.method === 'POST' ? await jsonOf(request) : undefined;
      const wrong = headerFault(body, request.headers);
      if (wrong === null) return node(request as Parameters<typeof node>[0], response, body);
      const error = { code: HEADER_MISMATCH, message: wrong };
      const { id = null } = body as { id?: unknown };
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    },
    close: () => handler.close(),
  };
}

/** The SDK leaves the headers of parameters to whoever knows the schemas. */
function headerFault(body: unknown, headers: IncomingHttpHeaders): string | null {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: JsonObject };
  if (method !== 'tools/call' || params === undefined) return null;
  const found = TOOLS.find(({ definition }) => definition.name === params.name);
  if (found === undefined) return null;
  const mirrored = mirroredParams(found.definition.inputSchema as JsonObject).params;
  const given = (params.arguments ?? {}) as JsonObject;
  return paramMismatch(mirrored, given, (name) => headers[name]?.toString());
}

function build(handler: McpHttpHandler): Server {
  const server = new Server(
    { name: 'everything-modern', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
      requestState: { verify: (state, context) => codec.verify(state, context) },
    },
  );
  const answer = answering(handler);
  server.setRequestHandler('tools/list', () => ({
    tools: TOOLS.map(({ definition }) => definition) as never,
  }));
  server.setRequestHandler('tools/call', ({ params }, context) => {
    const found = TOOLS.find(({ definition }) => definition.name === params.name);
    return answer(found?.behave, params, context);
  });
  server.setRequestHandler('prompts/list', () => ({
    prompts: PROMPTS.map(({ definition }) => definition) as never,
  }));
  server.setRequestHandler('prompts/get', ({ params }, context) => {
    const found = PROMPTS.find(({ definition }) => definition.name === params.name);
    return answer(found?.behave, params, context);
  });
  server.setRequestHandler('resources/list', () => ({ resources: RESOURCES as never }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: TEMPLATES as never,
  }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    const found = read(uri);
    if (found === null) throw new ProtocolError(INVALID_PARAMS, 'Resource not found', { uri });
    return found as never;
  });
  server.setRequestHandler(
    'completion/complete',
    ({ params }) => complete(params.argument) as never,
  );
  return server;
}

interface Asked {
  readonly name: string;
  readonly arguments?: Members | undefined;
}

function answering(handler: McpHttpHandler) {
  return async (behave: Behaviour | undefined, params: Asked, context: ServerContext) => {
    if (behave === undefined) throw new ProtocolError(INVALID_PARAMS, `unknown: ${params.name}`);
    return wire(await behave(turnOf(handler, params, context)));
  };
}

async function wire(said: Said): Promise<never> {
  if ('result' in said) return said.result as never;
  const { ask, state } = said;
  const requestState = state === undefined ? {} : { requestState: await codec.mint(state) };
  return { resultType: 'input_required', inputRequests: ask, ...requestState } as never;
}

function turnOf({ notify }: McpHttpHandler, params: Asked, { mcpReq }: ServerContext): Turn {
  const token = mcpReq._meta?.progressToken;
  return {
    arguments: params.arguments ?? {},
    answers: mcpReq.inputResponses ?? {},
    state: mcpReq.requestState<string>() ?? null,
    capabilities: ((mcpReq.envelope as Members | undefined)?.[CAPABILITIES] ?? {}) as Members,
    async progress(progress, total) {
      if (token === undefined) return;
      const told = { progressToken: token, progress, total };
      await mcpReq.notify({ method: 'notifications/progress', params: told });
    },
    log: (level, words) => mcpReq.log(level, words),
    async changed(what: 'tools' | 'prompts' | 'resource', uri?: string) {
      if (what === 'tools') notify.toolsChanged();
      else if (what === 'prompts') notify.promptsChanged();
      else notify.resourceUpdated(uri ?? '');
    },
  };
}
