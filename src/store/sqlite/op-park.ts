import { scopesOf } from '../../domain/halt.ts';
import type { ActionPark, OpResults } from '../../domain/ops.ts';
import { parkRecorded } from '../../ledger/record-action.ts';
import { insert } from '../actions.ts';
import { ASK_COLUMNS, askValues, whyNotParked } from '../approvals.ts';
import { refused } from '../ground.ts';
import { isHaltedSince } from '../halted.ts';
import { openAskOf } from './op-approvals.ts';
import { runGate, type Transaction } from './transaction.ts';

const ASK = `INSERT INTO approvals (${ASK_COLUMNS})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function park(tx: Transaction, op: ActionPark): OpResults['action.park'] {
  const { action, approval } = op;
  const run = runGate(tx, action.runId);
  const why = whyNotParked(run, op);
  if (run === undefined || why !== null) return why ?? refused('run-over');
  const { tool, connection } = action;
  const scopes = scopesOf({ run: { ...run, actsFor: [] }, tool, connection }); // those above are looked up
  if (isHaltedSince(tx, approval.binding.halt, scopes, run.id)) return refused('stale');
  const open = openAskOf(tx, op.askKey, op.at);
  if (open !== null) return { ...refused('open'), approvalId: open };
  insert(tx, action, 'parked', op.at, null);
  tx.standing.count(run.id, 1, 0);
  const seq = tx.chains.append(parkRecorded(op));
  tx.database.run(ASK, ...askValues(op, seq, run.erased === 1));
  return { ok: true };
}
