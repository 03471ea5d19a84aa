import type { ApprovalBinding } from '../../domain/approval.ts';
import type { Lease } from '../../domain/credential.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type {
  BundleApply,
  LeaseWrite,
  LedgerErase,
  OpResults,
  SystemNote,
} from '../../domain/ops.ts';
import { bundleApplied, leaseWritten, ledgerErased, noted } from '../../ledger/record.ts';
import { withoutContent } from '../erased.ts';
import { refused } from '../ground.ts';
import { isHalted } from '../halted.ts';
import { chainFor, controlOf, runGate, type Transaction } from './transaction.ts';

export function applyBundle(tx: Transaction, op: BundleApply): OpResults['bundle.apply'] {
  if (controlOf(tx).bundle !== op.expected) return refused('moved');
  tx.database.run(
    'INSERT INTO bundles (digest, body, applied_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    op.bundle.digest,
    JSON.stringify(op.bundle),
    op.at,
  );
  tx.database.run('UPDATE control SET bundle = ? WHERE id = 1', op.bundle.digest);
  tx.chains.append(bundleApplied(op));
  return { ok: true };
}

/**
 * Nothing begins to be minted under a halt in scope: what that halt found alive is all there is to revoke. A lease that
 * is being revoked never comes back to life: who tries learns it by a fault.
 */
export function writeLease(tx: Transaction, op: LeaseWrite): OpResults['lease.write'] {
  const { lease } = op;
  const scopes = [
    'all',
    `agent:${lease.agent}`,
    `run:${lease.runId}`,
    `connection:${lease.connection}`,
  ];
  if (lease.state === 'minting' && isHalted(tx, scopes, lease.runId)) return refused('halted');
  const before = tx.database.one<{ state: Lease['state'] }>(
    'SELECT state FROM leases WHERE id = ?',
    lease.id,
  );
  const over = before !== undefined && !['minting', 'live'].includes(before.state);
  if (over && ['minting', 'live'].includes(lease.state))
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `lease \`${lease.id}\` is \`${before.state}\` and cannot become \`${lease.state}\``,
    );
  tx.database.run(
    `INSERT INTO leases (id, run_id, agent, connection, issuer, handle, revocability, state,
       minted_at, expires_at, replica) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET handle = excluded.handle, revocability = excluded.revocability,
       state = excluded.state, minted_at = excluded.minted_at, expires_at = excluded.expires_at`,
    lease.id,
    lease.runId,
    lease.agent,
    lease.connection,
    lease.issuer,
    lease.handle,
    lease.revocability,
    lease.state,
    lease.mintedAt,
    lease.expiresAt,
    op.replica ?? null,
  );
  tx.chains.append(leaseWritten(op, chainFor(tx, lease.runId)));
  return { ok: true };
}

/**
 * Destroys what a run's people and data could be recognised by: its key, its payloads, and the digests of its arguments
 * (few arguments are hard to guess). An intent that is still open keeps its trace, or recovery could not settle it.
 */
export function erase(tx: Transaction, op: LedgerErase): OpResults['ledger.erase'] {
  const run = runGate(tx, op.runId);
  if (run === undefined || run.erased === 1) return refused('missing');
  const { database } = tx;
  const payloads = tx.chains.erase(op.runId);
  database.run('UPDATE runs SET erased = 1 WHERE id = ?', op.runId);
  database.run(
    `UPDATE actions SET arguments_digest = NULL,
       trace = CASE WHEN state IN ('open', 'running') THEN trace END
     WHERE id IN (SELECT json_extract(body, '$.action') FROM events
       WHERE chain = ? AND type LIKE 'action.%' AND type <> 'action.read')`,
    op.runId,
  );
  const asks = database.all<{ id: string; binding: string }>(
    'SELECT id, binding FROM approvals WHERE run_id = ?',
    op.runId,
  );
  for (const { id, binding } of asks) {
    database.run(
      'UPDATE approvals SET arguments_digest = NULL, ask_key = NULL, binding = ? WHERE id = ?',
      JSON.stringify(withoutContent(JSON.parse(binding) as ApprovalBinding)),
      id,
    );
  }
  tx.chains.append(ledgerErased(op, payloads));
  return { ok: true, payloads };
}

const NOTE = /^[a-z][a-z0-9.-]{0,63}$/;

export function note(tx: Transaction, op: SystemNote): OpResults['system.note'] {
  if (!NOTE.test(op.type)) throw new RangeError('a note needs a lower-case dotted name');
  tx.chains.append(noted(op));
  return { ok: true };
}
