import { sha256 } from '../../domain/digest.ts';
import type { Doors } from '../../domain/doors.ts';
import type { Outward } from '../outward.ts';
import type { Guardian } from './discovery.ts';
import { type Registered, registerAt } from './registration.ts';
import type { OAuthSettings } from './settings.ts';
import type { TokenDesk } from './tokens.ts';
import { type Acquaintance, essentials, type Grant, type GrantVault, type Kept } from './vault.ts';

export interface AccountParts {
  readonly vault: GrantVault;
  readonly outward: Outward;
  readonly doors: Doors;
  /** The value of the configured client secret, if one is named. */
  readonly secret: () => Promise<string | null>;
}

/** Who writes when no human does. */
export const SELF = 'signalbox';

/** What is kept of one connection, and who we are to its authorization servers. */
export class Account {
  readonly settings: OAuthSettings;
  readonly #parts: AccountParts;

  constructor(settings: OAuthSettings, parts: AccountParts) {
    this.settings = settings;
    this.#parts = parts;
  }

  async kept(): Promise<Kept> {
    return this.#parts.vault.read(recordOf(this.settings));
  }

  /** The grant for the server as it is configured now. */
  async grant(): Promise<Grant | null> {
    const { grant } = await this.kept();
    return grant?.server === this.settings.server.href ? grant : null;
  }

  /** Who we are at this server: as before, when that still fits. */
  async clientAt(
    guardian: Guardian,
    redirect: string | null,
    scopes: readonly string[],
  ): Promise<Registered> {
    const { servers } = await this.kept();
    const known = servers[guardian.as.issuer]?.client;
    const isOurs = known?.by === 'registration' && this.settings.clientId === null;
    if (isOurs && known.redirect === redirect) return known;
    const secret = await this.#parts.secret();
    const { outward } = this.#parts;
    const { as } = guardian;
    return registerAt({ outward, as, settings: this.settings, secret, redirect, scopes });
  }

  /** What is known of a server and of us there, kept before anything is asked of it. */
  async acquaint(guardian: Guardian, client: Registered, by: string): Promise<void> {
    const { issuer } = guardian.as;
    const change = ({ servers }: Kept): Partial<Kept> => {
      const { [issuer]: old, ...others } = servers;
      const fresh = { as: essentials(guardian.as), client, coarse: old?.coarse === true };
      return { servers: { ...others, [issuer]: fresh } };
    };
    await this.write(change, by);
  }

  desk(guardian: Guardian, client: Registered): TokenDesk {
    const { outward, doors } = this.#parts;
    return { outward, guardian, client, clock: doors.clock };
  }

  /** A token that this process lent is ended without the store, which may be away. */
  async leased(leaseId: string) {
    const known = await this.#parts.vault.known(recordOf(this.settings));
    const kept = known.leased[leaseId] === undefined ? await this.kept() : known;
    return { kept, token: kept.leased[leaseId] ?? null };
  }

  async deskAt({ as, client }: Acquaintance, resource = ''): Promise<TokenDesk> {
    const own = client.by === 'configuration' ? { secret: await this.#parts.secret() } : {};
    return this.desk({ resource, as, scopes: null, challenge: null }, { ...client, ...own });
  }

  write(change: (kept: Kept) => Partial<Kept>, by = SELF): Promise<Kept> {
    const { user } = this.settings;
    const whose = user === null ? {} : { user };
    const changed = (kept: Kept): Partial<Kept> => ({ ...change(kept), ...whose });
    return this.#parts.vault.write(recordOf(this.settings), changed, by);
  }
}

/** A dot is in no name of a connection; a user's name may hold anything. */
export function recordOf({ connection, user }: Pick<OAuthSettings, 'connection' | 'user'>): string {
  return user === null ? connection : `${connection}.${sha256(user).slice(0, 32)}`;
}
