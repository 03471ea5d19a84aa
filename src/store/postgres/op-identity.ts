import type {
  AgentEnrol,
  OperatorAdd,
  OpResults,
  SecretForget,
  SecretSet,
  TokenIssue,
  TokenRenew,
  TokenRevoke,
  TokenRow,
} from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import {
  agentEnrolled,
  operatorAdded,
  secretForgotten,
  secretSet,
  tokenIssued,
  tokenRenewed,
  tokenRevoked,
} from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { chainFor, type Transaction } from './transaction.ts';

export interface StoredToken {
  readonly hash: string;
  readonly kind: TokenRow['kind'];
  readonly subject: string;
  readonly expires_at: number;
  readonly revoked: number;
}

const TOKEN = {
  name: 'token',
  text: 'SELECT hash, kind, subject, expires_at, revoked FROM tokens WHERE hash = $1',
};
const ISSUE = {
  name: 'issue',
  text: `INSERT INTO tokens (hash, kind, subject, expires_at, revoked)
    VALUES ($1, $2, $3, $4, $5)`,
};
const RENEW = { name: 'renew', text: 'UPDATE tokens SET expires_at = $2 WHERE hash = $1' };
const REVOKE = { name: 'revoke', text: 'UPDATE tokens SET revoked = 1 WHERE hash = $1' };
const USE_SETUP = {
  name: 'use-setup',
  text: `UPDATE tokens SET revoked = 1
    WHERE hash = $1 AND kind = 'setup' AND revoked = 0 AND expires_at > $2`,
};
/** Nobody answers for a first owner's code: a newer one ends it, and so does the first operator. */
const SETUP_ENDED = {
  name: 'setup-ended',
  text: `SELECT 1 AS ended FROM tokens AS mine WHERE mine.hash = $1 AND mine.subject = 'first-owner'
    AND (EXISTS (SELECT 1 FROM operators) OR EXISTS (
      SELECT 1 FROM tokens AS other WHERE other.kind = 'setup' AND other.subject = 'first-owner'
      AND other.expires_at > mine.expires_at))`,
};
const OPERATOR = { name: 'operator', text: 'SELECT name FROM operators WHERE name = $1' };
const ADD = { name: 'add', text: 'INSERT INTO operators (name, role, at) VALUES ($1, $2, $3)' };
const SECRET_VERSION = {
  name: 'secret-version',
  text: 'SELECT version FROM secrets WHERE name = $1',
};
const SECRET = {
  name: 'secret',
  text: `INSERT INTO secrets (name, sealed, version, at) VALUES ($1, $2, 1, $3)
    ON CONFLICT (name) DO UPDATE
      SET sealed = excluded.sealed, version = secrets.version + 1, at = excluded.at
    RETURNING version`,
};

const FORGET = { name: 'secret-forget', text: 'DELETE FROM secrets WHERE name = $1' };

export function tokenOf(row: StoredToken): TokenRow {
  const { hash, kind, subject } = row;
  return { hash, kind, subject, expiresAt: row.expires_at, revoked: row.revoked === 1 };
}

async function insertToken(tx: Transaction, token: TokenRow): Promise<void> {
  const { hash, kind, subject, expiresAt, revoked } = token;
  await tx.run(ISSUE, hash, kind, subject, expiresAt, revoked ? 1 : 0);
}

async function chainOf(tx: Transaction, token: TokenRow): Promise<string> {
  if (token.kind === 'run' && tx.chains.holds(token.subject)) return token.subject;
  return chainFor(tx, token.kind === 'run' ? token.subject : '');
}

export async function issue(tx: Transaction, op: TokenIssue): Promise<OpResults['token.issue']> {
  const chain = await chainOf(tx, op.token);
  await insertToken(tx, op.token);
  tx.chains.append(tokenIssued(op, chain));
  return { ok: true };
}

export async function renew(tx: Transaction, op: TokenRenew): Promise<OpResults['token.renew']> {
  const row = await lockedToken(tx, op.hash);
  if (row === undefined || row.revoked === 1 || row.expires_at <= op.at) return refused('revoked');
  await tx.run(RENEW, op.hash, op.expiresAt);
  tx.chains.append(tokenRenewed(op, await chainOf(tx, tokenOf(row))));
  return { ok: true };
}

export async function revoke(tx: Transaction, op: TokenRevoke): Promise<OpResults['token.revoke']> {
  const row = await lockedToken(tx, op.hash);
  if (row === undefined || row.revoked === 1) return { ok: true };
  await tx.run(REVOKE, op.hash);
  tx.chains.append(tokenRevoked(op.hash, await chainOf(tx, tokenOf(row)), op.at, 'asked'));
  return { ok: true };
}

/** A token of no run is guarded by the system chain: looked at again once that is locked. */
async function lockedToken(tx: Transaction, hash: string): Promise<StoredToken | undefined> {
  const row = await tx.one<StoredToken>(TOKEN, hash);
  if (row === undefined || (await chainOf(tx, tokenOf(row))) !== SYSTEM_CHAIN) return row;
  return tx.one<StoredToken>(TOKEN, hash);
}

export async function enrol(tx: Transaction, op: AgentEnrol): Promise<OpResults['agent.enrol']> {
  await tx.lock(SYSTEM_CHAIN);
  await insertToken(tx, op.token);
  tx.chains.append(agentEnrolled(op));
  return { ok: true };
}

export async function addOperator(
  tx: Transaction,
  op: OperatorAdd,
): Promise<OpResults['operator.add']> {
  await tx.lock(SYSTEM_CHAIN);
  if ((await tx.run(USE_SETUP, op.setupHash, op.at)) !== 1) return refused('used');
  if ((await tx.one(SETUP_ENDED, op.setupHash)) !== undefined) return refused('used');
  if ((await tx.one(OPERATOR, op.operator)) !== undefined) return refused('exists');
  await tx.run(ADD, op.operator, op.role, op.at);
  await insertToken(tx, op.token);
  tx.chains.append(operatorAdded(op));
  return { ok: true };
}

export async function setSecret(tx: Transaction, op: SecretSet): Promise<OpResults['secret.set']> {
  await tx.lock(SYSTEM_CHAIN);
  if (op.over !== undefined) {
    const had = await tx.one<{ version: number }>(SECRET_VERSION, op.name);
    if ((had?.version ?? 0) !== op.over) return refused('moved');
  }
  const row = await tx.one<{ version: number }>(SECRET, op.name, op.sealed, op.at);
  const version = row?.version ?? 1;
  tx.chains.append(secretSet(op, version));
  return { ok: true, version };
}

export async function forgetSecret(
  tx: Transaction,
  op: SecretForget,
): Promise<OpResults['secret.forget']> {
  await tx.lock(SYSTEM_CHAIN);
  const existed = (await tx.run(FORGET, op.name)) === 1;
  if (existed) tx.chains.append(secretForgotten(op));
  return { ok: true, existed };
}
