import type { Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { CredentialIssuer, SecretSource } from '../../domain/credential.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { haltOver } from '../../domain/halt.ts';
import type { Store } from '../../domain/store.ts';
import { OutwardPool } from '../outward.ts';
import type { RenewableIssuer } from '../renewable-issuer.ts';
import type { SecretVault } from '../secrets.ts';
import { Authorizing, asFailure, type Opening } from './authorizing.ts';
import { clip } from './discovery.ts';
import { takeOut, tryToEnd } from './grant-end.ts';
import { GrantShelf } from './grant-shelf.ts';
import type { Holder, Refused } from './holder.ts';
import { HolderShelf } from './holder-shelf.ts';
import { oauthSettings } from './settings.ts';
import { canRevoke } from './tokens.ts';
import type { Grant } from './vault.ts';

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
  /** Takes the grant out and asks its server once to end it; until then it is asked from time to time. */
  forget(
    connection: Connection,
    by: string,
    user?: string | null,
  ): Promise<{ readonly revoked: boolean }>;
  /** What users granted, for whoever ends it. */
  readonly grants: GrantShelf;
  close(): Promise<void>;
}

interface UpstreamParts {
  readonly secrets: SecretSource & SecretVault;
  readonly store: Pick<Store, 'commit' | 'run' | 'haltState' | 'secretNames'>;
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
  const gate = async ({ name }: Pick<Connection, 'name'>): Promise<void> => {
    const halt = haltOver((await parts.store.haltState()).halts, ['all', `connection:${name}`]);
    if (halt === undefined) return;
    throw new SignalboxError('HALTED', `nothing is authorized while \`${halt.scope}\` is halted`);
  };
  return {
    issuer: issuerOf(holders),
    grants: new GrantShelf(holders, parts.store),
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
      await gate(connection);
      if (holder.settings.grant === 'authorization_code')
        return authorizing.open(holder, redirect, by);
      await holder.selfAuthorize();
      return null;
    },
    async complete(callback) {
      const done = await authorizing.complete(callback, gate).catch((error: unknown) => {
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
      const revoked = await forgotten(holders.of(connection, user), doors.clock.now(), by);
      const whose = user === null ? {} : { user };
      await note('connection.forgotten', { connection: connection.name, by, ...whose });
      return { revoked };
    },
    close: () => pool.close(),
  };
}

/** True when its server takes it no longer. */
async function forgotten(holder: Holder, until: number, by: string): Promise<boolean> {
  const ids = await takeOut(holder, until, by);
  const tries = await Promise.allSettled(ids.map((id) => tryToEnd(holder, id)));
  return (
    ids.length > 0 &&
    tries.every(
      (tried) => tried.status === 'fulfilled' && tried.value.over && tried.value.residual === null,
    )
  );
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
