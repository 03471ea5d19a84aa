import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/** How we prove ourselves to a vault. Names of secrets, never values. */
export type VaultAuth =
  | { readonly method: 'token'; readonly secret: string }
  | {
      readonly method: 'approle';
      readonly mount: string;
      readonly roleId: string;
      /** Name of the secret that holds the secret id. */
      readonly secret: string;
    }
  | {
      readonly method: 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly tokenFile: string;
    };

/** One Vault or OpenBao server, as the file has it under `vaults`. */
export interface VaultServer {
  readonly name: string;
  /** Without a slash at its end. */
  readonly url: string;
  readonly namespace: string | null;
  readonly allowPrivate: boolean;
  readonly auth: VaultAuth;
}

const POD_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A part of a path there; nothing in it can lead to another one. */
export const VAULT_PATH = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;

/** What the bundle says of a connection's vault. Throws CREDENTIAL_FAILED. */
export function vaultOf(connection: Connection): {
  readonly server: VaultServer;
  readonly from: JsonObject;
} {
  const { vault } = connection.settings;
  if (!isJsonObject(vault) || !isJsonObject(vault.server))
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `connection \`${connection.name}\` has no \`vault\``,
    );
  return { server: vaultServerOf(vault.server), from: vault };
}

export function vaultServerOf({
  name,
  url,
  namespace,
  allowPrivate,
  auth,
}: JsonObject): VaultServer {
  return {
    name: String(name),
    url: String(url),
    namespace: typeof namespace === 'string' ? namespace : null,
    allowPrivate: allowPrivate === true,
    auth: authOf(isJsonObject(auth) ? auth : {}),
  };
}

function authOf({ method, mount, secret, roleId, role, tokenFile }: JsonObject): VaultAuth {
  if (method === 'approle')
    return {
      method,
      mount: String(mount ?? 'approle'),
      roleId: String(roleId),
      secret: String(secret),
    };
  if (method === 'kubernetes')
    return {
      method,
      mount: String(mount ?? 'kubernetes'),
      role: String(role),
      tokenFile: String(tokenFile ?? POD_TOKEN),
    };
  return { method: 'token', secret: String(secret) };
}
