import { Agent, type Dispatcher } from 'undici';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { guardedConnect, type Reach, type Resolve } from './egress.ts';

export interface Outgoing {
  readonly url: URL;
  /** Private addresses may be dialled, and plain `http:` spoken with those. */
  readonly allowPrivate: boolean;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | null;
  readonly timeoutMs: number;
}

/** No answer, or one that broke off. `message` is the code of the socket, or that it took too long. */
export class Unanswered extends Error {}

/**
 * The way out for requests that go to many places now and then: every address is checked where it is dialled, no redirect is
 * followed, plain `http:` goes to private addresses only, and asking and reading together are bounded in time.
 */
export class WayOut {
  readonly #timers: Timers;
  readonly #sockets: number;
  readonly #resolve: Resolve | undefined;
  readonly #agents = new Map<Reach, Agent>();

  /** `sockets`: for each origin. */
  constructor(timers: Timers, sockets: number, resolve: Resolve | undefined) {
    this.#timers = timers;
    this.#sockets = sockets;
    this.#resolve = resolve;
  }

  /** What `read` makes of the answer. Throws SignalboxError EGRESS_REFUSED, Unanswered, or a SignalboxError of `read`. */
  async request<T>(
    { url, allowPrivate, method, headers, body, timeoutMs }: Outgoing,
    read: (answer: Dispatcher.ResponseData) => T | Promise<T>,
  ): Promise<T> {
    const reach = reachOfUrl(url, allowPrivate);
    if (reach === null)
      throw new SignalboxError('EGRESS_REFUSED', `\`${url.origin}\` is not https`);
    const patience = new AbortController();
    const timer = this.#timers.after(timeoutMs, () => patience.abort());
    try {
      const answer = await this.#agent(reach).request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers,
        body: body ?? null,
        signal: patience.signal,
      });
      // What is not read to its end fails when it is destroyed.
      answer.body.on('error', () => {});
      return await read(answer);
    } catch (error) {
      if (error instanceof SignalboxError) throw error;
      const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown fault';
      const why = patience.signal.aborted ? `no answer within ${timeoutMs} ms` : code;
      throw new Unanswered(why, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  async close(): Promise<void> {
    const open = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(open.map((agent) => agent.destroy()));
  }

  #agent(reach: Reach): Agent {
    const known = this.#agents.get(reach);
    if (known !== undefined) return known;
    const agent = new Agent({
      connect: guardedConnect(reach, this.#resolve),
      connections: this.#sockets,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#agents.set(reach, agent);
    return agent;
  }
}

function reachOfUrl({ protocol }: URL, allowPrivate: boolean): Reach | null {
  if (protocol === 'https:') return allowPrivate ? 'any' : 'public';
  return protocol === 'http:' && allowPrivate ? 'private' : null;
}
