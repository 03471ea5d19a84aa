import {
  AuthorizationResponseError,
  calculatePKCECodeChallenge,
  validateAuthResponse,
} from 'oauth4webapi';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { clip, failed, type Guardian } from './discovery.ts';
import { takeOut } from './grant-end.ts';
import type { Holder } from './holder.ts';
import type { Registered } from './registration.ts';
import { isLasting, scopesToAsk } from './scopes.ts';
import { exchangeCode, GrantGone } from './tokens.ts';
import type { Grant } from './vault.ts';

/** What a human is to open, and what for. */
export interface Opening {
  readonly url: string;
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly redirect: string;
  /** Until then the answer is taken. Ms since the epoch. */
  readonly expiresAt: number;
}

interface Pending {
  readonly holder: Holder;
  readonly guardian: Guardian;
  readonly client: Registered;
  readonly scopes: readonly string[];
  readonly redirect: string;
  readonly verifier: string;
  readonly by: string;
  readonly expiresAt: number;
}

const OPEN_MS = 10 * 60_000;
const MAX_PENDING = 32;

/**
 * The part of OAuth that needs a human: opened → answered | over. What comes back is known by its `state` alone, which is
 * unguessable, used once and good for ten minutes; the session of the operator cannot come with it, since browsers keep
 * it to our own pages.
 */
export class Authorizing {
  readonly #doors: Doors;
  readonly #pending = new Map<string, Pending>();

  constructor(doors: Doors) {
    this.#doors = doors;
  }

  /** Throws AUTHORIZATION_FAILED. */
  async open(holder: Holder, redirect: string, by: string): Promise<Opening> {
    const grant = await holder.alone(() => holder.account.grant());
    const guardian = await holder.guardian(grant?.issuer ?? null);
    const { as, resource } = guardian;
    const endpoint = endpointOf(guardian, holder.settings.allowPrivate);
    const scopes = scopesToAsk(holder.settings, guardian, grant, holder.wanted);
    const client = await holder.alone(async () => {
      const found = await holder.account.clientAt(guardian, redirect, scopes);
      await holder.account.acquaint(guardian, found, by);
      return found;
    });
    const state = this.#secret();
    const verifier = this.#secret();
    const expiresAt = this.#doors.clock.now() + OPEN_MS;
    const kept = { holder, guardian, client, scopes, redirect, verifier, by, expiresAt };
    this.#keep(state, kept);
    const query = {
      response_type: 'code',
      client_id: client.id,
      redirect_uri: redirect,
      state,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(resource === '' ? {} : { resource }),
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
      ...(isLasting(scopes) ? { prompt: 'consent' } : {}),
    };
    for (const [name, value] of Object.entries(query)) endpoint.searchParams.set(name, value);
    return { url: endpoint.href, issuer: as.issuer, resource, scopes, redirect, expiresAt };
  }

  /**
   * What the authorization server sent the human's browser back with. `gate`: throws while nothing may be granted at that
   * connection. Throws AUTHORIZATION_FAILED.
   */
  async complete(
    callback: URLSearchParams,
    gate: (connection: { readonly name: string }) => Promise<void>,
  ): Promise<{
    readonly connection: string;
    readonly user: string | null;
    readonly grant: Grant;
    readonly by: string;
  }> {
    const state = callback.get('state') ?? '';
    const pending = this.#pending.get(state);
    this.#pending.delete(state);
    if (pending === undefined || this.#doors.clock.now() > pending.expiresAt)
      throw failed('this answer belongs to no authorization that was begun here and is still open');
    const { holder, guardian, client, scopes, redirect, verifier, by } = pending;
    const checked = checkedAnswer(guardian, client, callback, state);
    const { connection, user } = holder.settings;
    await gate({ name: connection });
    const grant = await holder.alone(async () => {
      const granted = await exchangeCode(
        holder.account.desk(guardian, client),
        checked,
        redirect,
        verifier,
        scopes,
      );
      return holder.accept(guardian, granted, scopes, by);
    });
    // a halt may have fallen while the code was exchanged: then this goes the way of what it ended
    await gate({ name: connection }).catch(async (error: unknown) => {
      await takeOut(holder, grant.at);
      throw error;
    });
    return { connection, user, grant, by };
  }

  #keep(state: string, pending: Pending): void {
    const now = this.#doors.clock.now();
    for (const [known, { expiresAt }] of this.#pending)
      if (now > expiresAt) this.#pending.delete(known);
    if (this.#pending.size >= MAX_PENDING)
      throw new SignalboxError('OVERLOADED', `${MAX_PENDING} authorizations are open already`);
    this.#pending.set(state, pending);
  }

  #secret(): string {
    return Buffer.from(this.#doors.entropy.bytes(32)).toString('base64url');
  }
}

/** Where the human goes; only ever a page. A server that does not say that it checks PKCE is not trusted with a code. */
function endpointOf({ as }: Guardian, allowPrivate: boolean): URL {
  if (as.code_challenge_methods_supported?.includes('S256') !== true)
    throw failed(`\`${clip(as.issuer)}\` does not say that it supports PKCE with S256`);
  const url = URL.parse(as.authorization_endpoint ?? '');
  const safe = url?.protocol === 'https:' || (allowPrivate && url?.protocol === 'http:');
  if (url === null || !safe)
    throw failed(`\`${clip(as.issuer)}\` names no authorization endpoint that can be opened`);
  url.hash = '';
  return url;
}

/** The issuer of the answer is compared as text (RFC 9207), and it must be there when its server says that it always is. */
function checkedAnswer(
  { as }: Guardian,
  { id }: Registered,
  callback: URLSearchParams,
  state: string,
): URLSearchParams {
  try {
    return validateAuthResponse(as, { client_id: id }, callback, state);
  } catch (error) {
    if (error instanceof AuthorizationResponseError)
      throw failed(
        `\`${clip(as.issuer)}\` said no: \`${clip(error.error)}\` ${clip(error.error_description ?? '')}`.trim(),
      );
    throw failed(`the answer is refused: ${clip((error as Error).message)}`, error);
  }
}

/** A code that was not taken is as final as any other no. */
export function asFailure(error: unknown): unknown {
  return error instanceof GrantGone ? failed(error.message) : error;
}
