import type { AuthorizationServer } from 'oauth4webapi';
import { SignalboxError } from '../../domain/errors.ts';
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

/** A grant that is being ended: nobody gets a token of it any more. Kept until its server was found to take it no longer. */
export interface Ending {
  readonly id: string;
  readonly server: string;
  readonly issuer: string;
  readonly resource: string;
  readonly refresh: string | null;
  readonly access: readonly Token[];
  readonly since: number;
}

/** Kept for one connection, or for one user of it. */
export interface Kept {
  readonly servers: { readonly [issuer: string]: Acquaintance };
  readonly grant: Grant | null;
  readonly leased: { readonly [leaseId: string]: Leased };
  readonly ending?: readonly Ending[];
  /** Whose it is, where each user has an own one: the name of the record does not say. */
  readonly user?: string;
}

const NOTHING: Kept = { servers: {}, grant: null, leased: {} };
/** So often another process may be faster before it is given up. */
const MOST_TRIES = 16;

/** One sealed record a connection or user. Replicas share it: what is written stands on what was read, or is made anew. */
export class GrantVault {
  readonly #vault: SecretVault;
  readonly #kept = new Map<string, Kept>();

  constructor(vault: SecretVault) {
    this.#vault = vault;
  }

  /** As it was when this process last saw it; asked for when it never did. What ends tokens must not need the store. */
  async known(record: string): Promise<Kept> {
    return this.#kept.get(record) ?? this.read(record);
  }

  async read(record: string): Promise<Kept> {
    return (await this.#asked(record)).kept;
  }

  /**
   * Durable when it resolves. `change` is asked again when another process wrote meanwhile. Servers that nothing is held
   * of any more are forgotten.
   */
  async write(record: string, change: (kept: Kept) => Partial<Kept>, by: string): Promise<Kept> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const { kept, version } = await this.#asked(record);
      const next = tidied({ ...kept, ...change(kept) });
      const text = JSON.stringify(next);
      if (await this.#vault.replace(nameOf(record), text, version, by)) {
        this.#kept.set(record, next);
        return next;
      }
    }
    throw new SignalboxError('CREDENTIAL_FAILED', 'what is kept of a grant changed all the time');
  }

  async #asked(record: string): Promise<{ readonly kept: Kept; readonly version: number }> {
    const { value: text, version } = await this.#vault.read(nameOf(record));
    const value: unknown = text === null ? null : JSON.parse(text);
    const kept = isJsonObject(value) ? (value as unknown as Kept) : NOTHING;
    this.#kept.set(record, kept);
    return { kept, version };
  }
}

function tidied(kept: Kept): Kept {
  const held = [...Object.values(kept.leased), ...(kept.ending ?? [])];
  const used = new Set(held.map(({ issuer }) => issuer));
  const newest = Object.keys(kept.servers).at(-1);
  const servers = Object.fromEntries(
    Object.entries(kept.servers).filter(
      ([issuer]) => issuer === newest || issuer === kept.grant?.issuer || used.has(issuer),
    ),
  );
  return { ...kept, servers };
}

/** A colon is in no name that an operator can give, so no configuration can name this as its secret. */
export function nameOf(record: string): string {
  return `oauth:${record}`;
}

export function recordIn(name: string): string {
  return name.slice('oauth:'.length);
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
