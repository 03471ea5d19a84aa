import type { Lease } from '../domain/credential.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Op } from '../domain/ops.ts';
import type { OpenAction, OwnedLease } from '../domain/store.ts';

/** The op as this replica's: what makes something that must not outlive its maker says who made it. */
export function owned<O extends Op>(op: O, replica: string): O {
  switch (op.kind) {
    case 'action.admit':
      // with its outcome nothing is left open
      return op.outcome === null ? { ...op, replica } : op;
    case 'lease.write':
    case 'run.begin':
    case 'halt.inert':
      return { ...op, replica };
    default:
      return op;
  }
}

/** An intent without outcome, as either store reads it. */
export interface OpenRow {
  readonly id: string;
  readonly run_id: string;
  readonly tool: string;
  readonly tool_digest: string;
  readonly connection: string;
  readonly purpose: OpenAction['purpose'];
  readonly trace: string | null;
  readonly state: OpenAction['state'];
  readonly bundle: string;
  readonly at: number;
  readonly replica: string | null;
}

export function openActionOf(row: OpenRow): OpenAction {
  return {
    id: row.id,
    runId: row.run_id,
    tool: row.tool,
    toolDigest: row.tool_digest,
    connection: row.connection,
    purpose: row.purpose,
    trace: row.trace === null ? null : (JSON.parse(row.trace) as JsonObject),
    state: row.state,
    bundle: row.bundle,
    admittedAt: row.at,
    replica: row.replica,
  };
}

export interface LeaseRow {
  readonly id: string;
  readonly run_id: string;
  readonly agent: string;
  readonly connection: string;
  readonly issuer: string;
  readonly handle: string;
  readonly revocability: Lease['revocability'];
  readonly state: Lease['state'];
  readonly minted_at: number;
  readonly expires_at: number;
  readonly replica: string | null;
}

export function ownedLeaseOf(row: LeaseRow): OwnedLease {
  return {
    id: row.id,
    runId: row.run_id,
    agent: row.agent,
    connection: row.connection,
    issuer: row.issuer,
    handle: row.handle,
    revocability: row.revocability,
    state: row.state,
    mintedAt: row.minted_at,
    expiresAt: row.expires_at,
    replica: row.replica,
  };
}
