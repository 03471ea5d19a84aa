import type { Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { Credential } from '../../domain/credential.ts';
import { digestOf, sha256 } from '../../domain/digest.ts';
import type { Clock, Timers } from '../../domain/doors.ts';
import type { HaltScope } from '../../domain/halt.ts';
import type { ClientIdentity } from '../../protocols/mcp/upstream-request.ts';
import { Breaker } from './breaker.ts';
import type { Spawn } from './child.ts';
import type { Deadlines } from './deadlines.ts';
import type { Feed } from './feed.ts';
import { HttpTarget } from './http-target.ts';
import { Peer } from './peer.ts';

/** A server's answer that it does not take our credential: the `WWW-Authenticate` header with its status. */
export interface Challenge {
  readonly status: 401 | 403;
  /** `WWW-Authenticate`; empty where the server sent none. */
  readonly header: string;
  readonly leaseId?: string;
}

/** What all sites share. */
export interface SiteParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly deadlines: Deadlines;
  readonly client: ClientIdentity;
  readonly feed: Feed;
  /** Whether servers are listened to between calls. */
  readonly listens: boolean;
  readonly resolve: Resolve | undefined;
  readonly spawn: Spawn;
  readonly home: string;
  /** A new name for a child, unlike any other. */
  readonly mark: () => string;
  readonly challenged: (connection: Connection, challenge: Challenge) => void;
}

const MAX_PEERS = 64;
/** A child that ends twice without an answer between is not started again at once; a server over HTTP may fail oftener. */
const FAILURES = { stdio: 2, http: 5 } as const;

/** One connection: its server as each credential sees it. */
export class Site {
  readonly connection: Connection;
  readonly parts: SiteParts;
  readonly breaker: Breaker;
  /** Calls in the air. */
  busy = 0;
  usedAt = 0;
  #target: HttpTarget | null = null;
  #closed = false;
  readonly #byKey = new Map<string, Peer>();
  #byCredential = new WeakMap<Credential, Peer>();
  #plain: Peer | null = null;

  constructor(connection: Connection, parts: SiteParts) {
    this.connection = connection;
    this.parts = parts;
    const transport = connection.settings.transport === 'stdio' ? 'stdio' : 'http';
    this.breaker = new Breaker(parts.clock, FAILURES[transport]);
  }

  get closed(): boolean {
    return this.#closed;
  }

  readonly target = (): HttpTarget => {
    this.#target ??= new HttpTarget(this.connection, this.parts.resolve);
    return this.#target;
  };

  peerOf(credential: Credential | null): Peer {
    if (credential === null) {
      this.#plain ??= this.#keep('', new Peer(this, null));
      return this.#plain;
    }
    const known = this.#byCredential.get(credential);
    if (known !== undefined) return known;
    const key = keyOf(credential);
    const peer = this.#byKey.get(key) ?? this.#keep(key, new Peer(this, credential));
    this.#byCredential.set(credential, peer);
    return peer;
  }

  /** Somebody still waits for changes of a resource. */
  get watches(): boolean {
    for (const peer of this.#byKey.values())
      for (const { watch } of peer.channels()) if (watch.size > 0) return true;
    return false;
  }

  release(runId: string): void {
    for (const peer of this.#byKey.values()) peer.release(runId);
  }

  /** See `Connector.cut`; the whole site goes when the scope is everything or this connection. */
  async cut(scope: HaltScope, runs: ReadonlySet<string>): Promise<readonly string[]> {
    const cuts = [...this.#byKey.values()].map((peer) =>
      peer.cut(this.#isWithin(scope), scope, runs),
    );
    return (await Promise.all(cuts))
      .flat()
      .map((pid) => `process ${pid} of \`${this.connection.name}\``);
  }

  children(scope: HaltScope, runs: ReadonlySet<string>): number {
    const all = this.#isWithin(scope);
    return [...this.#byKey.values()].reduce(
      (sum, peer) => sum + peer.children(all, scope, runs),
      0,
    );
  }

  #isWithin(scope: HaltScope): boolean {
    return scope === 'all' || scope === `connection:${this.connection.name}`;
  }

  reap(now: number): void {
    for (const peer of this.#byKey.values()) peer.reap(now);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const peers = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#plain = null;
    this.#byCredential = new WeakMap();
    await Promise.all(peers.map((peer) => peer.close()));
    await this.#target?.close();
    this.#target = null;
  }

  #keep(key: string, peer: Peer): Peer {
    this.#byKey.set(key, peer);
    for (const [other, each] of this.#byKey) {
      if (this.#byKey.size <= MAX_PEERS) break;
      if ([...each.channels()].some(({ busy }) => busy > 0)) continue;
      this.#byKey.delete(other);
      this.#byCredential = new WeakMap();
      void each.close();
    }
    return peer;
  }
}

/** Runs whose credentials say the same share what was opened with it. */
function keyOf(credential: Credential): string {
  switch (credential.kind) {
    case 'secret':
      return sha256(`secret\n${credential.value}`);
    case 'environment':
      return digestOf('mcp/environment', credential.values);
    case 'login':
      return sha256(`login\n${credential.user}\n${credential.password}`);
  }
}
