import { type AuthorizationServer, processDiscoveryResponse } from 'oauth4webapi';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Outward } from '../outward.ts';
import { bearerChallenge, type Challenge, scopesOf } from './challenge.ts';
import type { Authority } from './settings.ts';

/** Who guards a server, by its own word, checked as far as it can be. */
export interface Guardian {
  /** What tokens are asked for (RFC 8707), exactly as the server published it; empty: not said. */
  readonly resource: string;
  readonly as: AuthorizationServer;
  /** Scopes of the resource, when it published any. */
  readonly scopes: readonly string[] | null;
  /** What the server last said with a 401 or 403. */
  readonly challenge: Challenge | null;
}

const MAX_SERVERS = 16;

/**
 * Finds the authorization server of an MCP server: by its protected resource metadata (RFC 9728), else as revision
 * 2025-03-26 had it, at the server's own origin. `known`: the issuer that tokens are held of; it is kept while the server
 * still names it. Throws AUTHORIZATION_FAILED.
 */
export async function findGuardian(
  outward: Outward,
  server: URL,
  challenge: Challenge | null,
  known: string | null,
): Promise<Guardian> {
  const said = challenge ?? (await probe(outward, server));
  const resource = await resourceMetadata(outward, server, said);
  if (resource === null) return oldGuardian(outward, server, said);
  const issuer =
    known !== null && resource.issuers.includes(known) ? known : (resource.issuers[0] ?? '');
  const as = await serverMetadata(outward, issuer);
  if (as === null) throw failed(`\`${clip(issuer)}\` publishes no authorization server metadata`);
  return { resource: resource.resource, as, scopes: resource.scopes, challenge: said };
}

/** The authorization server that the file names. What its metadata says gives way to what the file says. */
export async function namedGuardian(
  outward: Outward,
  { issuer, endpoints, resource }: Authority,
  challenge: Challenge | null,
): Promise<Guardian> {
  const found = issuer === null ? null : await serverMetadata(outward, issuer);
  if (found === null && issuer !== null && endpoints.token_endpoint === undefined)
    throw failed(`\`${clip(issuer)}\` publishes no authorization server metadata`);
  const as: AuthorizationServer = {
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    ...found,
    ...endpoints,
    issuer: found?.issuer ?? issuer ?? new URL(endpoints.token_endpoint ?? '').origin,
  };
  return { resource: resource ?? '', as, scopes: null, challenge };
}

/** One request without credential, to hear what the server says to a stranger. */
async function probe(outward: Outward, server: URL): Promise<Challenge | null> {
  const answer = await outward.send(server.href, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: PING,
  });
  return answer.status === 401 || answer.status === 403
    ? bearerChallenge(answer.headers.get('www-authenticate'))
    : null;
}

/** Harmless in every revision, and guarded like everything else. */
export const PING = '{"jsonrpc":"2.0","id":"signalbox-probe","method":"ping"}';

interface Resource {
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scopes: readonly string[] | null;
}

async function resourceMetadata(
  outward: Outward,
  server: URL,
  said: Challenge | null,
): Promise<Resource | null> {
  if (said?.metadataUrl != null) {
    const found = await json(outward, said.metadataUrl);
    if (found === null)
      throw failed('the server names a place for its metadata and there is none there');
    return checkedResource(found, server);
  }
  for (const place of wellKnown(server, 'oauth-protected-resource', ['inserted', 'root'])) {
    const found = await json(outward, place);
    if (found !== null) return checkedResource(found, server);
  }
  return null;
}

/** A resource that is not this server could draw tokens of another one here: refused. */
function checkedResource(found: JsonObject, server: URL): Resource {
  const { resource, authorization_servers: issuers, scopes_supported: scopes } = found;
  if (typeof resource !== 'string' || !covers(resource, server))
    throw failed(
      `the metadata is of another resource (\`${clip(String(resource))}\`), expected \`${server.href}\``,
    );
  const named = Array.isArray(issuers)
    ? issuers.filter((issuer) => typeof issuer === 'string').slice(0, MAX_SERVERS)
    : [];
  if (named.length === 0) throw failed('the server names no authorization server');
  return {
    resource,
    issuers: named,
    scopes: Array.isArray(scopes) ? scopesOf(scopes.map(String).join(' ')) : null,
  };
}

/** The server itself, or a place above it at the same origin. */
function covers(resource: string, server: URL): boolean {
  const named = URL.parse(resource);
  if (named === null || named.origin !== server.origin || named.hash !== '') return false;
  if (named.search !== '' && named.search !== server.search) return false;
  const above = named.pathname.replace(/\/$/, '');
  return `${server.pathname.replace(/\/$/, '')}/`.startsWith(`${above}/`);
}

/** Before protected resource metadata, a server was its own authorization server, with or without metadata. */
async function oldGuardian(
  outward: Outward,
  server: URL,
  challenge: Challenge | null,
): Promise<Guardian> {
  const { origin } = server;
  const resource = server.pathname === '/' ? origin : server.href;
  const found = await serverMetadata(outward, origin);
  const as = found ?? {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    code_challenge_methods_supported: ['S256'],
  };
  return { resource, as, scopes: null, challenge };
}

/** RFC 8414, then OpenID Connect discovery; the issuer must be the one that was asked for. Null when there is none. */
async function serverMetadata(
  outward: Outward,
  issuer: string,
): Promise<AuthorizationServer | null> {
  const base = URL.parse(issuer);
  if (base === null || base.search !== '' || base.hash !== '')
    throw failed(`\`${clip(issuer)}\` is not an issuer`);
  const places = [
    ...wellKnown(base, 'oauth-authorization-server', ['inserted']),
    ...wellKnown(base, 'openid-configuration', ['inserted', 'appended']),
  ];
  for (const place of new Set(places)) {
    const answer = await outward.send(place, { method: 'GET', headers: JSON_ONLY });
    if (answer.status !== 200 || !saysJson(answer)) continue;
    return processDiscoveryResponse(base, answer).catch((error: Error) => {
      throw failed(`the metadata of \`${clip(issuer)}\` is refused: ${clip(error.message)}`, error);
    });
  }
  return null;
}

const JSON_ONLY = { accept: 'application/json' };

type Place = 'inserted' | 'appended' | 'root';

function wellKnown(base: URL, name: string, places: readonly Place[]): string[] {
  const path = base.pathname.replace(/\/$/, '');
  const known = `/.well-known/${name}`;
  const at: { readonly [P in Place]: string } = {
    inserted: `${known}${path}`,
    appended: `${path}${known}`,
    root: known,
  };
  return [...new Set(places.map((place) => `${base.origin}${at[place]}`))];
}

async function json(outward: Outward, url: string): Promise<JsonObject | null> {
  const answer = await outward.send(url, { method: 'GET', headers: JSON_ONLY });
  if (answer.status !== 200 || !saysJson(answer)) return null;
  const found: unknown = await answer.json().catch(() => null);
  if (!isJsonObject(found)) throw failed('the metadata of the server is not a JSON object');
  return found;
}

/** Many sites answer every path with a page and status 200. */
function saysJson(answer: Response): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(answer.headers.get('content-type') ?? '');
}

export function failed(why: string, cause?: unknown): SignalboxError {
  return new SignalboxError('AUTHORIZATION_FAILED', why, cause === undefined ? {} : { cause });
}

/** A stranger's text, short and without what cannot be seen, for a message. */
export function clip(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]|`/g, '?');
  return plain.length > 120 ? `${plain.slice(0, 120)}…` : plain;
}
