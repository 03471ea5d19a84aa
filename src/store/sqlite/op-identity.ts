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

export const TOKEN_BY_HASH =
  'SELECT hash, kind, subject, expires_at, revoked FROM tokens WHERE hash = ?';

const SECRET_VERSION = 'SELECT version FROM secrets WHERE name = ?';

export function tokenOf(row: StoredToken): TokenRow {
  const { hash, kind, subject } = row;
  return { hash, kind, subject, expiresAt: row.expires_at, revoked: row.revoked === 1 };
}

function insertToken({ database }: Transaction, token: TokenRow): void {
  database.run(
    'INSERT INTO tokens (hash, kind, subject, expires_at, revoked) VALUES (?, ?, ?, ?, ?)',
    token.hash,
    token.kind,
    token.subject,
    token.expiresAt,
    token.revoked ? 1 : 0,
  );
}

function chainOf(tx: Transaction, token: TokenRow): string {
  return token.kind === 'run' ? chainFor(tx, token.subject) : SYSTEM_CHAIN;
}

export function issue(tx: Transaction, op: TokenIssue): OpResults['token.issue'] {
  insertToken(tx, op.token);
  tx.chains.append(tokenIssued(op, chainOf(tx, op.token)));
  return { ok: true };
}

export function renew(tx: Transaction, op: TokenRenew): OpResults['token.renew'] {
  const row = tx.database.one<StoredToken>(TOKEN_BY_HASH, op.hash);
  if (row === undefined || row.revoked === 1 || row.expires_at <= op.at) return refused('revoked');
  tx.database.run('UPDATE tokens SET expires_at = ? WHERE hash = ?', op.expiresAt, op.hash);
  tx.chains.append(tokenRenewed(op, chainOf(tx, tokenOf(row))));
  return { ok: true };
}

export function revoke(tx: Transaction, op: TokenRevoke): OpResults['token.revoke'] {
  const row = tx.database.one<StoredToken>(TOKEN_BY_HASH, op.hash);
  if (row === undefined || row.revoked === 1) return { ok: true };
  tx.database.run('UPDATE tokens SET revoked = 1 WHERE hash = ?', op.hash);
  tx.chains.append(tokenRevoked(op.hash, chainOf(tx, tokenOf(row)), op.at, 'asked'));
  return { ok: true };
}

export function enrol(tx: Transaction, op: AgentEnrol): OpResults['agent.enrol'] {
  insertToken(tx, op.token);
  tx.chains.append(agentEnrolled(op));
  return { ok: true };
}

export function addOperator(tx: Transaction, op: OperatorAdd): OpResults['operator.add'] {
  const { database } = tx;
  const setup = database.run(
    `UPDATE tokens SET revoked = 1
     WHERE hash = ? AND kind = 'setup' AND revoked = 0 AND expires_at > ?`,
    op.setupHash,
    op.at,
  );
  if (setup !== 1) return refused('used');
  // nobody answers for a first owner's code: a newer one ends it, and so does the first operator
  const ended = database.one(
    `SELECT 1 AS ended FROM tokens AS mine WHERE mine.hash = ? AND mine.subject = 'first-owner'
     AND (EXISTS (SELECT 1 FROM operators) OR EXISTS (
       SELECT 1 FROM tokens AS other WHERE other.kind = 'setup' AND other.subject = 'first-owner'
       AND other.expires_at > mine.expires_at))`,
    op.setupHash,
  );
  if (ended !== undefined) return refused('used');
  if (database.one('SELECT name FROM operators WHERE name = ?', op.operator) !== undefined)
    return refused('exists');
  database.run(
    'INSERT INTO operators (name, role, at) VALUES (?, ?, ?)',
    op.operator,
    op.role,
    op.at,
  );
  insertToken(tx, op.token);
  tx.chains.append(operatorAdded(op));
  return { ok: true };
}

export function setSecret(tx: Transaction, op: SecretSet): OpResults['secret.set'] {
  if (op.over !== undefined) {
    const had = tx.database.one<{ version: number }>(SECRET_VERSION, op.name);
    if ((had?.version ?? 0) !== op.over) return refused('moved');
  }
  const row = tx.database.one<{ version: number }>(
    `INSERT INTO secrets (name, sealed, version, at) VALUES (?, ?, 1, ?)
     ON CONFLICT DO UPDATE SET sealed = excluded.sealed, version = version + 1, at = excluded.at
     RETURNING version`,
    op.name,
    op.sealed,
    op.at,
  );
  const version = row?.version ?? 1;
  tx.chains.append(secretSet(op, version));
  return { ok: true, version };
}

export function forgetSecret(tx: Transaction, op: SecretForget): OpResults['secret.forget'] {
  const existed = tx.database.run('DELETE FROM secrets WHERE name = ?', op.name) === 1;
  if (existed) tx.chains.append(secretForgotten(op));
  return { ok: true, existed };
}
