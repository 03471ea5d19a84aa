import type { Pool } from 'undici';
import type { Resolve } from '../../boundary/egress.ts';
import { guardedPool, reachOf } from '../../boundary/outbound.ts';
import type { Connection } from '../../domain/bundle.ts';
import { Leg, type LegOwner } from './leg.ts';

/** Enough that calls which wait for a person do not keep others from being made. */
const SOCKETS = 256;
const STREAM_SOCKETS = 32;

/** The one URL of a server, with its sockets. Streams that stay open have their own, so that calls never wait for one. */
export class HttpTarget {
  readonly #calls: Pool;
  readonly #streams: Pool;
  readonly #path: string;

  constructor(connection: Connection, resolve: Resolve | undefined) {
    const url = new URL(String(connection.settings.url));
    const reach = reachOf(connection, url);
    this.#calls = guardedPool(url, reach, resolve, SOCKETS);
    this.#streams = guardedPool(url, reach, resolve, STREAM_SOCKETS);
    this.#path = url.pathname + url.search;
  }

  post(headers: string[], body: string, owner: LegOwner): Leg {
    return this.#send(this.#calls, 'POST', headers, body, owner);
  }

  /** A stream that stays open. */
  open(method: 'GET' | 'POST', headers: string[], body: string | null, owner: LegOwner): Leg {
    return this.#send(this.#streams, method, headers, body, owner);
  }

  remove(headers: string[], owner: LegOwner): Leg {
    return this.#send(this.#calls, 'DELETE', headers, null, owner);
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#streams.destroy()]);
  }

  #send(
    pool: Pool,
    method: 'GET' | 'POST' | 'DELETE',
    headers: string[],
    body: string | null,
    owner: LegOwner,
  ): Leg {
    const leg = new Leg(owner);
    try {
      pool.dispatch({ path: this.#path, method, headers, body, idempotent: false }, leg);
    } catch (error) {
      leg.onResponseError(null as never, error as Error);
    }
    return leg;
  }
}
