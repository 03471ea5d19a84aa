import { createHmac, timingSafeEqual } from 'node:crypto';
import { sha256 } from '../domain/digest.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Store } from '../domain/store.ts';
import { found, reached } from './present.ts';
import { kindOfToken, mintToken } from './tokens.ts';

/**
 * A browser session: opened by a key, renewed by use, closed by logout, after 30 idle minutes or 8 hours.
 * Its cookie is a session token and the time it was opened (`sbx_ses_….base36`). The hash that is stored covers
 * both, so the second part cannot be changed by who holds it, and nothing about a session lives in memory.
 */
export interface Sessions {
  open(operator: { readonly name: string }): Promise<Session>;
  /** Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, OPERATOR_UNKNOWN. */
  authenticate(cookie: string | undefined): Promise<{
    readonly operator: SessionOperator;
    readonly csrf: string;
  }>;
  /** Throws CSRF unless `given` is the token of this session. */
  checkCsrf(cookie: string, given: string | null | undefined): void;
  close(cookie: string): Promise<void>;
}

export interface Session {
  /** For a cookie that is HttpOnly, SameSite=Strict, and Secure over TLS. */
  readonly cookie: string;
  /** For forms and the `x-csrf-token` header. */
  readonly csrf: string;
  readonly expiresAt: number;
}

interface SessionOperator {
  readonly name: string;
  readonly role: 'owner' | 'operator';
}

const LIFE_MS = 8 * 3_600_000;
const IDLE_MS = 30 * 60_000;
/** Use lengthens a session at most this often, so that reading pages does not write. */
const RENEW_EVERY_MS = 60_000;

export function createSessions({
  store,
  doors: { clock, entropy },
  operatorNamed,
}: {
  store: Store;
  doors: Doors;
  operatorNamed: (name: string) => Promise<SessionOperator>;
}): Sessions {
  async function renew(hash: string, expiresAt: number, openedAt: number): Promise<void> {
    const now = clock.now();
    const until = Math.min(now + IDLE_MS, openedAt + LIFE_MS);
    if (until - expiresAt < RENEW_EVERY_MS) return;
    const op = { kind: 'token.renew', hash, expiresAt: until, at: now } as const;
    if (!(await reached(store.commit(op))).ok) throw over();
  }

  return {
    async open({ name }) {
      const now = clock.now();
      const cookie = `${mintToken('session', entropy)}.${now.toString(36)}`;
      const token = {
        hash: sha256(cookie),
        kind: 'session' as const,
        subject: name,
        expiresAt: now + IDLE_MS,
        revoked: false,
      };
      await reached(store.commit({ kind: 'token.issue', token, at: now }));
      return { cookie, csrf: csrfOf(cookie), expiresAt: token.expiresAt };
    },

    async authenticate(cookie) {
      if (cookie === undefined || cookie === '')
        throw new SignalboxError('TOKEN_MISSING', 'there is no session', { help: 'log in first' });
      const openedAt = openedAtOf(cookie);
      if (openedAt === null)
        throw new SignalboxError('TOKEN_INVALID', 'this is no session of ours');
      const hash = sha256(cookie);
      const row = found(await reached(store.token(hash)), 'session', clock);
      if (row.revoked || clock.now() >= openedAt + LIFE_MS) throw over();
      await renew(hash, row.expiresAt, openedAt);
      return { operator: await operatorNamed(row.subject), csrf: csrfOf(cookie) };
    },

    checkCsrf(cookie, given) {
      const expected = Buffer.from(csrfOf(cookie));
      const got = Buffer.from(given ?? '');
      if (expected.length !== got.length || !timingSafeEqual(expected, got))
        throw new SignalboxError('CSRF', 'the form does not belong to this session');
    },

    async close(cookie) {
      await reached(store.commit({ kind: 'token.revoke', hash: sha256(cookie), at: clock.now() }));
    },
  };
}

function openedAtOf(cookie: string): number | null {
  const dot = cookie.indexOf('.');
  if (dot === -1 || kindOfToken(cookie.slice(0, dot)) !== 'session') return null;
  const time = cookie.slice(dot + 1);
  return /^[0-9a-z]{1,11}$/.test(time) ? Number.parseInt(time, 36) : null;
}

/** Known to whoever holds the session's cookie, and to nobody else. */
function csrfOf(cookie: string): string {
  return createHmac('sha256', cookie).update('signalbox/csrf').digest('base64url');
}

function over(): SignalboxError {
  return new SignalboxError('TOKEN_EXPIRED', 'the session is over', { help: 'log in again' });
}
