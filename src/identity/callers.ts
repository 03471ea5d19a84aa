import type { Caller } from '../domain/caller.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { haltOver, scopesOfRun } from '../domain/halt.ts';
import type { TokenRow } from '../domain/ops.ts';
import type { Run } from '../domain/run.ts';
import type { Store } from '../domain/store.ts';
import { again, present, reached } from './present.ts';
import { bearerOf, hashOfToken, mintToken } from './tokens.ts';

export interface IssuedToken {
  /** Shown once. */
  readonly token: string;
  readonly expiresAt: number;
}

/** A run token lives this long unless it is renewed. */
const RUN_TOKEN_MS = 5 * 60_000;

const KINDS = ['run', 'agent'] as const;
const MAX_WELL_FORMED = 1_024;

/** The agents' side of identity: proves callers and hands out run tokens. */
export interface Callers {
  /** Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_AUDIENCE, RUN_OVER, HALTED, STORE_DOWN. */
  authenticate(authorization: string | undefined): Promise<Caller>;
  /** A token for this run, of five minutes at most. Throws HALTED, STORE_DOWN. */
  issue(run: Run): Promise<IssuedToken>;
  /** Lengthens the life of a run's token while its run lives, never beyond it. Throws RUN_OVER, HALTED. */
  renew(caller: { readonly runId: string; readonly tokenHash: string }): Promise<number>;
}

export function createCallers({ store, doors }: { store: Store; doors: Doors }): Callers {
  const { clock, entropy } = doors;
  /** Headers whose token was read before and known then. Only the reading is spared: the store is asked each time. */
  const wellFormed = new Map<string, Pick<TokenRow, 'hash' | 'kind'>>();

  async function authenticate(authorization: string | undefined): Promise<Caller> {
    const row = await presented(authorization);
    if (row.revoked) throw await whyRevoked(store, row);
    return row.kind === 'agent'
      ? { kind: 'agent', agent: row.subject, tokenHash: row.hash }
      : { kind: 'run', runId: row.subject, tokenHash: row.hash };
  }

  function presented(authorization: string | undefined): Promise<TokenRow> {
    const known = authorization === undefined ? undefined : wellFormed.get(authorization);
    return known === undefined ? presentedAnew(authorization) : again(store, clock, known);
  }

  async function presentedAnew(authorization: string | undefined): Promise<TokenRow> {
    const row = await present(store, clock, bearerOf(authorization), KINDS);
    if (wellFormed.size >= MAX_WELL_FORMED) wellFormed.clear();
    if (!row.revoked) wellFormed.set(authorization ?? '', { hash: row.hash, kind: row.kind });
    return row;
  }

  async function issue(run: Run): Promise<IssuedToken> {
    const now = clock.now();
    const token = mintToken('run', entropy);
    const row: TokenRow = {
      hash: hashOfToken(token),
      kind: 'run',
      subject: run.id,
      expiresAt: Math.min(now + RUN_TOKEN_MS, run.expiresAt),
      revoked: false,
    };
    await reached(store.commit({ kind: 'token.issue', token: row, at: now }));
    // A halt that fell since the run began has revoked the tokens it saw; this one came after.
    const halt = await scopeHalted(store, { kind: 'run', subject: run.id }, run);
    if (halt === null) return { token, expiresAt: row.expiresAt };
    await reached(store.commit({ kind: 'token.revoke', hash: row.hash, at: now }));
    throw new SignalboxError('HALTED', `\`${halt}\` is halted`);
  }

  async function renew(caller: { runId: string; tokenHash: string }): Promise<number> {
    const now = clock.now();
    const run = await reached(store.run(caller.runId));
    if (run === null || run.state === 'ended' || now >= run.expiresAt) throw runOver();
    const expiresAt = Math.min(now + RUN_TOKEN_MS, run.expiresAt);
    const renewed = await reached(
      store.commit({ kind: 'token.renew', hash: caller.tokenHash, expiresAt, at: now }),
    );
    if (!renewed.ok)
      throw await whyRevoked(store, { kind: 'run', subject: caller.runId, hash: caller.tokenHash });
    return expiresAt;
  }

  return { authenticate, issue, renew };
}

/** A revoked token says why, so that an agent stops for the right reason: its run ended, a halt, or the token itself. */
async function whyRevoked(
  store: Store,
  row: Pick<TokenRow, 'kind' | 'subject' | 'hash'>,
): Promise<SignalboxError> {
  const run = row.kind === 'run' ? await reached(store.run(row.subject)) : null;
  if (run?.state === 'ended') return runOver();
  const halt = await scopeHalted(store, row, run);
  return halt === null
    ? new SignalboxError('TOKEN_INVALID', 'the token was revoked')
    : new SignalboxError('HALTED', `\`${halt}\` is halted`);
}

/** The scope of a halt over this run, or over this agent. */
async function scopeHalted(
  store: Store,
  row: Pick<TokenRow, 'kind' | 'subject'>,
  run: Run | null,
): Promise<string | null> {
  const scopes = run === null ? ['all'] : scopesOfRun(run);
  if (row.kind === 'agent') scopes.push(`agent:${row.subject}`);
  const { halts } = await reached(store.haltState());
  return haltOver(halts, scopes)?.scope ?? null;
}

function runOver(): SignalboxError {
  return new SignalboxError('RUN_OVER', 'the run of this token is over');
}
