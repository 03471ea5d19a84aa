import type { ApprovalGate, InForce, NewAction, RowsFace, RunGate } from '../ground.ts';
import type { Database } from './database.ts';

/** What the common ops read and write besides what is standing. */
export class Rows implements RowsFace {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  haltsAfter(epoch: number): InForce[] {
    return this.#database.all<InForce>('SELECT epoch, scope FROM halts WHERE epoch > ?', epoch);
  }

  lineOf(runId: string): Pick<RunGate, 'id' | 'agent'>[] {
    return this.#database.all(
      `WITH RECURSIVE up (id, parent, agent) AS (
         SELECT id, parent, agent FROM runs WHERE id = ?
         UNION SELECT runs.id, runs.parent, runs.agent FROM up JOIN runs ON runs.id = up.parent)
       SELECT id, agent FROM up`,
      runId,
    );
  }

  approval(id: string): ApprovalGate | undefined {
    return this.#database.one<ApprovalGate>(
      `SELECT run_id, tool, tool_digest, arguments_digest, state, halt, expires_at
       FROM approvals WHERE id = ?`,
      id,
    );
  }

  useApproval(id: string, actionId: string): void {
    this.#database.run(
      `UPDATE approvals SET state = 'used', used_by = ? WHERE id = ?`,
      actionId,
      id,
    );
  }

  insertAction({ record, ...row }: NewAction): void {
    this.#database.run(
      `INSERT INTO actions (id, run_id, root, tool, tool_digest, connection, arguments_digest,
         purpose, state, halt, bundle, approval_id, lease_id, reservations, at,
         replica) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.id,
      record.runId,
      record.root,
      record.tool,
      record.toolDigest,
      record.connection,
      row.argumentsDigest,
      record.purpose,
      row.state,
      row.halt,
      row.bundle,
      row.approvalId,
      row.leaseId,
      row.reservations,
      row.at,
      row.replica,
    );
  }

  markAction(id: string, trace: string, leaseId: string | null): void {
    this.#database.run(
      'UPDATE actions SET trace = ?, lease_id = coalesce(?, lease_id) WHERE id = ?',
      trace,
      leaseId,
      id,
    );
  }

  runAction(id: string): void {
    this.#database.run(`UPDATE actions SET state = 'running' WHERE id = ?`, id);
  }

  closeAction(id: string, state: string, at: number, isErased: boolean): void {
    this.#database.run(
      isErased
        ? 'UPDATE actions SET state = ?, settled_at = ?, trace = NULL WHERE id = ?'
        : 'UPDATE actions SET state = ?, settled_at = ? WHERE id = ?',
      state,
      at,
      id,
    );
  }
}
