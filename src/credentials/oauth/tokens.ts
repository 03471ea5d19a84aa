import {
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  clientCredentialsGrantRequest,
  introspectionRequest,
  processAuthorizationCodeResponse,
  processClientCredentialsResponse,
  processIntrospectionResponse,
  processRefreshTokenResponse,
  processRevocationResponse,
  ResponseBodyError,
  refreshTokenGrantRequest,
  revocationRequest,
  type TokenEndpointResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import type { Clock } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Outward } from '../outward.ts';
import { scopesOf } from './challenge.ts';
import { clip, failed, type Guardian, PING } from './discovery.ts';
import { proofOf, type Registered, through } from './registration.ts';
import type { OAuthSettings } from './settings.ts';

/** An access token as it was given. Times in ms since the epoch. */
export interface Token {
  readonly value: string;
  readonly at: number;
  /** Null when the server did not say. */
  readonly expiresAt: number | null;
}

export interface Granted {
  readonly access: Token;
  /** Null when none came with it. */
  readonly refresh: string | null;
  readonly scopes: readonly string[];
}

/** One authorization server, spoken to as one client about one resource. */
export interface TokenDesk {
  readonly outward: Outward;
  readonly guardian: Guardian;
  readonly client: Registered;
  readonly clock: Clock;
}

/** The server says that the grant or the client is no longer good: a human is needed. */
export class GrantGone extends Error {
  /** The server's error code; null when it said none. */
  readonly code: string | null;

  constructor(why: string, code: string | null = null) {
    super(why);
    this.name = 'GrantGone';
    this.code = code;
  }
}

const LONGEST_TOKEN = 16_384;

export async function exchangeCode(
  desk: TokenDesk,
  callback: URLSearchParams,
  redirect: string,
  verifier: string,
  asked: readonly string[],
): Promise<Granted> {
  const { as, resource } = desk.guardian;
  const client = { client_id: desk.client.id };
  return tokenFrom(desk, asked, async () => {
    const answer = await authorizationCodeGrantRequest(
      as,
      client,
      proofOf(desk.client),
      callback,
      redirect,
      verifier,
      { ...through(desk.outward), additionalParameters: aimedAt(resource) },
    );
    return processAuthorizationCodeResponse(as, client, answer);
  });
}

/** Throws GrantGone when the refresh token no longer works. */
export async function refreshed(
  desk: TokenDesk,
  refresh: string,
  had: readonly string[],
): Promise<Granted> {
  const { as, resource } = desk.guardian;
  const client = { client_id: desk.client.id };
  return tokenFrom(desk, had, async () => {
    const answer = await refreshTokenGrantRequest(as, client, proofOf(desk.client), refresh, {
      ...through(desk.outward),
      additionalParameters: aimedAt(resource),
    });
    return processRefreshTokenResponse(as, client, answer);
  });
}

/** What comes of showing a refresh token that should be dead; null when its server refuses just this token. */
export async function refreshTried(desk: TokenDesk, refresh: string): Promise<Granted | null> {
  try {
    return await refreshed(desk, refresh, []);
  } catch (error) {
    if (error instanceof GrantGone && error.code === 'invalid_grant') return null;
    throw error;
  }
}

export async function ownCredentials(desk: TokenDesk, asked: readonly string[]): Promise<Granted> {
  const { as, resource } = desk.guardian;
  const client = { client_id: desk.client.id };
  const scope = asked.length === 0 ? {} : { scope: asked.join(' ') };
  return tokenFrom(desk, asked, async () => {
    const answer = await clientCredentialsGrantRequest(
      as,
      client,
      proofOf(desk.client),
      { ...aimedAt(resource), ...scope },
      through(desk.outward),
    );
    return processClientCredentialsResponse(as, client, answer);
  });
}

/** Asks the server to end a token (RFC 7009). It answers yes to unknown ones too: this proves nothing. */
export async function revokeToken(
  desk: TokenDesk,
  token: string,
  kind: 'access_token' | 'refresh_token',
): Promise<void> {
  const answer = await revocationRequest(
    desk.guardian.as,
    { client_id: desk.client.id },
    proofOf(desk.client),
    token,
    { ...through(desk.outward), additionalParameters: { token_type_hint: kind } },
  );
  await processRevocationResponse(answer);
}

/** Nothing is said of a resource to a server that was not found by one. */
function aimedAt(resource: string): { resource?: string } {
  return resource === '' ? {} : { resource };
}

type Place = { readonly url: URL; readonly probe: OAuthSettings['probe'] };

/**
 * True when the resource no longer takes it, or the authorization server says it is not active and the resource does not
 * say otherwise: many check a token by itself and never ask. A resource that refuses everybody at the place that is asked
 * would prove nothing: for HTTP the file names the place.
 */
export async function isDead(desk: TokenDesk, server: Place, token: string): Promise<boolean> {
  const { as } = desk.guardian;
  if (introspects(desk)) {
    const client = { client_id: desk.client.id };
    const proof = proofOf(desk.client);
    const answer = await introspectionRequest(as, client, proof, token, through(desk.outward));
    const said = await processIntrospectionResponse(as, client, answer).catch(() => null);
    if (said !== null) return !said.active && !(await isTaken(desk, server, token));
  }
  return (await shown(desk, server, token)) === 401;
}

/** The resource answers it, and nobody without it. */
async function isTaken(desk: TokenDesk, server: Place, token: string): Promise<boolean> {
  const isGood = async (one: string | null): Promise<boolean> => {
    const status = await shown(desk, server, one).catch(() => null);
    return status !== null && status >= 200 && status < 300;
  };
  return (await isGood(token)) && !(await isGood(null));
}

/** The status that its resource answers a token with, or none; null where there is no place to ask. */
async function shown(
  { outward }: TokenDesk,
  { url, probe }: Place,
  token: string | null,
): Promise<number | null> {
  if (probe === null) return null;
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  if (probe !== 'ping') {
    const answer = await outward.send(probe.get, { method: 'GET', headers: authorization });
    return answer.status;
  }
  const answer = await outward.send(url.href, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...authorization,
    },
    body: PING,
  });
  return answer.status;
}

function introspects({ guardian: { as }, client: { method } }: TokenDesk): boolean {
  return as.introspection_endpoint !== undefined && method !== 'none';
}

/** Somebody can be asked whether an access token is dead. */
export function canProve(desk: TokenDesk, probe: OAuthSettings['probe']): boolean {
  return probe !== null || introspects(desk);
}

export function canRevoke(as: AuthorizationServer): boolean {
  return as.revocation_endpoint !== undefined;
}

async function tokenFrom(
  desk: TokenDesk,
  asked: readonly string[],
  request: () => Promise<TokenEndpointResponse>,
): Promise<Granted> {
  const at = desk.clock.now();
  const answer = await request().catch((error: unknown) => {
    throw meaningOf(error, desk.guardian.as);
  });
  if (answer.token_type !== 'bearer')
    throw failed(`tokens of type \`${clip(answer.token_type)}\` are not known here`);
  const { access_token: value, expires_in: seconds, scope, refresh_token: refresh } = answer;
  if (!/^[\x21-\x7e]+$/.test(value) || value.length > LONGEST_TOKEN)
    throw failed('the token cannot be sent in a header');
  const expiresAt = seconds === undefined ? null : at + seconds * 1_000;
  const scopes = scope === undefined ? asked : scopesOf(scope);
  return { access: { value, at, expiresAt }, refresh: refresh ?? null, scopes };
}

/** Nothing of an answer's body is passed on but its error code: the rest may repeat what was sent. */
function meaningOf(error: unknown, as: AuthorizationServer): Error {
  if (error instanceof SignalboxError) return error;
  const issuer = clip(as.issuer);
  if (error instanceof ResponseBodyError) {
    // a code is short and plain; anything else may be what was sent
    const code = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'another error';
    if (code === 'invalid_grant' || code === 'invalid_client' || code === 'unauthorized_client')
      return new GrantGone(`\`${issuer}\` says \`${code}\``, code);
    return failed(`\`${issuer}\` gave no token (\`${code}\`)`);
  }
  if (error instanceof WWWAuthenticateChallengeError)
    return new GrantGone(`\`${issuer}\` does not take this client`);
  const why = error instanceof Error ? clip(error.message) : 'unknown fault';
  return failed(`\`${issuer}\` gave no token: ${why}`);
}
