import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';

/** What the bundle says of one connection's OAuth. Names of secrets, never values. */
export interface OAuthSettings {
  readonly connection: string;
  /** The MCP endpoint: what tokens are for. */
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
}

/** Null for a connection without OAuth. Throws CREDENTIAL_FAILED for settings that make no sense. */
export function oauthSettings(connection: Connection): OAuthSettings | null {
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
    server,
    allowPrivate: allowPrivate === true,
    scopes: Array.isArray(scopes) && scopes.length > 0 ? scopes.map(String) : null,
    clientId: text(clientId),
    clientSecret: text(clientSecret),
    clientMetadataUrl: text(clientMetadataUrl),
    grant: grant === 'client_credentials' ? grant : 'authorization_code',
  };
}
