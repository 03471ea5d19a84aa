import type { Timers } from '../../domain/doors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { HttpSession } from './http-session.ts';
import { OpenStream } from './open-stream.ts';
import { plainAsk } from './opening.ts';
import type { Reply, Session, Unasked } from './wire.ts';

const SUBSCRIBE_MS = 10_000;
const ACKNOWLEDGED_MS = 3_000;
const BEGUN_MS = 1_000;
const MAX_SUBSCRIPTIONS = 1_000;
const DONE: Reply = { result: {} };
const TOO_MANY: Reply = {
  error: { code: -32603, message: `more than ${MAX_SUBSCRIPTIONS} resources are watched` },
};
const NOT_OFFERED: Reply = {
  error: { code: -32601, message: 'the server tells no changes of resources' },
};

/**
 * What a server tells by itself, in one session: that its lists or resources changed. A modern server is asked for it by
 * one `subscriptions/listen`, which is put again when the resources watched change; an older one has a stream of its
 * own over HTTP, and `resources/subscribe`.
 */
export class Watch {
  readonly #session: Session;
  readonly #timers: Timers;
  readonly #unasked: Unasked;
  /** The runs that watch each. */
  readonly #uris = new Map<string, Set<string>>();
  #stream: OpenStream | null = null;
  #listening: AbortController | null = null;
  #acknowledged: (() => void) | null = null;
  #asking = false;

  constructor(session: Session, timers: Timers, unasked: Unasked) {
    this.#session = session;
    this.#timers = timers;
    this.#unasked = unasked;
  }

  get size(): number {
    return this.#uris.size;
  }

  /** Rejects with WireFault. */
  async subscribe(uri: string, runId: string): Promise<Reply> {
    const runs = this.#uris.get(uri);
    if (runs !== undefined) {
      runs.add(runId);
      return DONE;
    }
    if (this.#uris.size >= MAX_SUBSCRIPTIONS) return TOO_MANY;
    if (this.#session.era === 'modern' && !this.#mayWatch()) return NOT_OFFERED;
    this.#uris.set(uri, new Set([runId]));
    if (this.#session.era === 'modern') {
      await this.#reopened();
      return DONE;
    }
    try {
      const reply = await this.#request('resources/subscribe', uri);
      if (reply.error !== undefined) this.#uris.delete(uri);
      return reply;
    } catch (error) {
      this.#uris.delete(uri);
      throw error;
    }
  }

  /** The last run that watches it ends it. Rejects with WireFault. */
  async unsubscribe(uri: string, runId: string): Promise<Reply> {
    const runs = this.#uris.get(uri);
    if (runs === undefined) return DONE;
    runs.delete(runId);
    if (runs.size > 0) return DONE;
    this.#uris.delete(uri);
    if (this.#session.era === 'modern') {
      await this.#reopened();
      return DONE;
    }
    return await this.#request('resources/unsubscribe', uri);
  }

  /** The run is over. */
  release(runId: string): void {
    for (const [uri, runs] of this.#uris)
      if (runs.has(runId)) this.unsubscribe(uri, runId).catch(() => undefined);
  }

  close(): void {
    this.#stream?.stop();
    this.#listening?.abort();
    this.#uris.clear();
  }

  #mayWatch(): boolean {
    const { resources } = this.#session.server.capabilities;
    return isJsonObject(resources) && resources.subscribe === true;
  }

  #request(method: string, uri: string): Promise<Reply> {
    return this.#session.request(plainAsk(method, `"uri":${JSON.stringify(uri)}`, SUBSCRIBE_MS));
  }

  async #reopened(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#acknowledged = resolve;
    this.#stream?.stop();
    this.#listening?.abort();
    this.open();
    const timer = this.#timers.after(ACKNOWLEDGED_MS, resolve);
    await promise;
    timer.cancel();
  }

  /**
   * Begins to listen. `asking`: an older server may ask the caller on this stream, so it has to be there before a call
   * is. Resolves when it is there, or has taken too long.
   */
  async listen(asking: boolean): Promise<void> {
    this.#asking = asking;
    this.open();
    if (!asking || this.#stream === null) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#timers.after(BEGUN_MS, late.resolve);
    await Promise.race([this.#stream.begun, late.promise]);
    timer.cancel();
  }

  open(): void {
    const session = this.#session;
    const members = session.era === 'modern' ? this.#filter() : null;
    if (session.era === 'modern' && members === null) this.#acknowledged?.();
    else if (session instanceof HttpSession) this.#stream = this.#streamOf(session, members);
    else if (members !== null) this.#listenTo(members);
  }

  #streamOf(session: HttpSession, members: string | null): OpenStream | null {
    if (members === null && !this.#asking && !tellsByItself(session.server.capabilities))
      return null;
    const { target } = session.parts;
    return new OpenStream({
      timers: this.#timers,
      open: (owner, lastId) =>
        members === null
          ? target.open('GET', session.resumeHeaders(lastId), null, owner)
          : target.open(
              'POST',
              session.streamHeaders(LISTEN),
              session.text(LISTEN, members),
              owner,
            ),
      heard: (method, params) =>
        members === null ? session.heard(method, params) : this.#heard(method, params),
      asked: (id, method, params) => void session.askedOnStream(id, method, params),
    });
  }

  #listenTo(members: string): void {
    const listening = new AbortController();
    this.#listening = listening;
    const ask = { ...plainAsk(LISTEN, members, 0), timeoutMs: null, signal: listening.signal };
    this.#session.request(ask).catch(() => undefined);
  }

  /** Over stdio these come by the session, with everything else. */
  heard(method: string, params: JsonObject): void {
    this.#heard(method, params);
  }

  #heard(method: string, params: JsonObject): void {
    if (method === 'notifications/subscriptions/acknowledged') this.#acknowledged?.();
    else this.#unasked(method, params);
  }

  /** Members of the params of `subscriptions/listen`; null when there is nothing to listen to. */
  #filter(): string | null {
    const { tools, prompts, resources } = this.#session.server.capabilities;
    const wanted = {
      ...(changes(tools) ? { toolsListChanged: true } : {}),
      ...(changes(prompts) ? { promptsListChanged: true } : {}),
      ...(changes(resources) ? { resourcesListChanged: true } : {}),
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris.keys()] } : {}),
    };
    return Object.keys(wanted).length === 0 ? null : `"notifications":${JSON.stringify(wanted)}`;
  }
}

const LISTEN = 'subscriptions/listen';

function changes(capability: Json | undefined): boolean {
  return isJsonObject(capability) && capability.listChanged === true;
}

function tellsByItself({ tools, prompts, resources }: JsonObject): boolean {
  const subscribes = isJsonObject(resources) && resources.subscribe === true;
  return subscribes || changes(tools) || changes(prompts) || changes(resources);
}
