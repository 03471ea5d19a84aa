import type { Caller } from '../../domain/caller.ts';
import { sha256 } from '../../domain/digest.ts';
import type { Clock } from '../../domain/doors.ts';
import type { Store } from '../../domain/store.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { SessionIds, SessionTerms } from '../../protocols/mcp/session-id.ts';

const LIFETIME_MS = 24 * 60 * 60_000;
/** How long an end by another replica may go unseen by one that knows the session. */
const LOOK_MS = 5_000;
const MAX_KNOWN = 4_096;
const MAX_ENDED = 16_384;
/** Log lines that a client hears of until it says otherwise. */
const DEFAULT_LEVEL = 'info';

/** A session as this replica knows it: what was agreed, and what was said here since. */
export interface Session extends SessionTerms {
  readonly id: string;
  logLevel: string;
  /** Until then (monotonic) nobody is asked whether another replica has ended it. */
  surelyUntil: number;
}

/**
 * Sessions of the older revisions. What was agreed is in the id; only the log level, the streams and the subscriptions
 * are of one replica.
 *   issued → known here     at the first request that names it, if the store knows of no end
 *   known → asked about     every five seconds, at a request, where others share the store
 *   known → forgotten       when too many others came since; the id still works
 *   any → ended             by DELETE, on whichever replica, or after a day; the client is told 404 and begins anew
 */
export class Sessions {
  readonly #ids: SessionIds;
  readonly #clock: Clock;
  readonly #store: Pick<Store, 'alone' | 'commit' | 'isTaken'>;
  readonly #known = new Map<string, Session>();
  readonly #ended = new Set<string>();
  readonly #onEnd: (id: string) => void;

  constructor(
    ids: SessionIds,
    {
      clock,
      store,
    }: { readonly clock: Clock; readonly store: Pick<Store, 'alone' | 'commit' | 'isTaken'> },
    onEnd: (id: string) => void,
  ) {
    this.#ids = ids;
    this.#clock = clock;
    this.#store = store;
    this.#onEnd = onEnd;
  }

  issue(terms: Omit<SessionTerms, 'issuedAt'>): string {
    return this.#ids.issue({ ...terms, issuedAt: this.#clock.now() });
  }

  /**
   * Throws ProtocolFault (404) for a session that is over, was never issued, or is another caller's; what the store throws
   * where it must be asked.
   */
  find(id: string, caller: Caller): Session | Promise<Session> {
    const session = this.#known.get(id) ?? this.#meet(id);
    const now = this.#clock.now();
    if (
      session === null ||
      session.holder !== holderOf(caller) ||
      this.#ended.has(id) ||
      now >= session.issuedAt + LIFETIME_MS
    )
      throw over();
    return this.#clock.monotonic() < session.surelyUntil ? session : this.#look(session);
  }

  /** Here at once; everywhere when it resolves. Throws what the store throws. */
  async end({ id, issuedAt }: Session): Promise<void> {
    this.#over(id);
    const until = issuedAt + LIFETIME_MS;
    const at = this.#clock.now();
    await this.#store.commit({ kind: 'claim.take', claim: claimOf(id), until, at });
  }

  async #look(session: Session): Promise<Session> {
    const askedAt = this.#clock.monotonic();
    if (await this.#store.isTaken(claimOf(session.id))) {
      this.#over(session.id);
      throw over();
    }
    session.surelyUntil = this.#store.alone ? Number.POSITIVE_INFINITY : askedAt + LOOK_MS;
    return session;
  }

  #over(id: string): void {
    this.#ended.add(id);
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(first(this.#ended) ?? '');
    this.#known.delete(id);
    this.#onEnd(id);
  }

  #meet(id: string): Session | null {
    const terms = this.#ids.read(id);
    if (terms === null) return null;
    const session = {
      ...terms,
      id,
      logLevel: DEFAULT_LEVEL,
      surelyUntil: Number.NEGATIVE_INFINITY,
    };
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(first(this.#known.keys()) ?? '');
    this.#known.set(id, session);
    return session;
  }
}

function claimOf(id: string): string {
  return `session:${sha256(id)}`;
}

function over(): ProtocolFault {
  return new ProtocolFault('noSession', 'this session is over or was never begun here', {
    code: 'REQUEST_MALFORMED',
    help: 'send `initialize` without `mcp-session-id` to begin another',
  });
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** Whose session it is: the run's, whichever of its tokens comes, or that of one agent secret. */
export function holderOf(caller: Caller): string {
  return caller.kind === 'run' ? caller.runId : caller.tokenHash;
}
