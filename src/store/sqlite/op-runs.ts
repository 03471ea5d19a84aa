import type { OpResults, RunBegin, RunEnd } from '../../domain/ops.ts';
import type { RunSay } from '../../domain/run-say.ts';
import { runBegun, runClosed, runEnded, runOpened, runSaid } from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { isHalted } from '../halted.ts';
import {
  againstSubRun,
  heldColumns,
  type ParentRow,
  requireRoot,
  type SubRunRow,
  under,
} from '../tree.ts';
import { openAsksOfRun, revokeRunTokens, voidAsks } from './op-halts.ts';
import { runGate, type Transaction } from './transaction.ts';

export function beginRun(tx: Transaction, op: RunBegin): OpResults['run.begin'] {
  const { run } = op;
  if (isHalted(tx, ['all', `agent:${run.agent}`], run.parent)) return refused('halted');
  if (run.parent === null) requireRoot(run);
  else {
    const parent = parentRow(tx, run.parent);
    const stopped = againstSubRun(run, parent, liveInTree(tx, run.root), op.at);
    if (stopped !== null) return refused(stopped);
  }
  const held = heldColumns(run);
  tx.database.run(
    `INSERT INTO runs (id, root, parent, depth, agent, state, started_at, expires_at, budget,
       tools, acts_for, subject, replica)
     VALUES (?, ?, ?, ?, ?, 'live', ?, ?, ?, ?, ?, ?, ?)`,
    run.id,
    run.root,
    run.parent,
    run.depth,
    run.agent,
    run.startedAt,
    run.expiresAt,
    held.budget,
    held.tools,
    held.acts_for,
    held.subject,
    op.replica ?? null,
  );
  tx.chains.begin(run.id);
  tx.chains.append(runBegun(op));
  tx.chains.append(runOpened(run.id, tx.chains.head(run.id), op.at));
  return { ok: true };
}

function parentRow({ database }: Transaction, id: string): ParentRow | undefined {
  return database.one<ParentRow>(
    `SELECT id, root, depth, agent, state, expires_at, budget, tools, acts_for, subject FROM runs
     WHERE id = ?`,
    id,
  );
}

/** Every live sub-run of this tree, the deepest first. */
function liveInTree({ database }: Transaction, root: string): SubRunRow[] {
  return database.all<SubRunRow>(
    `SELECT id, parent, expires_at FROM runs
     WHERE root = ? AND parent IS NOT NULL AND state = 'live' ORDER BY depth DESC, id`,
    root,
  );
}

export function endRun(tx: Transaction, op: RunEnd): OpResults['run.end'] {
  const run = runGate(tx, op.runId);
  if (run?.state !== 'live') return refused('over');
  const ended = under(op.runId, liveInTree(tx, run.root));
  const why = `the run above it (\`${op.runId}\`) ended: ${op.why}`;
  for (const runId of ended) endOne(tx, { ...op, runId, why });
  endOne(tx, op);
  return { ok: true, ended: [...ended, op.runId] };
}

export function say(tx: Transaction, op: RunSay): OpResults['run.say'] {
  if (runGate(tx, op.runId)?.state !== 'live') return refused('over');
  tx.chains.append(runSaid(op));
  return { ok: true };
}

function endOne(tx: Transaction, op: RunEnd): void {
  tx.database.run(`UPDATE runs SET state = 'ended', ended_at = ? WHERE id = ?`, op.at, op.runId);
  const asks = openAsksOfRun(tx, op.runId);
  voidAsks(tx, asks, { cause: 'run-ended', halt: null, because: op.why, at: op.at });
  const tokens = revokeRunTokens(tx, op.runId, op.at, 'run-ended');
  tx.chains.append(runEnded(op, { voided: asks.length, tokens }));
  tx.chains.append(runClosed(op.runId, tx.chains.head(op.runId), op.at));
}
