import type { AuthorizationServer } from 'oauth4webapi';
import { isJsonObject } from '../../domain/json.ts';
import type { SecretVault } from '../secrets.ts';
import type { Registered } from './registration.ts';
import type { Token } from './tokens.ts';

/** What was granted to us at one server. Everything in it that could be used is a secret. */
export interface Grant {
  /** The MCP endpoint it is for: a connection that moved has none. */
  readonly server: string;
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** What was asked for, which the server may have cut. */
  readonly asked: readonly string[];
  readonly refresh: string | null;
  /** Shared by whoever holds no token of its own. */
  readonly access: Token | null;
  /** False once the server was seen to end an older token when it gave a newer. */
  readonly separable: boolean;
  readonly by: string;
  readonly at: number;
}

/** A token that belongs to one lease, kept until it is confirmed dead. */
export interface Leased extends Token {
  readonly issuer: string;
  readonly server: string;
}

/** An authorization server and what it knows us by: never shown to another one. */
export interface Acquaintance {
  readonly as: AuthorizationServer;
  readonly client: Registered;
  /** Ending one access token there was seen to end the whole grant. */
  readonly coarse?: boolean;
}

/** Kept for one connection. */
export interface Kept {
  readonly servers: { readonly [issuer: string]: Acquaintance };
  readonly grant: Grant | null;
  readonly leased: { readonly [leaseId: string]: Leased };
}

const NOTHING: Kept = { servers: {}, grant: null, leased: {} };

/** One sealed record a connection, read once and written through. */
export class GrantVault {
  readonly #vault: SecretVault;
  readonly #kept = new Map<string, Kept>();

  constructor(vault: SecretVault) {
    this.#vault = vault;
  }

  async read(connection: string): Promise<Kept> {
    const known = this.#kept.get(connection);
    if (known !== undefined) return known;
    const text = await this.#vault.kept(nameOf(connection));
    const value: unknown = text === null ? null : JSON.parse(text);
    const kept = isJsonObject(value) ? (value as unknown as Kept) : NOTHING;
    this.#kept.set(connection, kept);
    return kept;
  }

  /** Durable when it resolves. Servers that nothing is held of any more are forgotten. */
  async write(connection: string, change: Partial<Kept>, by: string): Promise<Kept> {
    const kept = { ...(await this.read(connection)), ...change };
    const used = new Set(Object.values(kept.leased).map(({ issuer }) => issuer));
    const newest = Object.keys(kept.servers).at(-1);
    const servers = Object.fromEntries(
      Object.entries(kept.servers).filter(
        ([issuer]) => issuer === newest || issuer === kept.grant?.issuer || used.has(issuer),
      ),
    );
    const next: Kept = { ...kept, servers };
    await this.#vault.keep(nameOf(connection), JSON.stringify(next), by);
    this.#kept.set(connection, next);
    return next;
  }
}

/** A colon is in no name that an operator can give, so no configuration can name this as its secret. */
function nameOf(connection: string): string {
  return `oauth:${connection}`;
}

const NEEDED = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'token_endpoint_auth_methods_supported',
  'code_challenge_methods_supported',
  'authorization_response_iss_parameter_supported',
  'client_id_metadata_document_supported',
  'scopes_supported',
] as const;

/** Of a server's metadata only what is used here: the rest may be long. */
export function essentials(as: AuthorizationServer): AuthorizationServer {
  const kept = NEEDED.filter((name) => as[name] !== undefined).map((name) => [name, as[name]]);
  return { ...Object.fromEntries(kept), issuer: as.issuer };
}
