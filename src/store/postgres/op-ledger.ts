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
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import { bundleApplied, leaseWritten, ledgerErased, noted } from '../../ledger/record.ts';
import { withoutContent } from '../erased.ts';
import { refused } from '../ground.ts';
import { isHalted } from '../halted.ts';
import { chainFor, type Transaction } from './transaction.ts';

const BUNDLE = {
  name: 'bundle',
  text: `INSERT INTO bundles (digest, body, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
};
const ACTIVATE = { name: 'activate', text: 'UPDATE control SET bundle = $1 WHERE id = 1' };
const LEASE = { name: 'lease', text: 'SELECT state FROM leases WHERE id = $1' };
const WRITE_LEASE = {
  name: 'write-lease',
  text: `INSERT INTO leases (id, run_id, agent, connection, issuer, handle, revocability, state,
      minted_at, expires_at, replica) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, revocability = excluded.revocability,
      state = excluded.state, minted_at = excluded.minted_at, expires_at = excluded.expires_at`,
};
const END_LEASES = {
  name: 'end-leases',
  text: `INSERT INTO leases (id, run_id, agent, connection, issuer, handle, revocability, state,
      minted_at, expires_at, replica)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
      $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])
    ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, revocability = excluded.revocability,
      state = excluded.state, minted_at = excluded.minted_at, expires_at = excluded.expires_at`,
};
const ERASE_KEY = { name: 'erase-key', text: 'DELETE FROM chain_keys WHERE chain = $1' };
const ERASE_PAYLOADS = { name: 'erase-payloads', text: 'DELETE FROM payloads WHERE chain = $1' };
const ERASE_RUN = { name: 'erase-run', text: 'UPDATE runs SET erased = 1 WHERE id = $1' };
const ERASE_ACTIONS = {
  name: 'erase-actions',
  text: `UPDATE actions SET arguments_digest = NULL,
      trace = CASE WHEN state IN ('open', 'running') THEN trace END
    WHERE id IN (SELECT body::json->>'action' FROM events
      WHERE chain = $1 AND type LIKE 'action.%' AND type <> 'action.read')`,
};
const ASKS = { name: 'asks', text: 'SELECT id, binding FROM approvals WHERE run_id = $1' };
const ERASE_ASK = {
  name: 'erase-ask',
  text: `UPDATE approvals SET arguments_digest = NULL, ask_key = NULL, binding = $2 WHERE id = $1`,
};

export async function applyBundle(
  tx: Transaction,
  op: BundleApply,
): Promise<OpResults['bundle.apply']> {
  if (tx.standing.control().bundle !== op.expected) return refused('moved');
  await tx.lock(SYSTEM_CHAIN);
  await tx.run(BUNDLE, op.bundle.digest, JSON.stringify(op.bundle), op.at);
  await tx.run(ACTIVATE, op.bundle.digest);
  tx.chains.append(bundleApplied(op));
  tx.notify('bundle');
  return { ok: true };
}

/**
 * Nothing begins to be minted under a halt in scope: what that halt found alive is all there is to revoke. A lease that
 * is being revoked never comes back to life: who tries learns it by a fault.
 */
export async function writeLease(
  tx: Transaction,
  op: LeaseWrite,
): Promise<OpResults['lease.write']> {
  const { lease } = op;
  const scopes = [
    'all',
    `agent:${lease.agent}`,
    `run:${lease.runId}`,
    `connection:${lease.connection}`,
  ];
  if (lease.state === 'minting' && isHalted(tx, scopes, lease.runId)) return refused('halted');
  const chain = await chainFor(tx, lease.runId);
  const before = await tx.one<{ state: Lease['state'] }>(LEASE, lease.id);
  const isOver = before !== undefined && !['minting', 'live'].includes(before.state);
  if (isOver && ['minting', 'live'].includes(lease.state))
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `lease \`${lease.id}\` is \`${before.state}\` and cannot become \`${lease.state}\``,
    );
  tx.send(WRITE_LEASE, ...columnsOf(op));
  tx.chains.append(leaseWritten(op, chain));
  return { ok: true };
}

/** Takes a lease towards its end: nothing that stands or was before can refuse it. */
export function isLeaseEnd(op: { readonly kind: string }): op is LeaseWrite {
  return op.kind === 'lease.write' && !['minting', 'live'].includes((op as LeaseWrite).lease.state);
}

/** The same for the ends of several leases, each once, in one statement. */
export async function endLeases(
  tx: Transaction,
  ops: readonly LeaseWrite[],
): Promise<OpResults['lease.write']> {
  const rows = ops.map(columnsOf);
  const [first = []] = rows;
  tx.send(END_LEASES, ...first.map((_, column) => rows.map((row) => row[column])));
  for (const op of ops) tx.chains.append(leaseWritten(op, await chainFor(tx, op.lease.runId)));
  return { ok: true };
}

function columnsOf({ lease, replica }: LeaseWrite): readonly unknown[] {
  return [
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
    replica ?? null,
  ];
}

/**
 * Destroys what a run's people and data could be recognised by: its key, its payloads, and the digests of its arguments
 * (few arguments are hard to guess). An intent that is still open keeps its trace, or recovery could not settle it.
 */
export async function erase(tx: Transaction, op: LedgerErase): Promise<OpResults['ledger.erase']> {
  const run = tx.standing.run(op.runId);
  if (run === undefined || run.erased === 1) return refused('missing');
  await tx.run(ERASE_KEY, op.runId);
  const payloads = await tx.run(ERASE_PAYLOADS, op.runId);
  await tx.run(ERASE_RUN, op.runId);
  await tx.run(ERASE_ACTIONS, op.runId);
  for (const { id, binding } of await tx.all<{ id: string; binding: string }>(ASKS, op.runId))
    await tx.run(
      ERASE_ASK,
      id,
      JSON.stringify(withoutContent(JSON.parse(binding) as ApprovalBinding)),
    );
  tx.chains.erased(op.runId);
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(ledgerErased(op, payloads));
  return { ok: true, payloads };
}

const NOTE = /^[a-z][a-z0-9.-]{0,63}$/;

export async function note(tx: Transaction, op: SystemNote): Promise<OpResults['system.note']> {
  if (!NOTE.test(op.type)) throw new RangeError('a note needs a lower-case dotted name');
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(noted(op));
  return { ok: true };
}
