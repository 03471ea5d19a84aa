import type { Connection } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { members } from './meaning.ts';

type Made = Pick<Connection, 'settings' | 'issuer'>;

/** How credentials of an HTTP API are made when it names no fixed secret; nothing when it needs none. */
export function apiCredentials(
  { oauth, githubApp, vault }: JsonObject,
  vaults: Json | undefined,
  header: JsonObject,
): Made {
  if (oauth !== undefined)
    return {
      settings: { oauth: { grant: 'client_credentials', ...members(oauth) } },
      issuer: 'oauth',
    };
  if (githubApp !== undefined) return { settings: { githubApp }, issuer: 'github-app' };
  if (vault !== undefined)
    return {
      settings: { vault: atServer({ mount: 'secret', ...members(vault) }, vaults), ...header },
      issuer: 'vault-kv',
    };
  return { settings: {} };
}

/** Logins come from a vault's database engine when the file says so, else from ourselves. */
export function databaseCredentials({ vault }: JsonObject, vaults: Json | undefined): Made {
  if (vault === undefined) return { settings: {}, issuer: 'postgres-role' };
  return {
    settings: { vault: atServer({ mount: 'database', ...members(vault) }, vaults) },
    issuer: 'vault-database',
  };
}

/** The server is written into its connections: who changes it changes them, and `plan` shows that. */
function atServer(vault: JsonObject, vaults: Json | undefined): JsonObject {
  const name = String(vault.server);
  const { url, ...rest } = members(members(vaults)[name]);
  return { ...vault, server: { name, ...rest, url: String(url).replace(/\/$/, '') } };
}
