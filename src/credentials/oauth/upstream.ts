import type { Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { CredentialIssuer, Lease, SecretSource } from '../../domain/credential.ts';
import { digestOf } from '../../domain/digest.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import type { Store } from '../../domain/store.ts';
import { OutwardPool } from '../outward.ts';
import type { RenewableIssuer } from '../renewable-issuer.ts';
import type { SecretVault } from '../secrets.ts';
import { recordOf } from './account.ts';
import { Authorizing, asFailure, type Opening } from './authorizing.ts';
import { clip } from './discovery.ts';
import { Holder, type Refused } from './holder.ts';
import { type OAuthSettings, oauthSettings } from './settings.ts';
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
  authorize(
    connection: Connection,
    redirect: string,
    by: string,
    user?: string | null,
  ): Promise<Opening | null>;
  /** What came back to the redirect. Throws AUTHORIZATION_FAILED. */
  complete(
    callback: URLSearchParams,
  ): Promise<{ readonly connection: string; readonly grant: Grant }>;
  standing(connection: Connection, user?: string | null): Promise<Standing | null>;
  /** Ends the grant at its server where it can, and forgets it. */
  forget(
    connection: Connection,
    by: string,
    user?: string | null,
  ): Promise<{ readonly revoked: boolean }>;
  close(): Promise<void>;
}

interface UpstreamParts {
  readonly secrets: SecretSource & SecretVault;
  readonly store: Pick<Store, 'commit' | 'run'>;
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
        await holders.of(connection, holders.userOf(refused.leaseId)).refused(refused);
      } catch {
        // what a server says with a refusal is worth nothing when it cannot be kept
      }
    },
    reveal: (connection) => holders.of(connection).shared(),
    async authorize(connection, redirect, by, user = null) {
      const holder = holders.of(connection, user);
      if (holder.settings.grant === 'authorization_code')
        return authorizing.open(holder, redirect, by);
      await holder.selfAuthorize();
      return null;
    },
    async complete(callback) {
      const done = await authorizing.complete(callback).catch((error: unknown) => {
        throw asFailure(error);
      });
      const { connection, user, grant, by } = done;
      const { issuer, scopes } = grant;
      const shown = {
        connection,
        issuer: clip(issuer),
        scopes: [...scopes],
        by,
        ...(user === null ? {} : { user }),
      };
      await note('connection.authorized', shown);
      return { connection, grant };
    },
    async standing(connection, user = null) {
      const settings = oauthSettings(connection, user);
      if (settings === null || (settings.perUser && user === null)) return null;
      const holder = holders.of(connection, user);
      return holder.alone(() => standingOf(holder));
    },
    async forget(connection, by, user = null) {
      const revoked = await holders.of(connection, user).forget(by);
      const whose = user === null ? {} : { user };
      await note('connection.forgotten', { connection: connection.name, by, ...whose });
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
    async mint({ lease, connection, run }) {
      const value = await holders.forRun(connection, run, lease.id).mint(lease);
      return { kind: 'secret', leaseId: lease.id, value };
    },
    revoke: async (lease, connection) => (await holders.ofLease(connection, lease)).end(lease.id),
    async verifyDead(lease, connection) {
      const dead = await (await holders.ofLease(connection, lease)).isDead(lease.id);
      if (dead) holders.over(lease.id);
      return dead;
    },
  };
  return {
    ...base,
    revocabilityAt: async (connection, run) => holders.forRun(connection, run).prepare(),
    isSpent: (lease, connection) => holders.known(connection, lease.id)?.isSpent(lease.id) === true,
  };
}

/** A holder for each connection as it is configured now. */
class HolderShelf {
  readonly #parts: UpstreamParts;
  readonly #pool: OutwardPool;
  readonly #vault: GrantVault;
  /** By lease; of those that are somebody's. */
  readonly #users = new Map<string, string>();
  readonly #holders = new Map<string, { readonly digest: string; readonly holder: Holder }>();

  constructor(parts: UpstreamParts, pool: OutwardPool) {
    this.#parts = parts;
    this.#pool = pool;
    this.#vault = new GrantVault(parts.secrets);
  }

  /** `user`: whose grant, where each user has an own one. */
  of(connection: Connection, user: string | null = null): Holder {
    const settings = oauthSettings(connection, user);
    if (settings === null)
      throw new SignalboxError(
        'REQUEST_MALFORMED',
        `connection \`${connection.name}\` has no \`oauth\``,
      );
    if (settings.perUser !== (user !== null)) throw whose(settings);
    const record = recordOf(settings);
    const digest = digestOf('oauth-settings', connection.settings);
    const known = this.#holders.get(record);
    if (known?.digest === digest) return known.holder;
    const { clientSecret } = settings;
    const { secrets, doors } = this.#parts;
    const holder = new Holder(settings, {
      vault: this.#vault,
      outward: this.#pool.for(settings.allowPrivate),
      doors,
      secret: async () => (clientSecret === null ? null : secrets.reveal(clientSecret)),
    });
    this.#holders.set(record, { digest, holder });
    return holder;
  }

  /** A run on behalf of a user has that user's grant and no other. */
  forRun(connection: Connection, run: Run, leaseId?: string): Holder {
    const user = isPerUser(connection) ? (run.subject ?? null) : null;
    if (leaseId !== undefined && user !== null) this.#users.set(leaseId, user);
    return this.of(connection, user);
  }

  /** After a start only the run of a lease says whose it is. */
  async ofLease(connection: Connection, lease: Lease): Promise<Holder> {
    if (!isPerUser(connection)) return this.of(connection);
    const run = this.#users.has(lease.id) ? null : await this.#parts.store.run(lease.runId);
    if (run?.subject !== undefined) this.#users.set(lease.id, run.subject);
    return this.of(connection, this.#users.get(lease.id) ?? null);
  }

  known(connection: Connection, leaseId: string): Holder | null {
    const user = this.#users.get(leaseId) ?? null;
    return isPerUser(connection) && user === null ? null : this.of(connection, user);
  }

  userOf(leaseId: string | undefined): string | null {
    return (leaseId === undefined ? undefined : this.#users.get(leaseId)) ?? null;
  }

  over(leaseId: string): void {
    this.#users.delete(leaseId);
  }
}

function isPerUser({ settings: { oauth } }: Connection): boolean {
  return isJsonObject(oauth) && oauth.perUser === true;
}

function whose({ connection, perUser }: OAuthSettings): SignalboxError {
  return perUser
    ? new SignalboxError(
        'AUTHORIZATION_NEEDED',
        `each user authorizes \`${connection}\`, and this is on behalf of none`,
        {
          help: `begin the run on behalf of a user, who was authorized by \`signalbox connection authorize ${connection} --user NAME\``,
        },
      )
    : new SignalboxError(
        'REQUEST_MALFORMED',
        `\`${connection}\` is authorized for all, not by user`,
      );
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
