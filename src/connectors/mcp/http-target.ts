import { Pool } from 'undici';
import { guardedConnect, type Reach, type Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
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
    this.#calls = poolTo(url, reach, resolve, SOCKETS);
    this.#streams = poolTo(url, reach, resolve, STREAM_SOCKETS);
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

function poolTo(url: URL, reach: Reach, resolve: Resolve | undefined, sockets: number): Pool {
  return new Pool(url.origin, {
    connect: guardedConnect(reach, resolve),
    connections: sockets,
    pipelining: 1,
    allowH2: false,
    // the deadlines of the calls hold instead
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** `allowPrivate` promises a private network; only a host of the organisation may also answer from a public address. */
function reachOf({ settings }: Connection, url: URL): Reach {
  if (settings.allowPrivate !== true) return 'public';
  return settings.inside === true && url.protocol === 'https:' ? 'any' : 'private';
}

const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The header that carries the credential of a connection, name and value; none where its connection wants none. */
export function credentialHeader(connection: Connection, credential: Credential | null): string[] {
  if (connection.issuer === undefined && connection.secret === undefined) return [];
  if (credential?.kind !== 'secret')
    throw new ConnectorFailure(
      'CREDENTIAL_FAILED',
      `there is no credential for \`${connection.name}\``,
      'none',
    );
  if (!VISIBLE.test(credential.value))
    throw new ConnectorFailure(
      'CREDENTIAL_FAILED',
      `the secret of \`${connection.name}\` cannot be sent in a header`,
      'none',
    );
  const { header = 'authorization', prefix, oauth } = connection.settings;
  if (oauth !== undefined) return ['authorization', `Bearer ${credential.value}`];
  const before = prefix ?? (header === 'authorization' ? 'Bearer ' : '');
  return [String(header), `${before}${credential.value}`];
}
