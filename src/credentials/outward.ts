import { GuardedAgents, reachOfUrl } from '../boundary/agents.ts';
import { bounded } from '../boundary/bounded.ts';
import type { Reach, Resolve } from '../boundary/egress.ts';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';

/** One exchange with whoever makes credentials: an authorization server, a vault, an API that gives tokens. */
export interface Outward {
  /** A custom fetch: no redirect is followed, answers are small and come in time. Throws SignalboxError. */
  send(url: string, options: OutwardRequest): Promise<Response>;
}

export interface OutwardRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | null | undefined;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 262_144;
const SOCKETS = 4;

/**
 * The way out for everything about credentials. Where to go can be a stranger's word (which authorization server, say), so
 * every address is checked where it is dialled: private ones only when the connection says `allowPrivate`, and plain `http:`
 * only then and only to private addresses, so that no token crosses a public network in the open.
 */
export class OutwardPool {
  readonly #timers: Timers;
  readonly #agents: GuardedAgents;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#timers = timers;
    this.#agents = new GuardedAgents(SOCKETS, resolve);
  }

  for(allowPrivate: boolean): Outward {
    return { send: (url, options) => this.#send(url, options, allowPrivate) };
  }

  close(): Promise<void> {
    return this.#agents.close();
  }

  async #send(url: string, options: OutwardRequest, allowPrivate: boolean): Promise<Response> {
    const target = URL.parse(url);
    if (target === null || target.username !== '' || target.password !== '')
      throw refused('an address that cannot be read, or that holds a password');
    const reach = reachOf(target, allowPrivate);
    const patience = new AbortController();
    const timer = this.#timers.after(TIMEOUT_MS, () => patience.abort());
    try {
      const answer = await this.#agents.for(reach).request({
        origin: target.origin,
        path: `${target.pathname}${target.search}`,
        method: options.method as 'GET' | 'POST' | 'PUT' | 'DELETE',
        headers: { ...options.headers },
        body: options.body?.toString() ?? null,
        signal: patience.signal,
      });
      const body = await bounded(answer.body, MAX_ANSWER_BYTES, () => tooLong(target.origin));
      return asResponse(answer.statusCode, answer.headers, body);
    } catch (error) {
      throw unreachable(error, target.origin, patience.signal.aborted);
    } finally {
      timer.cancel();
    }
  }
}

function reachOf(target: URL, allowPrivate: boolean): Reach {
  const reach = reachOfUrl(target, allowPrivate);
  if (reach === null) throw refused(`\`${target.origin}\` is not https`);
  return reach;
}

function tooLong(origin: string): SignalboxError {
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `\`${origin}\` answered with more than ${MAX_ANSWER_BYTES} bytes`,
  );
}

type Headers_ = Readonly<Record<string, string | string[] | undefined>>;

function asResponse(status: number, given: Headers_, body: Buffer): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : new Uint8Array(body), { status, headers });
}

function refused(why: string): SignalboxError {
  return new SignalboxError('EGRESS_REFUSED', `a request about credentials was not made: ${why}`);
}

function unreachable(error: unknown, origin: string, late: boolean): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown fault';
  const why = late ? `no answer in ${TIMEOUT_MS} ms` : code;
  return new SignalboxError('CREDENTIAL_FAILED', `\`${origin}\` cannot be reached (${why})`, {
    cause: error,
    help: 'look whether it is up, then try again',
  });
}
