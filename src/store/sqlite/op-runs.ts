import type { OpResults, RunBegin, RunEnd } from '../../domain/ops.ts';
import { runBegun, runClosed, runEnded, runOpened } from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { isHalted } from '../halted.ts';
import { openAsksOfRun, revokeRunTokens, voidAsks } from './op-halts.ts';
import { runGate, type Transaction } from './transaction.ts';

export function beginRun(tx: Transaction, op: RunBegin): OpResults['run.begin'] {
  const { run } = op;
  const scopes = ['all', `agent:${run.agent}`, `run:${run.root}`];
  if (isHalted(tx, scopes, run.parent)) return refused('halted');
  tx.database.run(
    `INSERT INTO runs (id, root, parent, depth, agent, state, started_at, expires_at, budget,
       replica) VALUES (?, ?, ?, ?, ?, 'live', ?, ?, ?, ?)`,
    run.id,
    run.root,
    run.parent,
    run.depth,
    run.agent,
    run.startedAt,
    run.expiresAt,
    JSON.stringify(run.budget),
    op.replica ?? null,
  );
  tx.chains.begin(run.id);
  tx.chains.append(runBegun(op));
  tx.chains.append(runOpened(run.id, tx.chains.head(run.id), op.at));
  return { ok: true };
}

export function endRun(tx: Transaction, op: RunEnd): OpResults['run.end'] {
  if (runGate(tx, op.runId)?.state !== 'live') return refused('over');
  tx.database.run(`UPDATE runs SET state = 'ended', ended_at = ? WHERE id = ?`, op.at, op.runId);
  const asks = openAsksOfRun(tx, op.runId);
  voidAsks(tx, asks, { cause: 'run-ended', halt: null, because: op.why, at: op.at });
  const tokens = revokeRunTokens(tx, op.runId, op.at, 'run-ended');
  tx.chains.append(runEnded(op, { voided: asks.length, tokens }));
  tx.chains.append(runClosed(op.runId, tx.chains.head(op.runId), op.at));
  return { ok: true };
}
