import { Agent } from 'undici';
import { guardedConnect, type Reach, type Resolve } from './egress.ts';

/**
 * Sockets for requests that go to many places now and then: every address is checked where it is dialled. Whoever asks
 * bounds the time himself.
 */
export class GuardedAgents {
  readonly #sockets: number;
  readonly #resolve: Resolve | undefined;
  readonly #agents = new Map<Reach, Agent>();

  /** `sockets`: for each origin. */
  constructor(sockets: number, resolve: Resolve | undefined) {
    this.#sockets = sockets;
    this.#resolve = resolve;
  }

  for(reach: Reach): Agent {
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

  async close(): Promise<void> {
    const open = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(open.map((agent) => agent.destroy()));
  }
}

/** Plain `http:` goes to private addresses only, and only where those are allowed. Null: nowhere. */
export function reachOfUrl({ protocol }: URL, allowPrivate: boolean): Reach | null {
  if (protocol === 'https:') return allowPrivate ? 'any' : 'public';
  return protocol === 'http:' && allowPrivate ? 'private' : null;
}
