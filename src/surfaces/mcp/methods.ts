import type { Change } from '../../domain/connector.ts';
import { isJsonObject } from '../../domain/json.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import { isLogLevel } from '../../protocols/mcp/log-level.ts';
import { CACHING, type Results } from '../../protocols/mcp/results.ts';
import { askableCapabilities, createSessionIds } from '../../protocols/mcp/session-id.ts';
import { negotiated } from '../../protocols/mcp/versions.ts';
import type { Callers } from '../runs/governed.ts';
import { Audience } from './audience.ts';
import { type CallOptions, Calls } from './calls.ts';
import { GrantedViews } from './granted-views.ts';
import { Listening } from './listening.ts';
import { complete, getPrompt } from './prompts.ts';
import { Resources, uriIn } from './resources.ts';
import { holderOf, Sessions } from './sessions.ts';
import { Streams } from './streams.ts';
import { invalid } from './tool-call.ts';
import type { Turn } from './turn.ts';

/** What each era asks for, and who answers it. */
export class Methods {
  readonly calls: Calls;
  readonly sessions: Sessions;
  readonly streams: Streams;
  readonly listening: Listening;
  readonly #results: Results;
  readonly #views: GrantedViews;
  readonly #resources: Resources;
  readonly #audience: Audience;

  constructor(
    options: CallOptions,
    callers: Callers,
    results: Results,
    fail: (turn: Turn, fault: unknown) => void,
  ) {
    const { broker } = options.governed;
    const { store } = broker;
    const { clock, entropy } = broker.doors;
    this.#results = results;
    const views = new GrantedViews(broker);
    this.#views = views;
    this.calls = new Calls(options, results, views, fail);
    this.#resources = new Resources(options, this.calls, views);
    this.streams = new Streams(broker.doors);
    this.#audience = new Audience(broker, views);
    const ids = createSessionIds(options.stateKey, entropy);
    this.sessions = new Sessions(ids, { clock, store }, (id) => this.listening.ended(id));
    this.listening = new Listening({
      results,
      views,
      resources: this.#resources,
      streams: this.streams,
      audience: this.#audience,
      callers,
      sessions: this.sessions,
    });
  }

  changed(change: Change): void {
    void this.#audience.changed(change).catch(() => undefined);
  }

  hush(): void {
    this.listening.close();
    this.#audience.close();
  }

  async close(): Promise<void> {
    this.hush();
    this.streams.close();
    await this.calls.close();
  }

  /** Throws ProtocolFault, CallFault or SignalboxError. */
  async answer(turn: Turn): Promise<void> {
    const { method } = turn.request;
    switch (method) {
      case 'tools/call':
        return this.calls.tool(turn);
      case 'tools/list':
        return this.#list(turn, 'tools');
      case 'prompts/list':
        return this.#list(turn, 'prompts');
      case 'prompts/get':
        return getPrompt(turn, this.#views, this.calls);
      case 'resources/list':
        return this.#send(turn, await this.#resources.list(turn, 'resources'));
      case 'resources/templates/list':
        return this.#send(turn, await this.#resources.list(turn, 'templates'));
      case 'resources/read':
        return this.#resources.read(turn);
      case 'completion/complete':
        return complete(turn, this.#views, this.calls, this.#resources);
    }
    return turn.envelope.era === 'modern' ? this.#modern(turn) : this.#legacy(turn);
  }

  async #modern(turn: Turn): Promise<void> {
    const { id, request, reply } = turn;
    if (request.method === 'subscriptions/listen') return this.listening.listen(turn);
    if (request.method !== 'server/discover') throw unknownMethod(request.method);
    const { offered } = await this.#views.of(turn.caller);
    reply.send(200, this.#results.discover(id, offered));
  }

  async #legacy(turn: Turn): Promise<void> {
    const { request, session } = turn;
    const { method, params } = request;
    switch (method) {
      case 'initialize':
        return this.#initialize(turn);
      case 'ping':
        return this.#send(turn, '');
      case 'logging/setLevel':
        if (!isLogLevel(params.level)) throw invalid('expected `level` to be one of the levels');
        if (session !== null) session.logLevel = params.level;
        return this.#send(turn, '');
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        await this.listening.subscribe(turn, uriIn(params), method === 'resources/subscribe');
        return this.#send(turn, '');
    }
    throw unknownMethod(method);
  }

  async #initialize(turn: Turn): Promise<void> {
    const { id, request, reply, caller } = turn;
    const { protocolVersion, capabilities, clientInfo } = request.params;
    const { offered } = await this.#views.of(caller);
    const version = negotiated(protocolVersion);
    const name = isJsonObject(clientInfo) ? clientInfo.name : null;
    const session = this.sessions.issue({
      holder: holderOf(caller),
      version,
      capabilities: askableCapabilities(capabilities),
      client: typeof name === 'string' ? name.slice(0, 100) : null,
    });
    const text = this.#results.initialize(id, version, offered);
    // a session came with Streamable HTTP
    const headers = version >= '2025-03-26' ? { 'mcp-session-id': session } : undefined;
    reply.send(200, text, headers);
  }

  async #list(turn: Turn, member: 'tools' | 'prompts'): Promise<void> {
    const { cursor } = turn.request.params;
    if (cursor !== undefined && typeof cursor !== 'string')
      throw invalid('expected `cursor` to be a text');
    const view = await this.#views.of(turn.caller);
    if (member === 'prompts' && !view.offered.prompts) throw unknownMethod('prompts/list');
    const page = this.#views.page(view, member, cursor ?? null);
    this.#send(turn, turn.envelope.era === 'modern' ? `${page},${CACHING}` : page);
  }

  #send({ id, envelope, reply }: Turn, members: string): void {
    reply.send(200, this.#results.complete(id, envelope, members));
  }
}

function unknownMethod(method: string): ProtocolFault {
  return new ProtocolFault('methodNotFound', `method \`${method}\` is not offered here`);
}
