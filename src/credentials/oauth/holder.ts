import type { Lease, Revocability } from '../../domain/credential.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { bearerChallenge, type Challenge } from './challenge.ts';
import { clip, failed, findGuardian, type Guardian } from './discovery.ts';
import type { Outward } from './outward.ts';
import { type Registered, registerAt } from './registration.ts';
import { scopesToAsk } from './scopes.ts';
import type { OAuthSettings } from './settings.ts';
import {
  canRevoke,
  type Granted,
  GrantGone,
  isDead,
  ownCredentials,
  refreshed,
  revokeToken,
  type Token,
  type TokenDesk,
} from './tokens.ts';
import { type Acquaintance, essentials, type Grant, type GrantVault, type Kept } from './vault.ts';

/** What a server said to one of our tokens. `lease`: whose it was; absent, every token of the connection is doubted. */
export interface Refused {
  readonly status: number;
  readonly header: string | null;
  readonly leaseId?: string;
}

export interface HolderParts {
  readonly vault: GrantVault;
  readonly outward: Outward;
  readonly doors: Doors;
  /** The value of the configured client secret, if one is named. */
  readonly secret: () => Promise<string | null>;
}

const MARGIN_MS = 60_000;
/** Tokens of their own for this many leases at once; more share one. */
const MAX_LEASED = 16;
const MAX_DOUBTED = 64;
/** So many refused tokens in a row, none of them in use for a while, and only a human goes on. */
const MAX_REFUSALS = 3;
const SETTLED_MS = 60_000;
const MAX_WANTED = 64;
const SELF = 'signalbox';

/**
 * The tokens of one connection. A grant is absent → given (a human, or our own credentials) → refreshed … → gone (its
 * server says so, or is another one now, or refuses token after token), then a human is needed. Where its server can end
 * single tokens, each lease has one of its own, so that ending a run ends nothing else; elsewhere all share one.
 */
export class Holder {
  readonly settings: OAuthSettings;
  readonly #parts: HolderParts;
  readonly #doubted = new Set<string>();
  readonly #minted = new Map<string, Token>();
  #challenge: Challenge | null = null;
  #wanted: readonly string[] = [];
  /** The server refused a token since its guardian was last looked up. */
  #stale = false;
  #refusals = 0;
  #newest: Token | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: OAuthSettings, parts: HolderParts) {
    this.settings = settings;
    this.#parts = parts;
  }

  /** How fast a token that a lease gets now can be ended. Throws AUTHORIZATION_NEEDED when there is none to get. */
  prepare(): Promise<Revocability> {
    return this.alone(async () => {
      const { kept, grant } = await this.#ready();
      const as = kept.servers[grant.issuer]?.as;
      const own =
        as !== undefined &&
        canRevoke(as) &&
        this.#renews(grant) &&
        grant.separable &&
        Object.keys(kept.leased).length < MAX_LEASED;
      return own ? 'bounded' : 'none';
    });
  }

  mint(lease: Lease): Promise<string> {
    return this.alone(async () => {
      const { kept, grant } = await this.#ready();
      if (lease.revocability === 'none') {
        const token = await this.#shared(grant);
        this.#remember(lease.id, token);
        return token.value;
      }
      const granted = await this.#renewed(grant);
      const { issuer, server } = grant;
      await this.#write({
        grant: after(grant, granted),
        leased: { ...kept.leased, [lease.id]: { ...granted.access, issuer, server } },
      });
      this.#remember(lease.id, granted.access);
      return granted.access.value;
    });
  }

  /** The token that belongs to no lease: for reading catalogues. */
  shared(): Promise<string> {
    return this.alone(async () => {
      const { grant } = await this.#ready();
      return (await this.#shared(grant)).value;
    });
  }

  /** Gets a token by our own credentials now, whatever was refused before. Throws AUTHORIZATION_FAILED. */
  async selfAuthorize(): Promise<void> {
    await this.alone(async () => {
      this.#refusals = 0;
      await this.#selfGranted(await this.grant());
    });
  }

  /** Whether a token could be had without a human, as far as is known. */
  async isUsable(): Promise<boolean> {
    const grant = await this.grant();
    if (grant === null || this.#refusals >= MAX_REFUSALS) return false;
    return this.#renews(grant) || this.#usable(grant.access);
  }

  /** A lease whose token is refused or about to expire is not handed out again. */
  isSpent(leaseId: string): boolean {
    const token = this.#minted.get(leaseId);
    return token !== undefined && !this.#usable(token);
  }

  async end(leaseId: string): Promise<void> {
    const { kept, token } = await this.#leased(leaseId);
    const known = kept.servers[token?.issuer ?? ''];
    if (token === null || known === undefined || !canRevoke(known.as)) return;
    await revokeToken(await this.#deskAt(known), token.value, 'access_token');
  }

  /** A lease without a kept token never got one out: the value is known to nobody. */
  async isDead(leaseId: string): Promise<boolean> {
    const { kept, token } = await this.#leased(leaseId);
    if (token === null) return true;
    const known = kept.servers[token.issuer];
    const over = token.expiresAt !== null && this.#now() > token.expiresAt + MARGIN_MS;
    if (!over && known === undefined) return false;
    if (!over && known !== undefined) {
      const desk = await this.#deskAt(known);
      if (!(await isDead(desk, new URL(token.server), token.value))) return false;
    }
    await this.alone(async () => {
      const { leased } = await this.kept();
      const { [leaseId]: _dead, ...rest } = leased;
      await this.#write({ leased: rest });
    });
    this.#minted.delete(leaseId);
    return true;
  }

  /** Remembers what the server wants, so that the next token, or the next human, gives it. */
  async refused({ status, header, leaseId }: Refused): Promise<void> {
    const challenge = await bearerChallenge(header);
    if (challenge !== null) this.#challenge = challenge;
    if (status === 403) {
      const missed = challenge?.scopes ?? [];
      this.#wanted = [...new Set([...this.#wanted, ...missed])].slice(0, MAX_WANTED);
      return;
    }
    if (status !== 401) return;
    this.#stale = true;
    const given = this.#newest;
    const settled = given === null || this.#now() - given.at > SETTLED_MS;
    this.#refusals = settled ? 1 : this.#refusals + 1;
    await this.#doubt(leaseId);
  }

  /** What the server lacks in our tokens, by its own words. */
  get wanted(): readonly string[] {
    return this.#wanted;
  }

  get challenge(): Challenge | null {
    return this.#challenge;
  }

  async kept(): Promise<Kept> {
    return this.#parts.vault.read(this.settings.connection);
  }

  /** The grant for the server as it is configured now. */
  async grant(): Promise<Grant | null> {
    const { grant } = await this.kept();
    return grant?.server === this.settings.server.href ? grant : null;
  }

  guardian(known: string | null): Promise<Guardian> {
    return findGuardian(this.#parts.outward, this.settings.server, this.#challenge, known);
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
    const { [issuer]: _old, ...others } = (await this.kept()).servers;
    const servers = { ...others, [issuer]: { as: essentials(guardian.as), client } };
    await this.#write({ servers }, by);
  }

  desk(guardian: Guardian, client: Registered): TokenDesk {
    const { outward, doors } = this.#parts;
    return { outward, guardian, client, clock: doors.clock };
  }

  /** A new grant takes the place of the old one. */
  async accept(
    guardian: Guardian,
    granted: Granted,
    asked: readonly string[],
    by: string,
  ): Promise<Grant> {
    const grant: Grant = {
      server: this.settings.server.href,
      issuer: guardian.as.issuer,
      resource: guardian.resource,
      scopes: granted.scopes,
      asked,
      refresh: granted.refresh,
      access: granted.access,
      separable: true,
      by,
      at: this.#now(),
    };
    await this.#write({ grant }, by);
    this.#wanted = [];
    this.#challenge = null;
    this.#stale = false;
    this.#refusals = 0;
    this.#newest = granted.access;
    return grant;
  }

  /** Ends the grant at its server where that can be done, and forgets it. True when the server took it back. */
  async forget(by: string): Promise<boolean> {
    return this.alone(async () => {
      const kept = await this.kept();
      const { grant } = kept;
      const known = kept.servers[grant?.issuer ?? ''];
      await this.#write({ grant: null }, by);
      if (grant === null || known === undefined || !canRevoke(known.as)) return false;
      const desk = await this.#deskAt(known, grant.resource);
      if (grant.refresh !== null) await revokeToken(desk, grant.refresh, 'refresh_token');
      if (grant.access !== null) await revokeToken(desk, grant.access.value, 'access_token');
      return true;
    });
  }

  /** One at a time: a refresh token may be good for one use only. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** A grant that tokens can come from, or AUTHORIZATION_NEEDED. */
  async #ready(): Promise<{ readonly kept: Kept; readonly grant: Grant }> {
    const grant = await this.grant();
    if (this.#refusals >= MAX_REFUSALS)
      throw this.#needed(`its server refused ${this.#refusals} tokens in a row`);
    if (this.settings.grant === 'client_credentials') {
      const own = await this.#ownGrant(grant);
      return { grant: own, kept: await this.kept() };
    }
    if (grant === null) throw this.#needed('nobody has authorized it yet');
    if (this.#stale) await this.#lookAgain(grant);
    if (!this.#renews(grant) && !this.#usable(grant.access))
      throw this.#needed('its token is over, and none came to refresh it with');
    return { kept: await this.kept(), grant };
  }

  /** After a refused token: the server may have gone over to another authorization server. What was held stays away from that one. */
  async #lookAgain(grant: Grant): Promise<void> {
    const guardian = await this.guardian(grant.issuer);
    if (guardian.as.issuer !== grant.issuer)
      throw this.#needed(
        `its authorization server is \`${clip(guardian.as.issuer)}\` now, no longer \`${clip(grant.issuer)}\``,
      );
    this.#stale = false;
  }

  /** Without a human nobody else can step up: what the server missed is asked for once. */
  async #ownGrant(grant: Grant | null): Promise<Grant> {
    if (grant === null || this.#stale) return this.#selfGranted(grant);
    const missed = this.#wanted.filter((scope) => !grant.asked.includes(scope));
    this.#wanted = [];
    if (missed.length === 0 || this.settings.scopes !== null) return grant;
    this.#wanted = missed;
    return this.#selfGranted(grant).catch(() => {
      this.#wanted = [];
      return grant;
    });
  }

  async #selfGranted(old: Grant | null): Promise<Grant> {
    const guardian = await this.guardian(old?.issuer ?? null);
    const asked = scopesToAsk(this.settings, guardian, old, this.#wanted);
    const client = await this.clientAt(guardian, null, asked);
    await this.acquaint(guardian, client, SELF);
    const granted = await ownCredentials(this.desk(guardian, client), asked).catch(
      (error: Error) => {
        throw error instanceof GrantGone ? failed(error.message) : error;
      },
    );
    const refusals = this.#refusals;
    const grant = await this.accept(guardian, granted, asked, SELF);
    this.#refusals = refusals;
    return grant;
  }

  async #shared(grant: Grant): Promise<Token> {
    if (this.#usable(grant.access)) return grant.access;
    const granted = await this.#renewed(grant);
    await this.#write({ grant: { ...after(grant, granted), access: granted.access } });
    return granted.access;
  }

  async #renewed(grant: Grant): Promise<Granted> {
    const known = (await this.kept()).servers[grant.issuer];
    if (known === undefined) throw this.#needed('nothing is known of its authorization server');
    const desk = await this.#deskAt(known, grant.resource);
    try {
      const granted =
        grant.refresh === null
          ? await ownCredentials(desk, grant.asked)
          : await refreshed(desk, grant.refresh, grant.scopes);
      this.#newest = granted.access;
      return granted;
    } catch (error) {
      if (!(error instanceof GrantGone)) throw error;
      await this.#write({ grant: { ...grant, refresh: null, access: null } });
      throw this.#needed(error.message);
    }
  }

  /** One lease's token, or all. An older one that died when a newer was given tells that this server gives only one. */
  async #doubt(leaseId: string | undefined): Promise<void> {
    const one = leaseId === undefined ? undefined : this.#minted.get(leaseId);
    const shared = (await this.grant())?.access;
    const doubted =
      one === undefined ? [...this.#minted.values(), ...(shared == null ? [] : [shared])] : [one];
    for (const { value } of doubted) this.#doubted.add(value);
    for (const value of [...this.#doubted].slice(0, -MAX_DOUBTED)) this.#doubted.delete(value);
    const superseded = one !== undefined && one.at < (this.#newest?.at ?? 0);
    if (!superseded || one.value === shared?.value) return;
    await this.alone(async () => {
      const grant = await this.grant();
      if (grant?.separable) await this.#write({ grant: { ...grant, separable: false } });
    });
  }

  #usable(token: Token | null): token is Token {
    if (token === null || this.#doubted.has(token.value)) return false;
    if (token.expiresAt === null) return true;
    const margin = Math.min(MARGIN_MS, (token.expiresAt - token.at) / 4);
    return this.#now() < token.expiresAt - margin;
  }

  #renews(grant: Grant): boolean {
    return grant.refresh !== null || this.settings.grant === 'client_credentials';
  }

  #remember(leaseId: string, token: Token): void {
    this.#minted.set(leaseId, token);
    const oldest = this.#minted.size > 1_024 ? this.#minted.keys().next().value : undefined;
    if (oldest !== undefined) this.#minted.delete(oldest);
  }

  async #leased(leaseId: string) {
    const kept = await this.kept();
    return { kept, token: kept.leased[leaseId] ?? null };
  }

  async #deskAt({ as, client }: Acquaintance, resource = ''): Promise<TokenDesk> {
    const own = client.by === 'configuration' ? { secret: await this.#parts.secret() } : {};
    return this.desk({ resource, as, scopes: null, challenge: null }, { ...client, ...own });
  }

  #write(change: Partial<Kept>, by = SELF): Promise<Kept> {
    return this.#parts.vault.write(this.settings.connection, change, by);
  }

  #needed(why: string): SignalboxError {
    const command = `signalbox connection authorize ${this.settings.connection}`;
    return new SignalboxError(
      'AUTHORIZATION_NEEDED',
      `connection \`${this.settings.connection}\` is not authorized at its server: ${why}; an owner runs \`${command}\``,
      { help: `\`${command}\`` },
    );
  }

  #now(): number {
    return this.#parts.doors.clock.now();
  }
}

function after(grant: Grant, granted: Granted): Grant {
  return { ...grant, scopes: granted.scopes, refresh: granted.refresh ?? grant.refresh };
}
