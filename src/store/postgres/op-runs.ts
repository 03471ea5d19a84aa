import type { OpResults, RunBegin, RunEnd } from '../../domain/ops.ts';
import type { RunSay } from '../../domain/run-say.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
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
import { voidAsks } from './op-approvals.ts';
import { openAsksOf, revokeRunTokens } from './op-halts.ts';
import type { Transaction } from './transaction.ts';

const BEGIN = {
  name: 'begin-run',
  text: `INSERT INTO runs (id, root, parent, depth, agent, state, started_at, expires_at, budget,
      tools, acts_for, subject, replica)
    VALUES ($1, $2, $3, $4, $5, 'live', $6, $7, $8, $9, $10, $11, $12)`,
};
const PARENT = {
  name: 'parent-of-run',
  text: `SELECT id, root, depth, agent, state, expires_at, budget, tools, acts_for, subject FROM runs
    WHERE id = $1`,
};
/** The deepest first. */
const LIVE_IN_TREE = {
  name: 'live-in-tree',
  text: `SELECT id, parent, expires_at FROM runs
    WHERE root = $1 AND parent IS NOT NULL AND state = 'live' ORDER BY depth DESC, id`,
};
const END = {
  name: 'end-run',
  text: `UPDATE runs SET state = 'ended', ended_at = $2 WHERE id = $1`,
};

export async function beginRun(tx: Transaction, op: RunBegin): Promise<OpResults['run.begin']> {
  const { run } = op;
  if (isHalted(tx, ['all', `agent:${run.agent}`], run.parent)) return refused('halted');
  if (run.parent === null) requireRoot(run);
  else {
    const parent = await tx.one<ParentRow>(PARENT, run.parent);
    const live = await tx.all<SubRunRow>(LIVE_IN_TREE, run.root);
    const stopped = againstSubRun(run, parent, live, op.at);
    if (stopped !== null) return refused(stopped);
  }
  const held = heldColumns(run);
  tx.send(
    BEGIN,
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
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(runOpened(run.id, tx.chains.head(run.id), op.at));
  return { ok: true };
}

export async function endRun(tx: Transaction, op: RunEnd): Promise<OpResults['run.end']> {
  const run = tx.standing.run(op.runId);
  if (run?.state !== 'live') return refused('over');
  const below = under(op.runId, await tx.all<SubRunRow>(LIVE_IN_TREE, run.root));
  await tx.lock(...below);
  const why = `the run above it (\`${op.runId}\`) ended: ${op.why}`;
  for (const runId of below) await endOne(tx, { ...op, runId, why });
  await endOne(tx, op);
  return { ok: true, ended: [...below, op.runId] };
}

export async function say(tx: Transaction, op: RunSay): Promise<OpResults['run.say']> {
  if (tx.standing.run(op.runId)?.state !== 'live') return refused('over');
  tx.chains.append(runSaid(op));
  return { ok: true };
}

async function endOne(tx: Transaction, op: RunEnd): Promise<void> {
  tx.send(END, op.runId, op.at);
  const asks = await openAsksOf(tx, [op.runId]);
  voidAsks(tx, asks, { cause: 'run-ended', halt: null, because: op.why, at: op.at });
  const tokens = await revokeRunTokens(tx, [op.runId], op.at, 'run-ended');
  tx.chains.append(runEnded(op, { voided: asks.length, tokens }));
  await tx.lock(SYSTEM_CHAIN);
  tx.chains.append(runClosed(op.runId, tx.chains.head(op.runId), op.at));
  tx.notify(`run:${op.runId}`);
}
