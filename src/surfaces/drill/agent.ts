import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { DrillAnswer, DrillGround, DrillLine } from '../../broker/drill-ground.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

const PATIENCE_MS = 20_000;
const MAX_BYTES = 1_048_576;
const VERSION = '2025-11-25';
const MODERN = '2026-07-28';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export interface DrillAgentParts {
  /** Where agents call this very process. */
  readonly url: () => string;
  /** The certificate of that listener, when it has one: it is taken for itself and no other. */
  readonly cert: string | undefined;
}

/** An agent's side of the wire, as the drill's own agent speaks it: real requests to our own listener. */
export function drillAgent(
  parts: DrillAgentParts,
): Pick<DrillGround, 'call' | 'dial' | 'list' | 'renew' | 'exchange' | 'listen'> {
  const post = (path: string, token: string | null, ask: Ask): Wire =>
    open(parts, path, token, ask);
  const call = (token: string, tool: string): Wire =>
    post('/mcp', token, json(message('tools/call', { name: tool, arguments: {} }), VERSION));
  return {
    call: (token, tool) => call(token, tool).answer.then(ofCall),
    dial: (token, tool) => lineOf(call(token, tool)),
    list: (token) =>
      post('/mcp', token, json(message('tools/list', {}), VERSION)).answer.then(ofCall),
    renew: (token, runId) =>
      post(`/v1/runs/${runId}/renew`, token, json({})).answer.then(ofRequest),
    async exchange(token) {
      const form = new URLSearchParams({
        grant_type: EXCHANGE,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        authorization_details: JSON.stringify([{ type: 'signalbox_run', intent: 'a part of it' }]),
      });
      const reply = await post('/oauth/token', null, {
        type: 'application/x-www-form-urlencoded',
        body: form.toString(),
      }).answer;
      const issued = reply?.body.access_token;
      return { ...ofRequest(reply), token: typeof issued === 'string' ? issued : null };
    },
    async listen(token) {
      const params = {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      };
      const method = 'subscriptions/listen';
      const wire = post('/mcp', token, json(message(method, params), MODERN, method));
      await wire.begun;
      return lineOf(wire);
    },
  };
}

interface Ask {
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

interface Wire {
  /** The first byte of an answer is here, or none will come. */
  readonly begun: Promise<void>;
  /** Null when the connection broke before the whole answer was here. */
  readonly answer: Promise<Reply | null>;
  hangUp(): void;
}

function message(method: string, params: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id: 1, method, params };
}

function json(body: JsonObject, version?: string, method?: string): Ask {
  return {
    type: 'application/json',
    body: JSON.stringify(body),
    headers: {
      ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
      ...(method === undefined ? {} : { 'mcp-method': method }),
    },
  };
}

function open({ url, cert }: DrillAgentParts, path: string, token: string | null, ask: Ask): Wire {
  const begun = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Reply | null>();
  const target = new URL(path, url());
  const options = {
    method: 'POST',
    headers: {
      ...ask.headers,
      'content-type': ask.type,
      'content-length': String(Buffer.byteLength(ask.body)),
      accept: 'application/json, text/event-stream',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    timeout: PATIENCE_MS,
  };
  const own = { ...options, ca: cert, checkServerIdentity: () => undefined };
  const sent =
    target.protocol === 'https:' ? tlsRequest(target, own) : plainRequest(target, options);
  const over = (reply: Reply | null): void => {
    begun.resolve();
    answer.resolve(reply);
  };
  sent.on('response', (response) => {
    const pieces: Buffer[] = [];
    let size = 0;
    response.on('data', (piece: Buffer) => {
      begun.resolve();
      size += piece.length;
      if (size > MAX_BYTES) sent.destroy();
      else pieces.push(piece);
    });
    response.on('end', () => over(replyOf(response.statusCode ?? 0, Buffer.concat(pieces))));
    response.on('error', () => over(null));
    response.on('aborted', () => over(null));
  });
  sent.on('timeout', () => sent.destroy());
  sent.on('error', () => over(null));
  sent.on('close', () => over(null));
  sent.end(ask.body);
  return { begun: begun.promise, answer: answer.promise, hangUp: () => void sent.destroy() };
}

function replyOf(status: number, bytes: Buffer): Reply {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    return { status, body: isJsonObject(body) ? body : {} };
  } catch {
    return { status, body: {} };
  }
}

function lineOf(wire: Wire): DrillLine {
  let ended: DrillAnswer | null = null;
  void wire.answer.then((reply) => {
    ended = reply === null ? LOST : ofCall(reply);
  });
  return { ended: () => ended, hangUp: wire.hangUp };
}

const LOST: DrillAnswer = { code: 'LOST', result: null };

function ofRequest(reply: Reply | null): DrillAnswer {
  if (reply === null) return LOST;
  if (reply.status < 300) return { code: 'done', result: reply.body };
  // a refusal in the terms of OAuth has ours beside
  const code = codeIn(reply.body, 'error', 'code') ?? codeIn(reply.body, 'code');
  return { code: code ?? `HTTP_${reply.status}`, result: null };
}

/** A result of MCP, or an error of it; ours stand apart from what a tool returned. */
function ofCall(reply: Reply | null): DrillAnswer {
  if (reply === null) return LOST;
  const { result, error } = reply.body;
  if (!isJsonObject(result))
    return { code: codeIn(error ?? null, 'data', 'code') ?? `HTTP_${reply.status}`, result: null };
  const ours = isJsonObject(result.structuredContent) ? result.structuredContent.signalbox : null;
  if (isJsonObject(ours)) {
    const { status, code } = ours;
    return { code: typeof code === 'string' ? code : String(status), result: null };
  }
  if (result.isError === true) return { code: 'TOOL_ERROR', result: null };
  return { code: 'done', result: contentOf(result) };
}

/** What the tool returned, as data: its structured part, or its text where that is JSON. */
function contentOf(result: JsonObject): JsonObject {
  if (isJsonObject(result.structuredContent)) return result.structuredContent;
  const [first] = Array.isArray(result.content) ? result.content : [];
  try {
    const data: unknown = JSON.parse(isJsonObject(first) ? String(first.text) : '');
    return isJsonObject(data) ? data : { data: data as Json };
  } catch {
    return {};
  }
}

function codeIn(value: Json, ...names: readonly string[]): string | null {
  let found: Json | undefined = value;
  for (const name of names) found = isJsonObject(found) ? found[name] : undefined;
  return typeof found === 'string' ? found : null;
}
