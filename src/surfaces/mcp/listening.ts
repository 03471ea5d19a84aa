import type { Caller } from '../../domain/caller.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Results } from '../../protocols/mcp/results.ts';
import { notificationText } from '../../protocols/mcp/results.ts';
import type { Exchange } from '../http/listener.ts';
import type { Callers } from '../runs/governed.ts';
import type { Audience, Listener } from './audience.ts';
import type { GrantedViews } from './granted-views.ts';
import type { Resources } from './resources.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Streams } from './streams.ts';
import { invalid } from './tool-call.ts';
import { placeOf, type Turn } from './turn.ts';

const MAX_URIS = 64;
const MAX_WATCHED = 256;
const MAX_SESSIONS = 4_096;
/** Together three quarters of what a listener handles at once (its `maxConcurrent`). */
const MAX_STREAMS = 768;
const MAX_OWN_STREAMS = 256;

interface Parts {
  readonly results: Results;
  readonly views: GrantedViews;
  readonly resources: Resources;
  readonly streams: Streams;
  readonly audience: Audience;
  readonly callers: Callers;
  readonly sessions: Sessions;
}

/**
 * Streams of what nobody asked for just now: `subscriptions/listen` of the modern revision, the `GET` stream of a
 * legacy session. A stream holds no authority: before every message its token is looked at again.
 */
export class Listening {
  readonly #parts: Parts;
  /** What each legacy session watches. */
  readonly #watched = new Map<string, Set<string>>();
  /** Of the open streams, with whose they are. */
  readonly #ends = new Map<() => void, string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Acknowledged first, with what will be told; ends with a result when we stop. Throws ProtocolFault. */
  async listen(turn: Turn): Promise<void> {
    const { audience, streams, views, results } = this.#parts;
    const { id, request, exchange } = turn;
    const asked = filterIn(request.params.notifications);
    const scopes = await views.scopesOf(turn.caller);
    const view = await views.of(turn.caller);
    const whose = JSON.stringify(view.holder);
    this.#checkRoom(whose);
    const uris = view.offered.resources ? await this.#watchAll(turn, asked.uris) : [];
    const wants = {
      tools: asked.tools,
      prompts: asked.prompts && view.offered.prompts,
      resources: asked.resources && view.offered.resources,
    };
    const stream = streams.open(placeOf(turn), false, () => over());
    const end = (): void => {
      audience.remove(listener);
      this.#ends.delete(end);
      void stream.message(results.complete(id, turn.envelope, ''));
      streams.ended(stream);
    };
    const listener: Listener = {
      holder: view.holder,
      scopes,
      wants,
      uris: new Set(uris),
      mayHear: () => this.#mayHear(exchange),
      tell: (method, params) => void stream.message(notificationText(method, params, id)),
      dismiss: () => stream.drop(),
    };
    const over = (): void => {
      audience.remove(listener);
      this.#ends.delete(end);
      for (const uri of uris)
        if (!audience.watches(uri)) void this.#parts.resources.forget(turn, uri);
    };
    stream.attach(exchange);
    const notifications = {
      ...(wants.tools ? { toolsListChanged: true } : {}),
      ...(wants.prompts ? { promptsListChanged: true } : {}),
      ...(wants.resources ? { resourcesListChanged: true } : {}),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    };
    void stream.message(
      notificationText('notifications/subscriptions/acknowledged', { notifications }, id),
    );
    audience.add(listener);
    this.#ends.set(end, whose);
  }

  /** The stream of a legacy session, or the way back to one of its others. */
  async open(exchange: Exchange, caller: Caller, session: Session): Promise<void> {
    const { audience, streams, views } = this.#parts;
    const last = exchange.request.headers['last-event-id'];
    if (typeof last === 'string' && streams.resume(session.id, last, exchange)) return;
    const scopes = await views.scopesOf(caller);
    const { holder } = await views.of(caller);
    const whose = JSON.stringify(holder);
    this.#checkRoom(whose);
    const stream = streams.open(session.id, resumable(session), () => over());
    const end = (): void => {
      over();
      streams.ended(stream);
    };
    const listener: Listener = {
      holder,
      scopes,
      wants: { tools: true, prompts: true, resources: true },
      uris: this.#watchedBy(session.id),
      mayHear: () => this.#mayHear(exchange, session),
      tell: (method, params) => void stream.message(notificationText(method, params)),
      dismiss: () => stream.drop(),
    };
    const over = (): void => {
      audience.remove(listener);
      this.#ends.delete(end);
    };
    stream.attach(exchange);
    audience.add(listener);
    this.#ends.set(end, whose);
  }

  /** Each stream is a request that does not end: there must be room for those that do. Throws OVERLOADED. */
  #checkRoom(whose: string): void {
    const own = [...this.#ends.values()].filter((each) => each === whose).length;
    if (own >= MAX_OWN_STREAMS || this.#ends.size >= MAX_STREAMS)
      throw new SignalboxError(
        'OVERLOADED',
        own >= MAX_OWN_STREAMS
          ? `${own} streams of this caller are open; close one of them`
          : `${this.#ends.size} streams are open`,
      );
  }

  /** `resources/subscribe` of a legacy client. Without a session there is nowhere to tell it. */
  async subscribe(turn: Turn, uri: string, on: boolean): Promise<void> {
    await this.#parts.resources.watch(turn, uri, on);
    if (turn.session === null) return;
    const watched = this.#watchedBy(turn.session.id);
    if (!on) watched.delete(uri);
    else if (watched.size < MAX_WATCHED) watched.add(uri);
    else throw invalid(`at most ${MAX_WATCHED} resources are watched by one session`);
  }

  ended(sessionId: string): void {
    this.#watched.delete(sessionId);
    this.#parts.streams.dropOwner(sessionId);
  }

  /** Every listener is told that it is over. */
  close(): void {
    for (const end of [...this.#ends.keys()]) end();
  }

  /** Those it may watch: each is a read under the judge. */
  async #watchAll(turn: Turn, uris: readonly string[]): Promise<string[]> {
    const watched: string[] = [];
    for (const uri of uris)
      await this.#parts.resources.watch(turn, uri, true).then(
        () => watched.push(uri),
        () => undefined,
      );
    return watched;
  }

  #watchedBy(sessionId: string): Set<string> {
    const known = this.#watched.get(sessionId);
    if (known !== undefined) return known;
    if (this.#watched.size >= MAX_SESSIONS)
      for (const oldest of this.#watched.keys()) {
        this.#watched.delete(oldest);
        break;
      }
    const watched = new Set<string>();
    this.#watched.set(sessionId, watched);
    return watched;
  }

  /** Its token still counts, and its session was ended nowhere. */
  async #mayHear({ request }: Exchange, session: Session | null = null): Promise<boolean> {
    const caller = await this.#parts.callers.authenticate(request.headers.authorization);
    await this.#parts.views.scopesOf(caller);
    if (session !== null) await this.#parts.sessions.find(session.id, caller);
    return true;
  }
}

/** Event ids came with this revision. */
export function resumable(session: Session | null): boolean {
  return session !== null && session.version >= '2025-11-25';
}

interface Filter {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  readonly uris: readonly string[];
}

function filterIn(notifications: Json | undefined): Filter {
  if (!isJsonObject(notifications))
    throw new ProtocolFault('invalidParams', 'expected `notifications` to be an object');
  const { resourceSubscriptions = [] } = notifications as JsonObject;
  const uris = Array.isArray(resourceSubscriptions) ? resourceSubscriptions : [];
  if (uris.length > MAX_URIS || uris.some((uri) => typeof uri !== 'string' || uri.length > 8_192))
    throw new ProtocolFault(
      'invalidParams',
      `expected \`resourceSubscriptions\` to be at most ${MAX_URIS} texts`,
    );
  return {
    tools: notifications.toolsListChanged === true,
    prompts: notifications.promptsListChanged === true,
    resources: notifications.resourcesListChanged === true,
    uris: [...new Set(uris as string[])],
  };
}
