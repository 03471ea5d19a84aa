import type { Caller } from '../../domain/caller.ts';
import type { Clock } from '../../domain/doors.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { SessionIds, SessionTerms } from '../../protocols/mcp/session-id.ts';

const LIFETIME_MS = 24 * 60 * 60_000;
const MAX_KNOWN = 4_096;
const MAX_ENDED = 16_384;
/** Log lines that a client hears of until it says otherwise. */
const DEFAULT_LEVEL = 'info';

/** A session as this replica knows it: what was agreed, and what was said here since. */
export interface Session extends SessionTerms {
  readonly id: string;
  logLevel: string;
}

/**
 * Sessions of the older revisions. What was agreed is in the id; only the log level, the streams and the subscriptions
 * are of one replica.
 *   issued → known here     at the first request that names it
 *   known → forgotten       when too many others came since; the id still works
 *   any → ended             by DELETE, or after a day; the client is told 404 and begins anew
 */
export class Sessions {
  readonly #ids: SessionIds;
  readonly #clock: Clock;
  readonly #known = new Map<string, Session>();
  readonly #ended = new Set<string>();
  readonly #onEnd: (id: string) => void;

  constructor(ids: SessionIds, clock: Clock, onEnd: (id: string) => void) {
    this.#ids = ids;
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  issue(terms: Omit<SessionTerms, 'issuedAt'>): string {
    return this.#ids.issue({ ...terms, issuedAt: this.#clock.now() });
  }

  /** Throws ProtocolFault (404) for a session that is over, was never issued, or is another caller's. */
  find(id: string, caller: Caller): Session {
    const session = this.#known.get(id) ?? this.#meet(id);
    const now = this.#clock.now();
    if (
      session === null ||
      session.holder !== holderOf(caller) ||
      this.#ended.has(id) ||
      now >= session.issuedAt + LIFETIME_MS
    )
      throw new ProtocolFault('noSession', 'this session is over or was never begun here', {
        code: 'REQUEST_MALFORMED',
        help: 'send `initialize` without `mcp-session-id` to begin another',
      });
    return session;
  }

  end(id: string): void {
    this.#ended.add(id);
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(first(this.#ended) ?? '');
    this.#known.delete(id);
    this.#onEnd(id);
  }

  #meet(id: string): Session | null {
    const terms = this.#ids.read(id);
    if (terms === null) return null;
    const session = { ...terms, id, logLevel: DEFAULT_LEVEL };
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(first(this.#known.keys()) ?? '');
    this.#known.set(id, session);
    return session;
  }
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** Whose session it is: the run's, whichever of its tokens comes, or that of one agent secret. */
export function holderOf(caller: Caller): string {
  return caller.kind === 'run' ? caller.runId : caller.tokenHash;
}
