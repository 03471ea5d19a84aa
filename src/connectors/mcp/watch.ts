import type { Timers } from '../../domain/doors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { HttpSession } from './http-session.ts';
import { OpenStream } from './open-stream.ts';
import { plainAsk } from './opening.ts';
import type { Session, Unasked } from './wire.ts';

const SUBSCRIBE_MS = 10_000;
const ACKNOWLEDGED_MS = 3_000;
export const MAX_SUBSCRIPTIONS = 1_000;

/**
 * What a server tells by itself, in one session: that its lists or resources changed. A modern server is asked for it by
 * one `subscriptions/listen`, which is put again when the resources watched change; an older one has a stream of its
 * own over HTTP, and `resources/subscribe`.
 */
export class Watch {
  readonly #session: Session;
  readonly #timers: Timers;
  readonly #unasked: Unasked;
  readonly #uris = new Set<string>();
  #stream: OpenStream | null = null;
  #listening: AbortController | null = null;
  #acknowledged: (() => void) | null = null;

  constructor(session: Session, timers: Timers, unasked: Unasked) {
    this.#session = session;
    this.#timers = timers;
    this.#unasked = unasked;
    this.#open();
  }

  get size(): number {
    return this.#uris.size;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** Rejects with WireFault, or with the server's own words as a TargetError in `refused`. */
  async subscribe(uri: string): Promise<Awaited<ReturnType<Session['request']>>> {
    this.#uris.add(uri);
    if (this.#session.era === 'modern') {
      await this.#reopened();
      return { result: {} };
    }
    const reply = await this.#request('resources/subscribe', uri);
    if (reply.error !== undefined) this.#uris.delete(uri);
    return reply;
  }

  async unsubscribe(uri: string): Promise<Awaited<ReturnType<Session['request']>>> {
    if (!this.#uris.delete(uri)) return { result: {} };
    if (this.#session.era === 'modern') {
      await this.#reopened();
      return { result: {} };
    }
    return await this.#request('resources/unsubscribe', uri);
  }

  close(): void {
    this.#stream?.stop();
    this.#listening?.abort();
    this.#uris.clear();
  }

  #request(method: string, uri: string): ReturnType<Session['request']> {
    return this.#session.request(plainAsk(method, `"uri":${JSON.stringify(uri)}`, SUBSCRIBE_MS));
  }

  async #reopened(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#acknowledged = resolve;
    this.#stream?.stop();
    this.#listening?.abort();
    this.#open();
    const timer = this.#timers.after(ACKNOWLEDGED_MS, resolve);
    await promise;
    timer.cancel();
  }

  #open(): void {
    const session = this.#session;
    const members = session.era === 'modern' ? this.#filter() : null;
    if (session.era === 'modern' && members === null) return this.#acknowledged?.();
    if (session instanceof HttpSession) this.#stream = this.#streamOf(session, members);
    else if (members !== null) this.#listenTo(members);
  }

  #streamOf(session: HttpSession, members: string | null): OpenStream | null {
    if (members === null && !tellsByItself(session.server.capabilities)) return null;
    const { target } = session.parts;
    return new OpenStream({
      timers: this.#timers,
      open: (owner, lastId) =>
        members === null
          ? target.open('GET', session.resumeHeaders(lastId), null, owner)
          : target.open('POST', session.streamHeaders(LISTEN), session.text(LISTEN, members), owner),
      heard: (method, params) => this.#heard(method, params),
      asked: (id, method) => void session.asked(id, method, {}, null),
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
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris] } : {}),
    };
    return Object.keys(wanted).length === 0
      ? null
      : `"notifications":${JSON.stringify(wanted)}`;
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
