import type { OpResults, Reservation } from '../domain/ops.ts';
import type { RunRefund, RunSpend } from '../domain/spend.ts';
import { runRefunded, runSpent } from '../ledger/record.ts';
import { type Charge, fault, type Ground, refused, requireCount } from './ground.ts';

/** Looks first and writes after, as the common ops of actions.ts do. */
export function spend(tx: Ground, op: RunSpend): OpResults['run.spend'] {
  if (tx.standing.run(op.runId)?.state !== 'live') return refused('run-over');
  requireWhole(op.draws);
  const share = op.ahead ? 1 : shareOf(tx, op.draws);
  if (op.ahead && !op.draws.every((one) => one.amount <= roomOf(tx, one))) return refused('short');
  const drawn = op.draws
    .map(({ key, dimension, amount }) => ({ key, dimension, amount: Math.floor(amount * share) }))
    .filter(({ amount }) => amount > 0);
  const over = share < 1;
  tx.chains.append(runSpent(op, { drawn, over }));
  for (const { key, dimension, amount } of drawn) tx.standing.draw(key, dimension, amount, 0);
  return { ok: true, over };
}

/** Nothing is given back that was not drawn; an ended run gets its own back too. */
export function refund(tx: Ground, op: RunRefund): OpResults['run.refund'] {
  if (tx.standing.run(op.runId) === undefined) throw fault(`no run \`${op.runId}\` is known`);
  requireWhole(op.back);
  for (const { key, dimension, amount } of op.back)
    if (tx.standing.used(key, dimension).posted < amount)
      throw fault(`more \`${dimension}\` is given back than was drawn`);
  const back = op.back.map(({ key, dimension, amount }) => ({ key, dimension, amount }));
  tx.chains.append(runRefunded({ ...op, back }));
  for (const { key, dimension, amount } of back) tx.standing.draw(key, dimension, -amount, 0);
  return { ok: true };
}

/** What fits the narrowest limit is drawn on all of them: what a run says of itself uses up no more of others' than its own. */
function shareOf(tx: Ground, draws: readonly Reservation[]): number {
  let share = 1;
  for (const one of draws)
    if (one.amount > 0) share = Math.min(share, roomOf(tx, one) / one.amount);
  return share;
}

function roomOf({ standing }: Ground, { key, dimension, limit }: Reservation): number {
  const { posted, pending } = standing.used(key, dimension);
  return Math.max(0, limit - posted - pending);
}

function requireWhole(charges: readonly Charge[]): void {
  const seen = new Set<string>();
  for (const { key, dimension, amount } of charges) {
    requireCount(amount, 'the amount of', dimension);
    if (seen.has(`${key}\n${dimension}`)) throw fault('the same limit is drawn on twice');
    seen.add(`${key}\n${dimension}`);
  }
}
