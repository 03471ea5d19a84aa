import { credentialHeader } from '../../boundary/outbound.ts';
import { type Redact, redactorFor } from '../../boundary/redact.ts';
import type { Credential } from '../../domain/credential.ts';
import type { HaltScope } from '../../domain/halt.ts';
import { canonical, type JsonObject } from '../../domain/json.ts';
import type { Era } from '../../protocols/mcp/upstream-open.ts';
import { NOTHING_WITHHELD } from './clean.ts';
import { Definitions } from './definitions.ts';
import { commandOf, environmentOf, headersOf } from './environment.ts';
import { changeOf } from './feed.ts';
import { checkLaunch } from './launch.ts';
import { listAll } from './listing.ts';
import { type Opening, openChild, openHttp, type Wanted } from './opening.ts';
import type { Site } from './site.ts';
import { StdioSession } from './stdio-session.ts';
import { Watch } from './watch.ts';
import { type Session, WireFault } from './wire.ts';

/** A session with what is known of its server in it. */
export interface Channel {
  readonly session: Session;
  readonly tools: Definitions;
  readonly prompts: Definitions;
  readonly watch: Watch;
  /** The run that has it alone; null when runs share it. */
  readonly runId: string | null;
  /** The least severe log line that an older server was asked for. */
  level: number;
  /** Calls in the air. */
  busy: number;
  /** Of the monotonic clock, in milliseconds. */
  usedAt: number;
}

/** Who a channel is for. */
export interface Caller {
  readonly runId: string;
  /** What the caller can be asked. */
  readonly capabilities: JsonObject;
  /** It can be asked something, or hears log lines: an older server would not say which call those are of. */
  readonly alone: boolean;
}

const MAX_CHANNELS = 32;
/** A server found to be an older one may have been renewed meanwhile, and would go on answering like one. */
const LEGACY_HOLDS_MS = 60 * 60_000;
const IDLE_CHILD_MS = 5 * 60_000;
const IDLE_ALONE_MS = 60_000;
const IDLE_HTTP_MS = 15 * 60_000;
/** A session may be opened for another caller, or be over as soon as it is open. */
const MAX_ROUNDS = 4;
const PROBE = 'probe';
const SHARED = 'shared';

/**
 * One server as one credential sees it. Its era is found out once and dated. A modern server has one channel for
 * everybody, since each request says who is behind it. An older one is told at the start of a session what its client can
 * be asked, so callers that can be asked have a session (and over stdio a child) of their run alone, all others share one.
 */
export class Peer {
  readonly #site: Site;
  readonly #credential: Credential | null;
  readonly redact: Redact;
  readonly #channels = new Map<string, Channel>();
  readonly #opening = new Map<string, Promise<void>>();
  /** Every child that has not ended, open or being opened, with the run that has it alone. */
  readonly #children = new Map<StdioSession, string | null>();
  /** Children that halts end, until nothing of them is left. */
  readonly #killing = new Set<Promise<readonly number[]>>();
  #era: Era | null = null;
  #eraAt = 0;
  /** The one channel of a modern server, while it is open. */
  #modern: Channel | null = null;

  constructor(site: Site, credential: Credential | null) {
    this.#site = site;
    this.#credential = credential;
    const secrets =
      credential?.kind === 'secret'
        ? [credential.value]
        : credential?.kind === 'environment'
          ? Object.values(credential.values)
          : [];
    this.redact = secrets.length === 0 ? NOTHING_WITHHELD : redactorFor(secrets);
  }

  /** The channel for this caller if it is open. */
  open(caller: Caller): Channel | null {
    const channel = this.#modern ?? this.#channels.get(this.#keyOf(caller)) ?? null;
    return channel === null || channel.session.over ? null : channel;
  }

  /** Opens what is needed. Throws WireFault or ConnectorFailure; nothing of a call was sent. */
  async channel(caller: Caller): Promise<Channel> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const known = this.open(caller);
      if (known !== null) return known;
      const key = this.#era === null ? PROBE : this.#keyOf(caller);
      let opening = this.#opening.get(key);
      if (opening === undefined) {
        opening = this.#opened(caller).finally(() => this.#opening.delete(key));
        this.#opening.set(key, opening);
      }
      await opening;
    }
    const { name } = this.#site.connection;
    throw new WireFault('CONNECTOR_UNREACHABLE', `\`${name}\` ends at once`, false, {
      kind: 'connection',
    });
  }

  /** The era turned out to be another one, or the session is known no more. */
  forget(channel: Channel, era: boolean): void {
    if (era) this.#era = null;
    for (const [key, each] of this.#channels) if (each === channel) this.#drop(key, channel);
  }

  channels(): IterableIterator<Channel> {
    return this.#channels.values();
  }

  /** Ends what the run had alone, and what it watched. */
  release(runId: string): void {
    for (const [key, channel] of this.#channels) {
      if (channel.runId === runId) this.#drop(key, channel);
      else channel.watch.release(runId);
    }
  }

  /** Ends sessions at once and children by force: all of them, or those of these runs. Answers with pids that live on. */
  async cut(all: boolean, scope: HaltScope, runs: ReadonlySet<string>): Promise<readonly number[]> {
    for (const session of this.#reached(all, scope, runs)) void session.kill();
    // with those that a halted call was in
    const killing = [...this.#killing];
    for (const [key, channel] of this.#channels)
      if (all || (channel.runId !== null && runs.has(channel.runId))) this.#drop(key, channel);
    return (await Promise.all(killing)).flat();
  }

  children(all: boolean, scope: HaltScope, runs: ReadonlySet<string>): number {
    return this.#reached(all, scope, runs).length;
  }

  /** A child that was started with a halted credential has it in its environment. */
  #reached(all: boolean, scope: HaltScope, runs: ReadonlySet<string>): StdioSession[] {
    const every = all || scope === `credential:${this.#credential?.leaseId}`;
    return [...this.#children].flatMap(([session, runId]) =>
      every || (runId !== null && runs.has(runId)) ? [session] : [],
    );
  }

  reap(now: number): void {
    for (const [key, channel] of this.#channels) {
      if (channel.session.over) this.#drop(key, channel);
      if (channel.busy > 0 || channel.watch.size > 0) continue;
      if (now - channel.usedAt > this.#patience(channel)) this.#drop(key, channel);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opening.values()].map((each) => each.catch(() => undefined)));
    const open = [...this.#channels.values()];
    this.#channels.clear();
    this.#modern = null;
    for (const { watch } of open) watch.close();
    await Promise.all(open.map(({ session }) => session.close()));
  }

  #patience({ runId, session }: Channel): number {
    if (!(session instanceof StdioSession)) return IDLE_HTTP_MS;
    return runId === null ? IDLE_CHILD_MS : IDLE_ALONE_MS;
  }

  #keyOf({ alone, runId, capabilities }: Caller): string {
    if (this.#era === 'modern' || !alone) return SHARED;
    return `${runId} ${canonical(capabilities)}`;
  }

  async #opened(caller: Caller): Promise<void> {
    const { breaker, parts } = this.#site;
    if (this.#era === 'legacy' && parts.clock.monotonic() - this.#eraAt > LEGACY_HOLDS_MS)
      this.#era = null;
    this.#makeRoom();
    try {
      await this.#openedSession(caller);
    } catch (error) {
      if (error instanceof WireFault && error.kind === 'connection') breaker.failed();
      throw error;
    }
  }

  async #openedSession(caller: Caller): Promise<void> {
    const { connection, parts } = this.#site;
    const { clock, client, timers, listens } = parts;
    const wanted: Wanted = this.#era ?? wantedOf(connection.settings.protocol);
    const opening: Opening = {
      wanted,
      client,
      capabilities: caller.alone ? caller.capabilities : {},
    };
    await checkLaunch(connection);
    let watch: Watch | null = null;
    const unasked = (method: string, params: JsonObject) =>
      watch === null ? this.#unasked(method, params) : watch.heard(method, params);
    const session =
      connection.settings.transport === 'stdio'
        ? await openChild(() => this.#child(unasked, caller), connection.name, opening)
        : await openHttp(this.#httpParts(unasked), opening);
    if (this.#era !== session.era) this.#eraAt = clock.monotonic();
    this.#era = session.era;
    watch = new Watch(session, timers, (method, params) => this.#unasked(method, params));
    if (listens) await watch.listen(session.era === 'legacy' && caller.alone);
    const lists = (what: 'tools' | 'prompts') =>
      new Definitions(async () => {
        if (session.server.capabilities[what] === undefined) return { items: [], ttlMs: null };
        return await listAll(session, what, connection.name, this.redact);
      }, clock);
    const channel: Channel = {
      session,
      tools: lists('tools'),
      prompts: lists('prompts'),
      watch,
      runId: session.era === 'legacy' && caller.alone ? caller.runId : null,
      level: Number.POSITIVE_INFINITY,
      busy: 0,
      usedAt: clock.monotonic(),
    };
    this.#channels.set(this.#keyOf(caller), channel);
    if (session.era === 'modern') this.#modern = channel;
  }

  #unasked(method: string, params: JsonObject): void {
    const change = changeOf(this.#site.connection, method, params);
    if (change === null) return;
    for (const { tools, prompts } of this.#channels.values()) {
      if (change.what === 'tools') tools.expire();
      if (change.what === 'prompts') prompts.expire();
    }
    this.#site.parts.feed.changed(change);
  }

  #httpParts(unasked: (method: string, params: JsonObject) => void) {
    const { connection, target, parts } = this.#site;
    const { client, deadlines, timers, challenged } = parts;
    return {
      place: connection.name,
      target: target(),
      deadlines,
      timers,
      redact: this.redact,
      auth: [...(credentialHeader(connection, this.#credential) ?? []), ...headersOf(connection)],
      client,
      unasked,
      challenged: (status: 401 | 403, header: string) => {
        const leaseId = this.#credential?.leaseId;
        challenged(connection, { status, header, ...(leaseId === undefined ? {} : { leaseId }) });
      },
    };
  }

  #child(
    unasked: (method: string, params: JsonObject) => void,
    { alone, runId }: Caller,
  ): StdioSession {
    const { connection, breaker, parts } = this.#site;
    const { client, deadlines, timers, spawn, home, mark } = parts;
    const { cwd } = connection.settings;
    const child = new StdioSession({
      place: connection.name,
      deadlines,
      client,
      unasked,
      child: {
        command: commandOf(connection, this.#credential),
        env: environmentOf(connection, this.#credential, home),
        cwd: typeof cwd === 'string' ? cwd : '/',
        mark: mark(),
        spawn,
        timers,
      },
      halted: (killing) => {
        this.#killing.add(killing);
        void killing.finally(() => this.#killing.delete(killing));
      },
      ended: (session) => {
        this.#children.delete(session);
        for (const [key, channel] of this.#channels)
          if (channel.session === session) {
            this.#drop(key, channel);
            if (!session.isHalted) breaker.failed();
          }
      },
    });
    this.#children.set(child, alone ? runId : null);
    return child;
  }

  /** The longest unused goes first; one in use never. */
  #makeRoom(): void {
    if (this.#channels.size < MAX_CHANNELS) return;
    let oldest: [string, Channel] | null = null;
    for (const entry of this.#channels)
      if (entry[1].busy === 0 && entry[1].usedAt < (oldest?.[1].usedAt ?? Number.POSITIVE_INFINITY))
        oldest = entry;
    if (oldest === null)
      throw new WireFault('OVERLOADED', `${MAX_CHANNELS} sessions are open and in use`, false);
    this.#drop(oldest[0], oldest[1]);
  }

  #drop(key: string, channel: Channel): void {
    this.#channels.delete(key);
    if (this.#modern === channel) this.#modern = null;
    channel.watch.close();
    void channel.session.close();
  }
}

function wantedOf(protocol: unknown): Wanted {
  return protocol === 'modern' || protocol === 'legacy' ? protocol : 'auto';
}
