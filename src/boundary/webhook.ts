import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { GuardedAgents, reachOfUrl } from './agents.ts';
import type { Reach, Resolve } from './egress.ts';

const TIMEOUT_MS = 10_000;
const SOCKETS = 2;

export interface Delivery {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Posts to webhooks, over the same guarded way out as connections: addresses are checked where they are dialled, no
 * redirect is followed, plain `http:` goes to private addresses only. Of the answer only the status is looked at.
 */
export class Webhooks {
  readonly #timers: Timers;
  readonly #agents: GuardedAgents;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#timers = timers;
    this.#agents = new GuardedAgents(SOCKETS, resolve);
  }

  /** The status. Throws SignalboxError EGRESS_REFUSED, or what the socket throws. */
  async post({ url, allowPrivate, headers, body }: Delivery): Promise<number> {
    const target = new URL(url);
    const patience = new AbortController();
    const timer = this.#timers.after(TIMEOUT_MS, () => patience.abort());
    try {
      const answer = await this.#agents.for(reachOf(target, allowPrivate)).request({
        origin: target.origin,
        path: `${target.pathname}${target.search}`,
        method: 'POST',
        headers,
        body,
        signal: patience.signal,
      });
      answer.body.on('error', () => {});
      answer.body.destroy();
      return answer.statusCode;
    } finally {
      timer.cancel();
    }
  }

  close(): Promise<void> {
    return this.#agents.close();
  }
}

function reachOf(target: URL, allowPrivate: boolean): Reach {
  const reach = reachOfUrl(target, allowPrivate);
  if (reach === null)
    throw new SignalboxError('EGRESS_REFUSED', `\`${target.origin}\` is not https`);
  return reach;
}
