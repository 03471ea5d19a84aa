import { ResponseBodyError } from 'oauth4webapi';
import type { Holder } from './holder.ts';
import {
  canProve,
  canRevoke,
  isDead,
  refreshTried,
  revokeToken,
  type Token,
  type TokenDesk,
} from './tokens.ts';
import type { Ending } from './vault.ts';

/*
 * The end of a grant: held → taken out (durable; nobody gets a token of it any more) → its refresh token revoked at its
 * server, then its access tokens → found dead, by showing each → forgotten. A refresh that flies while it is taken out lands
 * first (same process), or finds the grant gone and goes the same way (another replica): see `Holder.mint`.
 */

/** One try. `residual`: why its server cannot be asked to end it. */
export type Attempt =
  | { readonly over: true; readonly residual: string | null }
  | { readonly over: false; readonly why: string };

/** Takes out what was granted up to then; ids of all that is to be ended. Durable when it resolves. */
export function takeOut(holder: Holder, until: number, by?: string): Promise<readonly string[]> {
  return holder.alone(async () => {
    const { grant, ending = [] } = await holder.account.kept();
    if (grant === null || grant.at > until) return ending.map(({ id }) => id);
    const written = await holder.account.write((kept) => {
      const now = kept.grant;
      if (now === null || now.at > until) return {};
      return { grant: null, ending: [...(kept.ending ?? []), holder.ending(now, now.access)] };
    }, by);
    return (written.ending ?? []).map(({ id }) => id);
  });
}

/** Asks its server once, and forgets it when it is over. Throws when the server could not be asked. */
export async function tryToEnd(holder: Holder, id: string): Promise<Attempt> {
  const { ending = [], servers } = await holder.account.kept();
  const one = ending.find((each) => each.id === id);
  if (one === undefined) return { over: true, residual: null };
  const known = servers[one.issuer];
  if (known === undefined || !canRevoke(known.as)) {
    await forget(holder, id);
    return { over: true, residual: 'its authorization server has no revocation endpoint' };
  }
  const desk = await holder.account.deskAt(known, one.resource);
  const attempt = await askedToEnd(holder, desk, one);
  if (attempt.over) await forget(holder, id);
  return attempt;
}

async function askedToEnd(holder: Holder, desk: TokenDesk, one: Ending): Promise<Attempt> {
  if (one.refresh !== null) {
    try {
      await revokeToken(desk, one.refresh, 'refresh_token');
    } catch (error) {
      if (!(error instanceof ResponseBodyError) || error.error !== 'unsupported_token_type')
        throw error;
      return { over: true, residual: 'its authorization server does not end refresh tokens' };
    }
  }
  for (const { value } of one.access) await revokeToken(desk, value, 'access_token');
  if (one.refresh !== null && !(await isRefused(holder, desk, one)))
    return {
      over: false,
      why: 'its server took the order and the refresh token still works there',
    };
  return ofTokens(holder, desk, one);
}

/** Shown to its server, which is the only proof there is. One that works brings tokens, which are ended with it. */
async function isRefused(holder: Holder, desk: TokenDesk, one: Ending): Promise<boolean> {
  if (one.refresh === null) return true;
  const granted = await refreshTried(desk, one.refresh);
  if (granted === null) return true;
  const more: Ending = {
    ...one,
    refresh: granted.refresh ?? one.refresh,
    access: [...one.access, granted.access].slice(-MOST_ACCESS),
  };
  await holder.alone(() =>
    holder.account.write(({ ending = [] }) => ({
      ending: ending.map((each) => (each.id === one.id ? more : each)),
    })),
  );
  return false;
}

const MOST_ACCESS = 8;
const MARGIN_MS = 60_000;

async function ofTokens(holder: Holder, desk: TokenDesk, one: Ending): Promise<Attempt> {
  const { probe } = holder.settings;
  const isOver = ({ expiresAt }: Token): boolean =>
    expiresAt !== null && desk.clock.now() > expiresAt + MARGIN_MS;
  for (const token of one.access.filter((each) => !isOver(each))) {
    if (await isDead(desk, { url: new URL(one.server), probe }, token.value)) continue;
    if (token.expiresAt === null && !canProve(desk, probe))
      return {
        over: true,
        residual: 'nobody can say whether its server still takes its access token',
      };
    return { over: false, why: 'its access token is not known to be dead' };
  }
  return { over: true, residual: null };
}

function forget(holder: Holder, id: string): Promise<unknown> {
  return holder.alone(() =>
    holder.account.write(({ ending = [] }) => ({
      ending: ending.filter((each) => each.id !== id),
    })),
  );
}
