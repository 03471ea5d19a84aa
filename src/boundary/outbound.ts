import { Pool } from 'undici';
import type { Connection } from '../domain/bundle.ts';
import { ConnectorFailure } from '../domain/connector.ts';
import type { Credential } from '../domain/credential.ts';
import { guardedConnect, type Reach, type Resolve } from './egress.ts';

/**
 * `allowPrivate` promises a private network; only a host of the organisation may also answer from a public address,
 * and never without encryption. So what was classed as staying inside does stay inside.
 */
export function reachOf({ settings }: Connection, url: URL): Reach {
  if (settings.allowPrivate !== true) return 'public';
  return settings.inside === true && url.protocol === 'https:' ? 'any' : 'private';
}

/** Sockets to one origin. Whoever sends over them keeps the deadlines. */
export function guardedPool(
  url: URL,
  reach: Reach,
  resolve: Resolve | undefined,
  sockets: number,
): Pool {
  return new Pool(url.origin, {
    connect: guardedConnect(reach, resolve),
    connections: sockets,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * The header that carries the credential of a connection, name and value; null where its connection wants none. Without
 * the credential that it names a call is not made, rather than made without.
 */
export function credentialHeader(
  connection: Connection,
  credential: Credential | null,
): readonly [name: string, value: string] | null {
  if (connection.issuer === undefined && connection.secret === undefined) return null;
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
