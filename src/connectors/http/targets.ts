import type { Pool } from 'undici';
import type { Resolve } from '../../boundary/egress.ts';
import { guardedPool, reachOf } from '../../boundary/outbound.ts';
import type { Connection } from '../../domain/bundle.ts';
import { targetUrl } from './request.ts';

/** One place that connections lead to, with its own sockets: none is shared with a connection of another reach. */
export interface Target {
  readonly url: URL;
  readonly pool: Pool;
  /** Requests that wait or are under way. */
  busy: number;
}

const MAX_TARGETS = 64;
const SOCKETS = 64;
/** Requests on one target at once, waiting ones included; more are refused. */
export const MAX_BUSY = 1_024;

export class Targets {
  readonly #resolve: Resolve | undefined;
  readonly #byConnection = new WeakMap<Connection, Target>();
  readonly #byKey = new Map<string, Target>();

  constructor(resolve: Resolve | undefined) {
    this.#resolve = resolve;
  }

  of(connection: Connection): Target {
    const known = this.#byConnection.get(connection);
    if (known !== undefined && !known.pool.destroyed && !known.pool.closed) return known;
    const url = targetUrl(connection);
    const reach = reachOf(connection, url);
    const key = `${connection.name} ${reach} ${url.href}`;
    let target = this.#byKey.get(key);
    if (target === undefined) {
      target = { url, pool: guardedPool(url, reach, this.#resolve, SOCKETS), busy: 0 };
      this.#byKey.set(key, target);
      this.#forgetOldest();
    }
    this.#byConnection.set(connection, target);
    return target;
  }

  async close(): Promise<void> {
    const open = [...this.#byKey.values()];
    this.#byKey.clear();
    await Promise.all(open.map(({ pool }) => pool.destroy()));
  }

  #forgetOldest(): void {
    for (const [key, { pool, busy }] of this.#byKey) {
      if (this.#byKey.size <= MAX_TARGETS) return;
      if (busy > 0) continue;
      this.#byKey.delete(key);
      void pool.close().catch(() => {});
    }
  }
}
