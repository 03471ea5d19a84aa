import { scopesOf } from '../../domain/halt.ts';
import type { ActionPark, OpResults } from '../../domain/ops.ts';
import { parkRecorded } from '../../ledger/record-action.ts';
import { insert, requireOwn } from '../actions.ts';
import { withoutContent } from '../erased.ts';
import { fault, refused } from '../ground.ts';
import { isHaltedSince } from '../halted.ts';
import { openAskOf } from './op-approvals.ts';
import { runGate, type Transaction } from './transaction.ts';

export function park(tx: Transaction, op: ActionPark): OpResults['action.park'] {
  const { action, approval } = op;
  const run = runGate(tx, action.runId);
  if (run?.state !== 'live' || run.expires_at <= op.at) return refused('run-over');
  requireOwn(run, action);
  if (approval.actionId !== action.id || approval.binding.runId !== action.runId)
    throw fault(`approval \`${approval.id}\` is not for action \`${action.id}\``);
  const { tool, connection } = action;
  const scopes = scopesOf({ run: { ...run, actsFor: [] }, tool, connection }); // those above are looked up
  if (isHaltedSince(tx, approval.binding.halt, scopes, run.id)) return refused('stale');
  const open = openAskOf(tx, op.askKey, op.at);
  if (open !== null) return { ...refused('open'), approvalId: open };
  insert(tx, action, 'parked', op.at, null);
  tx.standing.count(run.id, 1, 0);
  const seq = tx.chains.append(parkRecorded(op));
  const { binding } = approval;
  const erased = run.erased === 1;
  tx.database.run(
    `INSERT INTO approvals (id, run_id, action_id, agent, tool, tool_digest, connection,
       arguments_digest, ask_key, binding, digest, halt, state, asked_at, expires_at, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    approval.id,
    action.runId,
    action.id,
    approval.agent,
    binding.tool,
    binding.toolDigest,
    action.connection,
    erased ? null : binding.argumentsDigest,
    erased ? null : op.askKey,
    JSON.stringify(erased ? withoutContent(binding) : binding),
    approval.digest,
    binding.halt,
    approval.askedAt,
    binding.expiresAt,
    seq,
  );
  return { ok: true };
}
