import type { OpResults, RunBegin, RunEnd } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import { runBegun, runClosed, runEnded, runOpened } from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { isHalted } from '../halted.ts';
import { voidAsks } from './op-approvals.ts';
import { openAsksOf, revokeRunTokens } from './op-halts.ts';
import type { Transaction } from './transaction.ts';

const BEGIN = {
  name: 'begin-run',
  text: `INSERT INTO runs (id, root, parent, depth, agent, state, started_at, expires_at, budget,
      replica) VALUES ($1, $2, $3, $4, $5, 'live', $6, $7, $8, $9)`,
};
const END = {
  name: 'end-run',
  text: `UPDATE runs SET state = 'ended', ended_at = $2 WHERE id = $1`,
};

export async function beginRun(tx: Transaction, op: RunBegin): Promise<OpResults['run.begin']> {
  const { run } = op;
  const scopes = ['all', `agent:${run.agent}`, `run:${run.root}`];
  if (isHalted(tx, scopes, run.parent)) return refused('halted');
  await tx.run(
    BEGIN,
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
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(runOpened(run.id, tx.chains.head(run.id), op.at));
  return { ok: true };
}

export async function endRun(tx: Transaction, op: RunEnd): Promise<OpResults['run.end']> {
  if (tx.standing.run(op.runId)?.state !== 'live') return refused('over');
  await tx.run(END, op.runId, op.at);
  const asks = await openAsksOf(tx, [op.runId]);
  await voidAsks(tx, asks, { cause: 'run-ended', halt: null, because: op.why, at: op.at });
  const tokens = await revokeRunTokens(tx, [op.runId], op.at, 'run-ended');
  tx.chains.append(runEnded(op, { voided: asks.length, tokens }));
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(runClosed(op.runId, tx.chains.head(op.runId), op.at));
  await tx.notify(`run:${op.runId}`);
  return { ok: true };
}
