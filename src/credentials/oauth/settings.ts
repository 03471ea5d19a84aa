import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/** What the bundle says of one connection's OAuth. Names of secrets, never values. */
export interface OAuthSettings {
  readonly connection: string;
  /** Whose grant it is, where each user has an own one; null: the connection's. */
  readonly user: string | null;
  /** Each user authorizes for the runs on its behalf. */
  readonly perUser: boolean;
  /** The MCP endpoint, or where an HTTP API begins: what tokens are for. */
  readonly server: URL;
  readonly allowPrivate: boolean;
  /** When given, nothing else is ever asked for (`offline_access` aside). */
  readonly scopes: readonly string[] | null;
  readonly clientId: string | null;
  /** Name of the secret. */
  readonly clientSecret: string | null;
  /** An https URL that stands for us, where the authorization server takes such. */
  readonly clientMetadataUrl: string | null;
  readonly grant: 'authorization_code' | 'client_credentials';
  /** Its authorization server by the operator's word; null: it is asked for it, as MCP has it. */
  readonly authority: Authority | null;
  /** How it is found out whether it still takes a token. */
  readonly probe: 'ping' | { readonly get: string } | null;
}

/** An authorization server that the file names: its metadata is read at `issuer`, or its endpoints are written out. */
export interface Authority {
  readonly issuer: string | null;
  readonly endpoints: { readonly [name: string]: string };
  /** Sent with every request (RFC 8707) when there is one. */
  readonly resource: string | null;
}

const ENDPOINTS = {
  tokenUrl: 'token_endpoint',
  revocationUrl: 'revocation_endpoint',
  introspectionUrl: 'introspection_endpoint',
  authorizationUrl: 'authorization_endpoint',
} as const;

/** Null for a connection without OAuth. Throws CREDENTIAL_FAILED for settings that make no sense. */
export function oauthSettings(
  connection: Connection,
  user: string | null = null,
): OAuthSettings | null {
  const { url, oauth, allowPrivate } = connection.settings;
  if (connection.issuer !== 'oauth' || !isJsonObject(oauth)) return null;
  const server = typeof url === 'string' ? URL.parse(url) : null;
  if (server === null)
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `connection \`${connection.name}\` has OAuth and no URL`,
    );
  const { scopes, clientId, clientSecret, clientMetadataUrl, grant } = oauth;
  const text = (value: unknown): string | null =>
    typeof value === 'string' && value !== '' ? value : null;
  return {
    connection: connection.name,
    user,
    perUser: oauth.perUser === true,
    server,
    allowPrivate: allowPrivate === true,
    scopes: Array.isArray(scopes) && scopes.length > 0 ? scopes.map(String) : null,
    clientId: text(clientId),
    clientSecret: text(clientSecret),
    clientMetadataUrl: text(clientMetadataUrl),
    grant: grant === 'client_credentials' ? grant : 'authorization_code',
    authority: authorityOf(oauth),
    probe: connection.kind === 'mcp' ? 'ping' : probeOf(String(url), oauth),
  };
}

function authorityOf(oauth: JsonObject): Authority | null {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const endpoints = Object.entries(ENDPOINTS).flatMap(([ours, theirs]) =>
    typeof oauth[ours] === 'string' ? [[theirs, oauth[ours]] as const] : [],
  );
  const issuer = text(oauth.issuer);
  if (issuer === null && endpoints.length === 0) return null;
  return { issuer, endpoints: Object.fromEntries(endpoints), resource: text(oauth.resource) };
}

function probeOf(url: string, { check }: JsonObject): OAuthSettings['probe'] {
  return typeof check === 'string' ? { get: url.replace(/\/$/, '') + check } : null;
}
