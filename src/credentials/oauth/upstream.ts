import type { Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { CredentialIssuer, SecretSource } from '../../domain/credential.ts';
import { digestOf } from '../../domain/digest.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Store } from '../../domain/store.ts';
import type { RenewableIssuer } from '../leases.ts';
import { OutwardPool } from '../outward.ts';
import type { SecretVault } from '../secrets.ts';
import { Authorizing, asFailure, type Opening } from './authorizing.ts';
import { clip } from './discovery.ts';
import { Holder, type Refused } from './holder.ts';
import { oauthSettings } from './settings.ts';
import { canRevoke } from './tokens.ts';
import { type Grant, GrantVault } from './vault.ts';

const LIFETIME_MS = 15 * 60_000;

/** How a connection stands with its server. Names and scopes, never a token. */
export interface Standing {
  readonly state: 'authorized' | 'needed';
  readonly issuer: string | null;
  readonly client: string | null;
  readonly scopes: readonly string[];
  /** Scopes that the server missed in our tokens. */
  readonly wanted: readonly string[];
  /** Of the shared token; null when there is none or its server did not say. Ms since the epoch. */
  readonly expiresAt: number | null;
  readonly renews: boolean;
  /** Its server can be asked to end tokens. */
  readonly revocable: boolean;
  readonly by: string | null;
  /** When it was granted; null when it was not. Ms since the epoch. */
  readonly at: number | null;
}

/** Signalbox as OAuth client of upstream servers. */
export interface UpstreamOAuth {
  readonly issuer: RenewableIssuer;
  /** Told by a connector whose target answered 401 or 403. Never throws. */
  challenged(connection: Connection, refused: Refused): Promise<void>;
  /** The access token for reading a catalogue. Throws AUTHORIZATION_NEEDED. */
  reveal(connection: Connection): Promise<string>;
  /** Begins what a human finishes; null when none was needed (client credentials). Throws AUTHORIZATION_FAILED. */
  authorize(connection: Connection, redirect: string, by: string): Promise<Opening | null>;
  /** What came back to the redirect. Throws AUTHORIZATION_FAILED. */
  complete(
    callback: URLSearchParams,
  ): Promise<{ readonly connection: string; readonly grant: Grant }>;
  standing(connection: Connection): Promise<Standing | null>;
  /** Ends the grant at its server where it can, and forgets it. */
  forget(connection: Connection, by: string): Promise<{ readonly revoked: boolean }>;
  close(): Promise<void>;
}

interface UpstreamParts {
  readonly secrets: SecretSource & SecretVault;
  readonly store: Pick<Store, 'commit'>;
  readonly doors: Doors;
  readonly resolve?: Resolve;
}

export function createUpstreamOAuth(parts: UpstreamParts): UpstreamOAuth {
  const { doors } = parts;
  const pool = new OutwardPool(doors.timers, parts.resolve);
  const authorizing = new Authorizing(doors);
  const holders = new HolderShelf(parts, pool);
  const note = (type: string, body: { readonly [name: string]: string | readonly string[] }) =>
    parts.store.commit({ kind: 'system.note', type, body, at: doors.clock.now() });
  return {
    issuer: issuerOf(holders),
    async challenged(connection, refused) {
      try {
        await holders.of(connection).refused(refused);
      } catch {
        // what a server says with a refusal is worth nothing when it cannot be kept
      }
    },
    reveal: (connection) => holders.of(connection).shared(),
    async authorize(connection, redirect, by) {
      const holder = holders.of(connection);
      if (holder.settings.grant === 'authorization_code')
        return authorizing.open(holder, redirect, by);
      await holder.selfAuthorize();
      return null;
    },
    async complete(callback) {
      const done = await authorizing.complete(callback).catch((error: unknown) => {
        throw asFailure(error);
      });
      const { connection, grant, by } = done;
      const { issuer, scopes } = grant;
      const shown = { connection, issuer: clip(issuer), scopes: [...scopes], by };
      await note('connection.authorized', shown);
      return { connection, grant };
    },
    async standing(connection) {
      if (oauthSettings(connection) === null) return null;
      const holder = holders.of(connection);
      return holder.alone(() => standingOf(holder));
    },
    async forget(connection, by) {
      const revoked = await holders.of(connection).forget(by);
      await note('connection.forgotten', { connection: connection.name, by });
      return { revoked };
    },
    close: () => pool.close(),
  };
}

function issuerOf(holders: HolderShelf): RenewableIssuer {
  const base: CredentialIssuer = {
    kind: 'oauth',
    revocability: 'bounded',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `oauth:${leaseId}`,
    async mint({ lease, connection }) {
      const value = await holders.of(connection).mint(lease);
      return { kind: 'secret', leaseId: lease.id, value };
    },
    revoke: (lease, connection) => holders.of(connection).end(lease.id),
    verifyDead: (lease, connection) => holders.of(connection).isDead(lease.id),
  };
  return {
    ...base,
    revocabilityAt: (connection) => holders.of(connection).prepare(),
    isSpent: (lease, connection) => holders.of(connection).isSpent(lease.id),
  };
}

/** A holder for each connection as it is configured now. */
class HolderShelf {
  readonly #parts: UpstreamParts;
  readonly #pool: OutwardPool;
  readonly #vault: GrantVault;
  readonly #holders = new Map<string, { readonly digest: string; readonly holder: Holder }>();

  constructor(parts: UpstreamParts, pool: OutwardPool) {
    this.#parts = parts;
    this.#pool = pool;
    this.#vault = new GrantVault(parts.secrets);
  }

  of(connection: Connection): Holder {
    const digest = digestOf('oauth-settings', connection.settings);
    const known = this.#holders.get(connection.name);
    if (known?.digest === digest) return known.holder;
    const settings = oauthSettings(connection);
    if (settings === null)
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `connection \`${connection.name}\` has no \`oauth\``,
      );
    const { clientSecret } = settings;
    const { secrets, doors } = this.#parts;
    const holder = new Holder(settings, {
      vault: this.#vault,
      outward: this.#pool.for(settings.allowPrivate),
      doors,
      secret: async () => (clientSecret === null ? null : secrets.reveal(clientSecret)),
    });
    this.#holders.set(connection.name, { digest, holder });
    return holder;
  }
}

async function standingOf(holder: Holder): Promise<Standing> {
  const { servers } = await holder.account.kept();
  const grant = await holder.account.grant();
  const known = servers[grant?.issuer ?? ''];
  const self = holder.settings.grant === 'client_credentials';
  const renews = self || (grant !== null && grant.refresh !== null);
  const usable = self || (await holder.isUsable());
  return {
    state: usable ? 'authorized' : 'needed',
    issuer: grant?.issuer ?? null,
    client: known?.client.id ?? null,
    scopes: grant?.scopes ?? [],
    wanted: holder.wanted,
    expiresAt: grant?.access?.expiresAt ?? null,
    renews,
    revocable: known !== undefined && canRevoke(known.as),
    by: grant?.by ?? null,
    at: grant?.at ?? null,
  };
}
