import type { Connection } from '../domain/bundle.ts';
import type {
  Credential,
  CredentialDesk,
  CredentialIssuer,
  Lease,
  LeaseReport,
  Trying,
} from '../domain/credential.ts';
import { SignalboxError } from '../domain/errors.ts';
import { type HaltScope, partsOf, scopesOfRun } from '../domain/halt.ts';
import type { Run } from '../domain/run.ts';
import type { OwnedLease } from '../domain/store.ts';
import { keyOf } from './lease-key.ts';
import { addSources } from './lease-sources.ts';
import type { LeasesParts } from './leases-parts.ts';
import type { RenewableIssuer } from './renewable-issuer.ts';
import { Tries, whyOf } from './tries.ts';

/** A lease that is being ended: confirmed at its source, then recorded too. */
interface Dying {
  readonly over: Promise<LeaseReport>;
  readonly recorded: Promise<LeaseReport>;
}

interface Held {
  readonly lease: Lease;
  readonly credential: Credential;
}

const ALIVE = ['minting', 'live', 'revoking'] as const;
/** A lease is replaced this long before it expires, so that no call begins with a dying credential. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Life of a lease: minting → live → revoking → dead, or residual when its source cannot be asked to end it.
 * The row is durable before the mint, so that a crash in between leaves a row that the next start revokes.
 */
export class Leases implements CredentialDesk {
  readonly #parts: LeasesParts;
  readonly #issuers: ReadonlyMap<string, CredentialIssuer | RenewableIssuer>;
  /** By run and connection as configured; a promise, so that calls that come together share one mint. */
  readonly #held = new Map<string, Promise<Held>>();
  readonly #dying = new Map<string, Dying>();
  /** Leases whose mint is under way here, and of those the ones that were ended meanwhile. */
  readonly #minting = new Map<string, Promise<void>>();
  readonly #endedEarly = new Set<string>();
  /** Leases made by this process and not ended: a sweep leaves them alone until their time is over. */
  readonly #own = new Map<
    string,
    { readonly lease: Lease; readonly scopes: readonly HaltScope[] }
  >();
  /** Of those, the ones that nothing more goes out on: the next sweep ends them. */
  readonly #forgotten = new Set<string>();
  readonly #tries: Tries;
  /** Where a lease that is made or ended here was minted: its connection may be gone from the configuration. */
  readonly #source = new Map<string, Connection>();

  constructor(parts: LeasesParts) {
    this.#parts = parts;
    this.#tries = new Tries('lease', parts);
    this.#issuers = new Map(parts.issuers.map((issuer) => [issuer.kind, issuer]));
  }

  async obtain(run: Run, connection: Connection): Promise<Credential | null> {
    if (connection.issuer === undefined) return null;
    const key = keyOf(run.id, connection);
    const known = this.#held.get(key);
    if (known !== undefined) {
      const held = await known;
      if (this.#held.get(key) === known && this.#isFresh(held.lease, connection))
        return held.credential;
      // the old lease lives to its end: other calls may still fly on it
      if (this.#held.get(key) === known) this.#held.delete(key);
    }
    const joined = this.#held.get(key);
    if (joined !== undefined) return (await joined).credential;
    const minting = this.#mint(run, connection, connection.issuer);
    this.#held.set(key, minting);
    minting.catch(() => this.#held.get(key) === minting && this.#held.delete(key));
    return (await minting).credential;
  }

  async revoke(which: (lease: Lease) => boolean): Promise<readonly LeaseReport[]> {
    return this.revokeThese((await this.#parts.store.leases({ state: ALIVE })).filter(which));
  }

  async revokeThese(alive: readonly Lease[]): Promise<readonly LeaseReport[]> {
    await addSources(this.#source, alive, this.#parts.connection);
    return Promise.all(alive.map((lease) => this.#end(lease)));
  }

  async endThese(alive: readonly Lease[]): Promise<readonly LeaseReport[]> {
    await addSources(this.#source, alive, this.#parts.connection);
    return Promise.all(alive.map((lease) => this.#ending(lease).over));
  }

  async revokeKnown(which: (lease: Lease) => boolean): Promise<readonly LeaseReport[]> {
    const known = [...this.#own.values()].map(({ lease }) => lease);
    return Promise.all(known.filter(which).map((lease) => this.#end(lease)));
  }

  trying(): readonly Trying[] {
    return this.#tries.all();
  }

  async letGo(scope: HaltScope): Promise<void> {
    const hit = [...this.#own.values()].filter(({ scopes }) => scopes.includes(scope));
    const unsure = hit.filter(({ lease: { id } }) => this.#minting.has(id) || this.#dying.has(id));
    for (const { lease } of hit) {
      this.#drop(lease);
      this.#forgotten.add(lease.id);
    }
    await Promise.all(unsure.map(({ lease }) => this.#end(lease)));
  }

  /**
   * Revokes what outlived its time, its run or its replica: at start after a crash, then from time to time. What a
   * living replica holds is its own.
   */
  async sweep(): Promise<number> {
    const { store, doors } = this.#parts;
    const now = doors.clock.now();
    this.#parts.strays?.();
    const alive = await store.leases({ state: ALIVE });
    const isLeft = (await this.#parts.whoseIsLeft?.()) ?? (() => true);
    const orphans = alive.filter((lease) =>
      lease.replica === store.replica
        ? !this.#own.has(lease.id) || this.#forgotten.has(lease.id) || now >= lease.expiresAt
        : isLeft(lease.replica),
    );
    await Promise.all(orphans.map((lease) => this.#end(lease)));
    return orphans.length;
  }

  /** Stops retrying; what is not dead is found again by the next start. */
  close(): void {
    this.#tries.close();
  }

  async #mint(run: Run, connection: Connection, kind: string): Promise<Held> {
    const { doors } = this.#parts;
    const issuer = this.#issuer(kind);
    const revocability =
      'revocabilityAt' in issuer
        ? await issuer.revocabilityAt(connection, run)
        : issuer.revocability;
    const now = doors.clock.now();
    const id = doors.entropy.id('lease');
    const lease: Lease = {
      id,
      runId: run.id,
      agent: run.agent,
      connection: connection.name,
      issuer: kind,
      handle: issuer.handleFor(id, run),
      revocability,
      state: 'minting',
      mintedAt: now,
      expiresAt: Math.min(now + issuer.lifetimeMs, run.expiresAt),
    };
    const minted = Promise.withResolvers<void>();
    this.#minting.set(id, minted.promise);
    const scopes = [...scopesOfRun(run), `connection:${connection.name}`, `credential:${id}`];
    this.#own.set(id, { lease, scopes });
    this.#source.set(id, connection);
    try {
      await this.#begin(lease);
      const credential = await issuer.mint({ lease, connection, run });
      this.#parts.minted?.(credential);
      if (this.#endedEarly.has(id))
        throw new SignalboxError(
          'CREDENTIAL_FAILED',
          'a halt or the end of its run came while this credential was made',
        );
      await this.#write(lease, 'live', 'minted');
      return { lease: { ...lease, state: 'live' }, credential };
    } catch (error) {
      if (error instanceof SignalboxError && error.code === 'HALTED') throw error;
      // who ended it meanwhile waits for this mint, and ends what came of it
      if (!this.#endedEarly.has(id)) void this.#endAfresh(lease);
      if (error instanceof SignalboxError) throw error;
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        `no credential could be made for \`${connection.name}\``,
        { cause: error },
      );
    } finally {
      this.#minting.delete(id);
      minted.resolve();
      this.#endedEarly.delete(id);
    }
  }

  /** A run whose credential was halted gets no other at that connection until the halt is lifted. */
  async #refuseHalted({ runId, connection }: Lease): Promise<void> {
    const { store } = this.#parts;
    const { halts } = await store.haltState();
    const named = halts.flatMap(({ scope, state }) => {
      const [kind, id] = partsOf(scope);
      return kind === 'credential' && state !== 'lifted' ? [id] : [];
    });
    if (named.length === 0) return;
    const earlier = await store.leases({ runId });
    if (earlier.some((each) => each.connection === connection && named.includes(each.id)))
      throw new SignalboxError('HALTED', 'a credential of this run at this connection is halted', {
        help: 'only an operator can lift a halt',
      });
  }

  async #begin(lease: Lease): Promise<void> {
    await this.#refuseHalted(lease);
    const at = lease.mintedAt;
    const begun = await this.#parts.store.commit({
      kind: 'lease.write',
      lease,
      note: 'about to be minted',
      at,
    });
    if (!begun.ok)
      throw new SignalboxError('HALTED', 'no credential is made under a halt', {
        help: 'only an operator can lift a halt',
      });
  }

  /** After a mint that failed: it may have come to something at its source. */
  async #endAfresh(lease: Lease): Promise<void> {
    await this.#dying.get(lease.id)?.recorded.catch(() => {});
    await this.#end(lease).catch(() => {});
  }

  #end(lease: Lease): Promise<LeaseReport> {
    return this.#ending(lease).recorded;
  }

  /** Asks the source until the credential is dead there; one attempt at a time per lease, shared by all who ask. */
  #ending(lease: Lease): Dying {
    const known = this.#dying.get(lease.id);
    if (known !== undefined) return known;
    if (this.#minting.has(lease.id)) this.#endedEarly.add(lease.id);
    this.#drop(lease);
    const ending = this.#endNow(lease);
    const recorded = ending
      .then(async ({ report, written }) => {
        await written;
        return report;
      })
      .finally(() => {
        this.#dying.delete(lease.id);
        this.#own.delete(lease.id);
        this.#forgotten.delete(lease.id);
        this.#tries.over(lease.id);
        this.#source.delete(lease.id);
      });
    recorded.catch(() => {});
    const dying = { over: ending.then(({ report }) => report), recorded };
    this.#dying.set(lease.id, dying);
    return dying;
  }

  async #endNow(lease: Lease): Promise<{ report: LeaseReport; written: Promise<unknown> }> {
    const { doors } = this.#parts;
    const started = doors.clock.monotonic();
    const issuer = this.#issuer(lease.issuer);
    // the source is asked at once, whatever becomes of this record: a store that is slow or away protects no credential
    const noted = this.#write(lease, 'revoking', 'revocation asked for').catch(() => {});
    if (lease.revocability === 'none') {
      const written = this.#written(
        lease,
        'residual',
        'its source cannot be asked to end it; rotate the secret if it may have leaked',
      );
      const over = { ...lease, state: 'residual' } as const;
      const report = this.#report(over, started, 'dropped here; not revocable at its source');
      return { report, written: Promise.all([noted, written]) };
    }
    const ended = await this.#tries.until(async () => {
      for (;;) {
        const minting = this.#minting.get(lease.id);
        if (!(await this.#attempt(lease, issuer))) return null;
        // what is confirmed dead while it is still being made says nothing about the moment after
        if (minting === undefined) return (await this.#isMadeElsewhere(lease)) ? null : true;
        await minting;
      }
    });
    if (ended === null) {
      const left = { ...lease, state: 'revoking' } as const;
      const report = this.#report(left, started, 'stopped before the source confirmed');
      return { report, written: noted };
    }
    const written = this.#written(lease, 'dead', 'the source confirmed that it is dead');
    const over = { ...lease, state: 'dead' } as const;
    const report = this.#report(over, started, 'confirmed dead at its source');
    return { report, written: Promise.all([noted, written]) }; // the store keeps the order
  }

  /** Another replica was making it: that one ends it, or dies and is taken over. */
  async #isMadeElsewhere(lease: Lease | OwnedLease): Promise<boolean> {
    const { store, whoseIsLeft } = this.#parts;
    if (!('replica' in lease) || lease.replica === store.replica || lease.state === 'live')
      return false;
    if (whoseIsLeft === undefined) return false;
    try {
      const [row] = (await store.leases({ runId: lease.runId })).filter(
        ({ id }) => id === lease.id,
      );
      if (row === undefined || row.state === 'dead' || row.state === 'residual') return false;
      return !(await whoseIsLeft())(lease.replica);
    } catch {
      return true; // who owns it cannot be asked now
    }
  }

  #report(lease: Lease, started: number, note: string): LeaseReport {
    const ms = this.#parts.doors.clock.monotonic() - started;
    return { lease, dead: lease.state === 'dead', ms, note };
  }

  async #attempt(lease: Lease, issuer: CredentialIssuer): Promise<boolean> {
    try {
      const connection =
        this.#source.get(lease.id) ?? (await this.#parts.connection(lease.connection));
      if (connection === null) throw new Error('its connection is no longer configured');
      await issuer.revoke(lease, connection);
      if (await issuer.verifyDead(lease, connection)) return true;
      this.#tries.failed(lease, 'its source took the order and the credential still works there');
    } catch (error) {
      this.#tries.failed(lease, whyOf(error));
    }
    return false;
  }

  /** Until the store takes it. What is not written when this process ends is found by the next start, and asked again. */
  async #written(lease: Lease, state: Lease['state'], note: string): Promise<void> {
    await this.#tries.until(() =>
      this.#write(lease, state, note).then(
        () => true,
        () => null,
      ),
    );
  }

  async #write(lease: Lease, state: Lease['state'], note: string): Promise<void> {
    await this.#parts.store.commit({
      kind: 'lease.write',
      lease: { ...lease, state },
      note,
      at: this.#parts.doors.clock.now(),
    });
  }

  #drop(lease: Lease): void {
    const source = this.#source.get(lease.id);
    if (source === undefined) return;
    const key = keyOf(lease.runId, source);
    const held = this.#held.get(key);
    held?.then(
      (have) =>
        have.lease.id === lease.id && this.#held.get(key) === held && this.#held.delete(key),
      () => {},
    );
  }

  #isFresh(lease: Lease, connection: Connection): boolean {
    const issuer = this.#issuer(lease.issuer);
    if ('isSpent' in issuer && issuer.isSpent(lease, connection)) return false;
    return this.#parts.doors.clock.now() < lease.expiresAt - RENEW_BEFORE_MS;
  }

  #issuer(kind: string): CredentialIssuer | RenewableIssuer {
    const issuer = this.#issuers.get(kind);
    if (issuer === undefined)
      throw new SignalboxError('CREDENTIAL_FAILED', `there is no credential issuer \`${kind}\``);
    return issuer;
  }
}
