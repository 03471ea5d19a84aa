import { SignalboxError } from '../../domain/errors.ts';
import type { Exchange } from '../http/listener.ts';
import type { AdminDeps, Operator } from './deps.ts';

/** Who calls, and how it was proven. `csrf` is null for a key: a browser never sends one by itself. */
export interface Visitor {
  readonly operator: Operator;
  readonly csrf: string | null;
}

const COOKIE = 'signalbox_session';

/** Cookies over plain HTTP cannot have the prefix that browsers guard; the listener is loopback then. */
function cookieName(tls: boolean): string {
  return tls ? `__Host-${COOKIE}` : COOKIE;
}

/** Throws TOKEN_MISSING and its kin. Where the call came from never counts. */
export async function visitor(deps: AdminDeps, exchange: Exchange): Promise<Visitor> {
  const { authorization } = exchange.request.headers;
  if (authorization !== undefined)
    return { operator: await deps.operators.authenticate(authorization), csrf: null };
  const cookie = sessionCookie(deps, exchange);
  if (cookie === undefined)
    throw new SignalboxError('TOKEN_MISSING', 'expected an operator key, got none', {
      help: '`signalbox login`, or send `Authorization: Bearer <operator key>`',
    });
  return deps.operators.sessions.authenticate(cookie);
}

/** The same for what changes state: a session must also show the token of its own pages. */
export async function changer(deps: AdminDeps, exchange: Exchange): Promise<Visitor> {
  const known = await visitor(deps, exchange);
  if (known.csrf !== null) {
    const header = exchange.request.headers['x-csrf-token'];
    checkCsrf(deps, exchange, typeof header === 'string' ? header : null);
  }
  return known;
}

/** Throws CSRF. For forms, whose token comes in the body. */
export function checkCsrf(deps: AdminDeps, exchange: Exchange, given: string | null): void {
  deps.operators.sessions.checkCsrf(sessionCookie(deps, exchange) ?? '', given);
}

export function sessionCookie(deps: AdminDeps, exchange: Exchange): string | undefined {
  const name = cookieName(deps.tls);
  const found = (exchange.request.headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
  // Two of one name: somebody planted one, and which is ours cannot be told.
  return found.length === 1 ? found[0] : undefined;
}

export function setCookie(deps: AdminDeps, cookie: string): { readonly 'set-cookie': string } {
  const secure = deps.tls ? '; Secure' : '';
  return {
    'set-cookie': `${cookieName(deps.tls)}=${cookie}; Path=/; HttpOnly; SameSite=Strict${secure}`,
  };
}

export function clearCookie(deps: AdminDeps): { readonly 'set-cookie': string } {
  const secure = deps.tls ? '; Secure' : '';
  return {
    'set-cookie': `${cookieName(deps.tls)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${secure}`,
  };
}
