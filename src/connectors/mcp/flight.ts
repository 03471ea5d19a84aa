import { type Call, ConnectorFailure, type Flight, type Sink } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ToolResult } from '../../domain/proposal.ts';
import { severity } from '../../protocols/mcp/log-level.ts';
import { paramHeaders } from '../../protocols/mcp/mirror.ts';
import { CallEar } from './ear.ts';
import { failureOf, failureOfLacking, failureOfReply, nothingSent } from './failures.ts';
import { plainAsk } from './opening.ts';
import type { Caller, Channel, Peer } from './peer.ts';
import type { Plan, Request } from './plan.ts';
import { BadResult } from './reading.ts';
import { resultOf } from './result.ts';
import type { Site } from './site.ts';
import { StdioSession } from './stdio-session.ts';
import { type Ask, type Reply, WireFault } from './wire.ts';

/** How much of an answer is read: more than is handed on, since cutting is done in what was understood. */
const READ_FACTOR = 8;
const LEAST_READ = 1024 * 1024;
const MOST_READ = 32 * 1024 * 1024;
const LEVEL_MS = 5_000;
const MAX_READS = 3;

/** What a call needs on its way. */
export interface Passage {
  readonly call: Call;
  readonly site: Site;
  readonly peer: Peer;
  readonly caller: Caller;
  readonly plan: Plan;
  /** The arguments as they are sent. */
  readonly whole: JsonObject;
  readonly request: Request;
  /** Null: this caller only waits for the answer. */
  readonly sink: Sink | null;
}

/** A call that is ready to be sent. Nothing of it leaves before `finish`, and it is sent once. */
export class McpFlight implements Flight {
  readonly measured = null;
  readonly trace = null;
  readonly #passage: Passage;
  readonly #channel: Channel;
  readonly #lacking: string[] = [];

  constructor(passage: Passage, channel: Channel) {
    this.#passage = passage;
    this.#channel = channel;
  }

  async finish(): Promise<ToolResult> {
    const { call, site, sink, caller, peer } = this.#passage;
    if (call.purpose === 'preview')
      throw new ConnectorFailure('CONNECTOR_REFUSED', 'a preview is never sent', 'none');
    const ear = sink === null ? null : new CallEar(sink, caller.capabilities, peer.redact);
    const channel = this.#channel;
    site.busy++;
    channel.busy++;
    try {
      const reply = await this.#sent(ear);
      if (ear !== null) await ear.told();
      site.breaker.answered();
      if (reply.error !== undefined) throw this.#refusal(reply.error);
      return this.#read(reply.result);
    } catch (error) {
      throw this.#failure(error, ear);
    } finally {
      site.busy--;
      channel.busy--;
      channel.usedAt = site.usedAt = site.parts.deadlines.now();
    }
  }

  async cancel(): Promise<void> {}

  async #sent(ear: CallEar | null): Promise<Reply> {
    const { request, call } = this.#passage;
    if (request.watch !== null) return await this.#watched(request.watch);
    const channel = this.#channel;
    if (ear !== null && ear.logLevel !== null && channel.session.era === 'legacy')
      await raiseLevel(channel, severity(ear.logLevel), ear.logLevel);
    const ask = this.#ask(ear);
    try {
      return await channel.session.request(ask);
    } catch (error) {
      if (!(error instanceof WireFault) || error.kind !== 'session' || call.signal.aborted)
        throw error;
      return await this.#inNewSession(ask);
    }
  }

  /** The server knew the session no more, so it cannot have acted: a new one is opened, once. */
  async #inNewSession(ask: Ask): Promise<Reply> {
    const { peer, caller, request } = this.#passage;
    peer.forget(this.#channel, false);
    const channel = await peer.channel(caller).catch((error: unknown) => {
      throw nothingSent(error);
    });
    await checkPinned(channel, request);
    channel.busy++;
    try {
      return await channel.session.request(ask);
    } finally {
      channel.busy--;
    }
  }

  #ask(ear: CallEar | null): Ask {
    const { call, plan, whole, request } = this.#passage;
    const { timeoutMs, maxResultBytes } = call.tool;
    const mirrored = plan.params.length > 0 && this.#channel.session.era === 'modern';
    return {
      method: request.method,
      members: request.members,
      name: request.name,
      paramHeaders: mirrored ? paramHeaders(plan.params, whole) : null,
      timeoutMs,
      maxBytes: Math.min(Math.max(maxResultBytes * READ_FACTOR, LEAST_READ), MOST_READ),
      signal: call.signal,
      ear,
      lacking: this.#lacking,
    };
  }

  async #watched({ uri, on }: { uri: string; on: boolean }): Promise<Reply> {
    const { watch } = this.#channel;
    const { runId } = this.#passage.call;
    return on ? await watch.subscribe(uri, runId) : await watch.unsubscribe(uri, runId);
  }

  #read(result: Parameters<typeof resultOf>[0]): ToolResult {
    const { call, plan, request, peer, caller } = this.#passage;
    return resultOf(result, {
      method: request.method,
      connection: call.connection,
      maxBytes: call.tool.maxResultBytes,
      redact: peer.redact,
      capabilities: caller.capabilities,
      parts: plan.parts,
      keepsHidden: plan.keepsHidden,
    });
  }

  #refusal(error: NonNullable<Reply['error']>): ConnectorFailure {
    const { call, peer } = this.#passage;
    if (error.code === HEADER_MISMATCH) this.#channel.tools.expire();
    if (error.code === UNSUPPORTED_VERSION) peer.forget(this.#channel, true);
    const failure = failureOfReply(error, call, peer.redact);
    return this.#lacking.length === 0 ? failure : failureOfLacking(failure, this.#lacking);
  }

  #failure(error: unknown, ear: CallEar | null): unknown {
    const { call, site } = this.#passage;
    if (error instanceof WireFault) {
      // the end of a child is one failure, however many calls were in the air (peer.ts)
      if (error.kind === 'connection' && !(this.#channel.session instanceof StdioSession))
        site.breaker.failed();
      return failureOf(error, call, ear?.refusal ?? null);
    }
    if (error instanceof BadResult)
      return new ConnectorFailure(
        'CONNECTOR_REFUSED',
        `\`${call.connection.name}\`: ${error.message}`,
        call.tool.effect === 'read' ? 'none' : 'unknown',
      );
    return error;
  }
}

const HEADER_MISMATCH = -32020;
const UNSUPPORTED_VERSION = -32022;

/** An older server says only what was asked for; the session keeps the level of its most curious caller. */
async function raiseLevel(channel: Channel, wanted: number, name: string): Promise<void> {
  if (wanted >= channel.level || channel.session.server.capabilities.logging === undefined) return;
  channel.level = wanted;
  await channel.session.request(plainAsk('logging/setLevel', `"level":"${name}"`, LEVEL_MS));
}

/** Throws ConnectorFailure when the live definition is not the pinned one; nothing was sent. */
export async function checkPinned(channel: Channel, { pinned }: Request): Promise<void> {
  if (pinned === null) return;
  const definitions = channel[pinned.what];
  // a server that says all the time that they changed is believed a few times
  for (let round = 0; round < MAX_READS && !definitions.fresh; round++) await definitions.read();
  compare(channel, pinned);
}

/** The same where nothing has to be read first. False: it has. */
export function isPinned(channel: Channel, { pinned }: Request): boolean {
  if (pinned === null) return true;
  if (!channel[pinned.what].fresh) return false;
  compare(channel, pinned);
  return true;
}

function compare(
  channel: Channel,
  { what, name, digest, shape }: NonNullable<Request['pinned']>,
): void {
  switch (channel[what].compare(name, digest, shape)) {
    case 'same':
      return;
    case 'gone':
      throw new ConnectorFailure('TOOL_GONE', `the server no longer offers \`${name}\``, 'none');
    case 'changed':
      throw new ConnectorFailure(
        'TOOL_CHANGED',
        `the server now defines \`${name}\` otherwise than it was accepted`,
        'none',
      );
  }
}
