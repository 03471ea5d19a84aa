import { ConnectorFailure } from '../../domain/connector.ts';
import type { Timer, Timers } from '../../domain/doors.ts';
import { SEARCH_PATH, type Target } from './login.ts';
import { Session } from './session.ts';

/** A read session refuses writes by itself; a write session is used for whole transactions only. */
export type SessionKind = 'read' | 'write';

/** Sessions of one lease at once. The minted role's own CONNECTION LIMIT is a little larger. */
export const MAX_SESSIONS = 4;
const MAX_WAITING = 200;
const IDLE_MS = 20_000;

interface Waiting {
  readonly kind: SessionKind;
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/** The open sessions of one lease: a few, warm, each used by one call at a time. */
export class LeaseSessions {
  readonly runId: string;
  /** Digests of tools whose target was compared with the plan under this lease. */
  readonly compared = new Set<string>();
  /** OIDs of the functions that tools stand in, by the digest of the tool, once they were found to be the planned ones. */
  readonly functions = new Map<string, string>();
  readonly #target: Target;
  readonly #user: string;
  readonly #password: string;
  readonly #timers: Timers;
  readonly #kinds = new Map<Session, SessionKind>();
  readonly #idle = new Map<Session, Timer>();
  readonly #waiting: Waiting[] = [];
  readonly #commits = new Set<Promise<void>>();
  #opening = 0;
  #closed = false;

  constructor(
    target: Target,
    login: { runId: string; user: string; password: string },
    timers: Timers,
  ) {
    this.#target = target;
    this.runId = login.runId;
    this.#user = login.user;
    this.#password = login.password;
    this.#timers = timers;
  }

  /** A session of this kind, when one is free. Throws what opening it throws. */
  async take(kind: SessionKind, signal: AbortSignal): Promise<Session> {
    if (this.#closed) throw closed();
    for (const session of this.#idle.keys())
      if (this.#kinds.get(session) === kind && session.alive) return this.#wake(session);
    if (this.#kinds.size + this.#opening < MAX_SESSIONS || this.#dropIdle())
      return await this.#open(kind);
    return await this.#wait(kind, signal);
  }

  /** Back for the next call. A lost session is forgotten. */
  give(session: Session): void {
    const kind = this.#kinds.get(session);
    if (kind === undefined) return;
    if (this.#closed || !session.alive) {
      this.drop(session);
      return;
    }
    const waiting = this.#waiting.findIndex((one) => one.kind === kind);
    if (waiting >= 0) {
      this.#waiting.splice(waiting, 1)[0]?.resolve(session);
      return;
    }
    session.idle(true);
    this.#idle.set(
      session,
      this.#timers.after(IDLE_MS, () => this.#retire(session)),
    );
    if (this.#waiting.length > 0) this.#serve();
  }

  /** Ends a session at once. */
  drop(session: Session): void {
    session.destroy();
    this.#forget(session);
    this.#serve();
  }

  /** Marks a commit under way; call the answer when its outcome is known. */
  committing(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#commits.add(promise);
    return () => {
      this.#commits.delete(promise);
      resolve();
    };
  }

  /** Resolves when no commit is under way, or after `ms`. */
  async settled(ms: number): Promise<void> {
    if (this.#commits.size === 0) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#timers.after(ms, late.resolve);
    await Promise.race([Promise.all(this.#commits), late.promise]);
    timer.cancel();
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    for (const session of [...this.#kinds.keys()]) {
      if (this.#idle.has(session)) session.end();
      else session.destroy();
      this.#forget(session);
    }
  }

  #wake(session: Session): Session {
    this.#idle.get(session)?.cancel();
    this.#idle.delete(session);
    session.idle(false);
    return session;
  }

  #retire(session: Session): void {
    session.end();
    this.#forget(session);
  }

  #forget(session: Session): void {
    this.#idle.get(session)?.cancel();
    this.#idle.delete(session);
    this.#kinds.delete(session);
  }

  /** Makes room by ending an idle session of the other kind, or a lost one. */
  #dropIdle(): boolean {
    const [session] = this.#idle.keys();
    if (session === undefined) return false;
    this.#retire(session);
    return true;
  }

  /** Room appeared: the first in the queue gets a session of its own. */
  #serve(): void {
    if (this.#closed || this.#kinds.size + this.#opening >= MAX_SESSIONS) {
      if (this.#closed || !this.#dropIdle()) return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) this.#open(next.kind).then(next.resolve, next.reject);
  }

  async #open(kind: SessionKind): Promise<Session> {
    this.#opening++;
    let session: Session;
    try {
      session = await Session.open(this.#target, {
        user: this.#user,
        password: this.#password,
        label: `signalbox ${this.runId}`,
        settings: { ...SETTINGS, ...(kind === 'read' ? READ_ONLY : {}) },
      });
    } catch (error) {
      this.#opening--;
      queueMicrotask(() => this.#serve());
      throw error;
    }
    this.#opening--;
    if (this.#closed) {
      session.destroy();
      throw closed();
    }
    this.#kinds.set(session, kind);
    return session;
  }

  #wait(kind: SessionKind, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    if (this.#waiting.length >= MAX_WAITING)
      throw new ConnectorFailure('OVERLOADED', 'too many calls of this run wait already', 'none');
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    const leave = (): void => {
      const at = this.#waiting.indexOf(entry);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    const entry: Waiting = {
      kind,
      reject,
      resolve: (session) => {
        signal.removeEventListener('abort', leave);
        resolve(session);
      },
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(entry);
    return promise;
  }
}

function closed(): ConnectorFailure {
  return new ConnectorFailure('CONNECTOR_ABORTED', 'the sessions of this run were ended', 'none');
}

const SETTINGS = {
  search_path: SEARCH_PATH,
  datestyle: 'ISO',
  intervalstyle: 'iso_8601',
  timezone: 'UTC',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  // The role's own is shorter than the longest a tool may take; every call has its own deadline.
  statement_timeout: '305s',
} as const;
const READ_ONLY = { default_transaction_read_only: 'on' } as const;
