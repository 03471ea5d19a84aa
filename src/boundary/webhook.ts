import { Agent } from 'undici';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { guardedConnect, type Reach, type Resolve } from './egress.ts';

const TIMEOUT_MS = 10_000;

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
  readonly #resolve: Resolve | undefined;
  readonly #agents = new Map<Reach, Agent>();

  constructor(timers: Timers, resolve?: Resolve) {
    this.#timers = timers;
    this.#resolve = resolve;
  }

  /** The status. Throws SignalboxError EGRESS_REFUSED, or what the socket throws. */
  async post({ url, allowPrivate, headers, body }: Delivery): Promise<number> {
    const target = new URL(url);
    const patience = new AbortController();
    const timer = this.#timers.after(TIMEOUT_MS, () => patience.abort());
    try {
      const answer = await this.#agent(reachOf(target, allowPrivate)).request({
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
      connections: 2,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#agents.set(reach, agent);
    return agent;
  }
}

function reachOf(target: URL, allowPrivate: boolean): Reach {
  if (target.protocol === 'https:') return allowPrivate ? 'any' : 'public';
  if (target.protocol === 'http:' && allowPrivate) return 'private';
  throw new SignalboxError('EGRESS_REFUSED', `\`${target.origin}\` is not https`);
}
