import type { Lease, Revocability } from '../../domain/credential.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { Account, type AccountParts, SELF } from './account.ts';
import { bearerChallenge, type Challenge } from './challenge.ts';
import { clip, failed, findGuardian, type Guardian, namedGuardian } from './discovery.ts';
import { Doubts } from './doubts.ts';
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
} from './tokens.ts';
import { Turns } from './turns.ts';
import type { Acquaintance, Ending, Grant, Kept } from './vault.ts';

/** What a server said to one of our tokens. `lease`: whose it was; absent, every token of the connection is doubted. */
export interface Refused {
  readonly status: number;
  readonly header: string | null;
  readonly leaseId?: string;
}

const MARGIN_MS = 60_000;
/** Tokens of their own for this many leases at once; more share one. */
const MAX_LEASED = 16;
const MAX_WANTED = 64;

/**
 * The tokens of one connection. A grant is absent → given (a human, or our own credentials) → refreshed … → gone (its
 * server says so, or is another one now, or refuses token after token), then a human is needed. Where its server can end
 * single tokens, each lease has one of its own, so that ending a run ends nothing else; elsewhere all share one.
 */
export class Holder {
  readonly settings: OAuthSettings;
  readonly account: Account;
  readonly #parts: AccountParts;
  readonly #doubts: Doubts;
  #challenge: Challenge | null = null;
  #wanted: readonly string[] = [];
  /** The server refused a token since its guardian was last looked up. */
  #stale = false;
  /** An access token was ended at the server since the last refresh. */
  #ended = false;
  readonly #turns: Turns;

  constructor(settings: OAuthSettings, parts: AccountParts) {
    this.settings = settings;
    this.account = new Account(settings, parts);
    this.#parts = parts;
    this.#doubts = new Doubts(parts.doors.clock);
    this.#turns = new Turns(parts.doors.clock);
  }

  /** How fast a token that a lease gets now can be ended. Throws AUTHORIZATION_NEEDED when there is none to get. */
  prepare(): Promise<Revocability> {
    return this.#turns.asking(async () => {
      const { kept, grant } = await this.#ready();
      const known = kept.servers[grant.issuer];
      const own =
        known !== undefined &&
        canRevoke(known.as) &&
        known.coarse !== true &&
        grant.separable &&
        this.#renews(grant) &&
        Object.keys(kept.leased).length < MAX_LEASED;
      return own ? 'bounded' : 'none';
    });
  }

  mint(lease: Lease): Promise<string> {
    return this.#turns.asking(async () => {
      const { grant } = await this.#ready();
      if (lease.revocability === 'none') {
        const token = await this.#shared(grant);
        this.#doubts.lent(lease.id, token);
        return token.value;
      }
      const granted = await this.#renewed(grant);
      const { issuer, server } = grant;
      await this.#renew(grant, granted, ({ leased }) => ({
        leased: { ...leased, [lease.id]: { ...granted.access, issuer, server } },
      }));
      this.#doubts.lent(lease.id, granted.access);
      return granted.access.value;
    });
  }

  /** The token that belongs to no lease: for reading catalogues. */
  shared(): Promise<string> {
    return this.#turns.asking(async () => {
      const { grant } = await this.#ready();
      return (await this.#shared(grant)).value;
    });
  }

  /** Gets a token by our own credentials now, whatever was refused before. Throws AUTHORIZATION_FAILED. */
  async selfAuthorize(): Promise<void> {
    await this.alone(async () => {
      await this.#selfGranted(await this.account.grant());
      this.#doubts.calm();
    });
  }

  /** Whether a token could be had without a human, as far as is known. */
  async isUsable(): Promise<boolean> {
    const grant = await this.account.grant();
    if (grant === null || this.#doubts.exhausted) return false;
    return this.#renews(grant) || this.#doubts.usable(grant.access);
  }

  /** A lease whose token is refused or about to expire is not handed out again. */
  isSpent(leaseId: string): boolean {
    const token = this.#doubts.of(leaseId);
    return token !== undefined && !this.#doubts.usable(token);
  }

  async end(leaseId: string): Promise<void> {
    const { kept, token } = await this.account.leased(leaseId);
    const known = kept.servers[token?.issuer ?? ''];
    if (token === null || known === undefined || !canRevoke(known.as)) return;
    await revokeToken(await this.account.deskAt(known), token.value, 'access_token');
    this.#ended = true;
  }

  /** A lease without a kept token never got one out: the value is known to nobody. */
  async isDead(leaseId: string): Promise<boolean> {
    const { kept, token } = await this.account.leased(leaseId);
    if (token === null) return true;
    const known = kept.servers[token.issuer];
    const over = token.expiresAt !== null && this.#now() > token.expiresAt + MARGIN_MS;
    if (!over && known === undefined) return false;
    if (!over && known !== undefined) {
      const desk = await this.account.deskAt(known);
      const { probe } = this.settings;
      if (!(await isDead(desk, { url: new URL(token.server), probe }, token.value))) return false;
    }
    await this.alone(async () => {
      await this.account.write(({ leased }) => {
        const { [leaseId]: _dead, ...rest } = leased;
        return { leased: rest };
      });
    });
    this.#doubts.ended(leaseId);
    return true;
  }

  /** Remembers what the server wants, so that the next token, or the next human, gives it. */
  refused({ status, header, leaseId }: Refused): Promise<void> {
    const one = this.#doubts.of(leaseId);
    // at once: the next call may come before anything is awaited
    if (status === 401) this.#doubts.doubt(one);
    return this.alone(async () => {
      const challenge = await bearerChallenge(header);
      if (challenge !== null) this.#challenge = challenge;
      if (status === 403) {
        const missed = challenge?.scopes ?? [];
        this.#wanted = [...new Set([...this.#wanted, ...missed])].slice(0, MAX_WANTED);
      }
      if (status === 401) await this.#refusedToken(one);
    });
  }

  /** What the server lacks in our tokens, by its own words. */
  get wanted(): readonly string[] {
    return this.#wanted;
  }

  get challenge(): Challenge | null {
    return this.#challenge;
  }

  guardian(known: string | null): Promise<Guardian> {
    const { authority, server } = this.settings;
    const { outward } = this.#parts;
    return authority === null
      ? findGuardian(outward, server, this.#challenge, known)
      : namedGuardian(outward, authority, this.#challenge);
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
    await this.account.write(() => ({ grant }), by);
    this.#wanted = [];
    this.#challenge = null;
    this.#stale = false;
    this.#ended = false;
    this.#doubts.renewed(granted.access);
    if (by !== SELF) this.#doubts.calm();
    return grant;
  }

  /** What becomes of a grant, and of the token that all share, when it is ended. */
  ending({ server, issuer, resource, refresh }: Grant, access: Token | null): Ending {
    const { clock, entropy } = this.#parts.doors;
    const tokens = access === null ? [] : [access];
    const id = entropy.id('grant');
    return { id, server, issuer, resource, refresh, access: tokens, since: clock.now() };
  }

  /** One at a time: a refresh token may be good for one use only. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.alone(work);
  }

  /** A grant that tokens can come from, or AUTHORIZATION_NEEDED. */
  async #ready(): Promise<{ readonly kept: Kept; readonly grant: Grant }> {
    const grant = await this.account.grant();
    if (this.#doubts.exhausted)
      throw this.#needed('its server refused one new token after the other');
    if (this.settings.grant === 'client_credentials') {
      const own = await this.#ownGrant(grant);
      return { grant: own, kept: await this.account.kept() };
    }
    if (grant === null) throw this.#needed('nobody has authorized it yet');
    if (this.#stale) await this.#lookAgain(grant);
    if (!this.#renews(grant) && !this.#doubts.usable(grant.access))
      throw this.#needed('its token is over, and none came to refresh it with');
    return { kept: await this.account.kept(), grant };
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
    const client = await this.account.clientAt(guardian, null, asked);
    await this.account.acquaint(guardian, client, SELF);
    const granted = await ownCredentials(this.account.desk(guardian, client), asked).catch(
      (error: Error) => {
        throw error instanceof GrantGone ? failed(error.message) : error;
      },
    );
    return this.accept(guardian, granted, asked, SELF);
  }

  async #shared(grant: Grant): Promise<Token> {
    if (this.#doubts.usable(grant.access)) return grant.access;
    const granted = await this.#renewed(grant);
    await this.#renew(grant, granted, () => ({}), granted.access);
    return granted.access;
  }

  /**
   * What a refresh brought stands in its grant, or, when that was ended while its server answered, goes the same way.
   * `access`: what all share from now on.
   */
  async #renew(
    grant: Grant,
    granted: Granted,
    more: (kept: Kept) => Partial<Kept>,
    access?: Token,
  ): Promise<void> {
    const written = await this.account.write((kept) => {
      const now = kept.grant;
      if (now === null || now.at !== grant.at)
        return {
          ending: [...(kept.ending ?? []), this.ending(after(grant, granted), granted.access)],
        };
      const shared = access === undefined ? {} : { access };
      return { ...more(kept), grant: { ...after(now, granted), ...shared } };
    });
    if (written.grant?.at !== grant.at)
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        'the grant was ended while a token was made from it',
      );
  }

  async #renewed(grant: Grant): Promise<Granted> {
    const known = (await this.account.kept()).servers[grant.issuer];
    if (known === undefined) throw this.#needed('nothing is known of its authorization server');
    const desk = await this.account.deskAt(known, grant.resource);
    try {
      const granted =
        grant.refresh === null
          ? await ownCredentials(desk, grant.asked)
          : await refreshed(desk, grant.refresh, grant.scopes);
      this.#doubts.given(granted.access);
      this.#ended = false;
      return granted;
    } catch (error) {
      if (!(error instanceof GrantGone)) throw error;
      // it does not know us: what it granted lives on, and is kept to be ended
      if (error.code !== 'invalid_grant') throw failed(error.message);
      // another replica may have used it up and keeps the next one
      const now = (await this.account.kept()).grant;
      if (now !== null && now.at === grant.at && now.refresh !== grant.refresh)
        return this.#renewed(now);
      await this.#gone(grant, known);
      throw this.#needed(error.message);
    }
  }

  /** A refresh token that died after an access token was ended: this server ends both, so single ones are left alone. */
  async #gone(grant: Grant, known: Acquaintance): Promise<void> {
    const seen = { ...known, coarse: known.coarse === true || this.#ended };
    await this.account.write((kept) => ({
      ...(kept.grant?.at === grant.at ? { grant: { ...grant, refresh: null, access: null } } : {}),
      servers: { ...kept.servers, [grant.issuer]: seen },
    }));
  }

  /** `one`: the token of the lease that was refused, where that is known; else any of them. */
  async #refusedToken(one: Token | undefined): Promise<void> {
    const { newest } = this.#doubts;
    this.#doubts.countRefusal();
    this.#stale = true;
    const grant = await this.account.grant();
    if (grant === null) return;
    if (one === undefined && grant.access !== null) this.#doubts.doubt(grant.access);
    // an older one that died when a newer was given tells that this server gives only one
    const superseded = one !== undefined && newest !== null && one.value !== newest.value;
    if (superseded && grant.separable)
      await this.account.write((kept) =>
        kept.grant?.at === grant.at
          ? { grant: { ...kept.grant, separable: false, access: newest } }
          : {},
      );
  }

  #renews(grant: Grant): boolean {
    return grant.refresh !== null || this.settings.grant === 'client_credentials';
  }

  #needed(why: string): SignalboxError {
    const { connection, user } = this.settings;
    const whose = user === null ? '' : ` --user ${user}`;
    const command = `signalbox connection authorize ${connection}${whose}`;
    return new SignalboxError(
      'AUTHORIZATION_NEEDED',
      `connection \`${connection}\` is not authorized at its server${user === null ? '' : ` by \`${user}\``}: ${why}; an owner runs \`${command}\``,
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
