import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { TokenRow } from '../domain/ops.ts';
import type { Store } from '../domain/store.ts';
import { hashOfToken, kindOfToken, type TokenKind } from './tokens.ts';

/**
 * Looks a presented token up, in the store and nowhere else: a revocation or halt is seen by the next call.
 * Throws TOKEN_INVALID (mistyped, unknown), TOKEN_AUDIENCE (a kind for another door), TOKEN_EXPIRED;
 * a revoked one is for the caller to explain.
 */
export async function present(
  store: Store,
  clock: Clock,
  token: string,
  kinds: readonly TokenKind[],
): Promise<TokenRow> {
  const kind = kindOfToken(token);
  if (kind === null) throw new SignalboxError('TOKEN_INVALID', 'the token is not one of ours');
  if (!kinds.includes(kind))
    throw new SignalboxError(
      'TOKEN_AUDIENCE',
      `this door takes ${kinds.map((name) => `a token of kind \`${name}\``).join(' or ')}, got \`${kind}\``,
    );
  return found(await reached(store.token(hashOfToken(token))), kind, clock);
}

/** The same for a token whose kind and hash were found before. */
export async function again(
  store: Store,
  clock: Clock,
  { hash, kind }: Pick<TokenRow, 'hash' | 'kind'>,
): Promise<TokenRow> {
  return found(await reached(store.token(hash)), kind, clock);
}

/** The row, if it is of this kind and in time. */
export function found(row: TokenRow | null, kind: TokenKind, clock: Clock): TokenRow {
  if (row === null || row.kind !== kind)
    throw new SignalboxError('TOKEN_INVALID', 'the token is not known here');
  if (!row.revoked && clock.now() >= row.expiresAt)
    throw new SignalboxError('TOKEN_EXPIRED', 'the token has expired');
  return row;
}

/** Whatever the store rejects with, it cannot vouch for anybody: STORE_DOWN. */
export async function reached<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (fault) {
    if (fault instanceof SignalboxError) throw fault;
    throw new SignalboxError('STORE_DOWN', 'the store cannot be asked who calls', { cause: fault });
  }
}
