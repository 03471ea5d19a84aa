import type { ClaimTake } from '../../domain/claim.ts';
import type { OpResults } from '../../domain/ops.ts';
import { refused } from '../ground.ts';
import type { Transaction } from './transaction.ts';

export const TAKEN = { name: 'taken', text: 'SELECT 1 AS found FROM claims WHERE claim = $1' };
/** Some of those that are over, so that the table holds little more than what still counts. */
const FORGET = {
  name: 'forget-claims',
  text: `DELETE FROM claims WHERE claim IN
    (SELECT claim FROM claims WHERE until < $1 ORDER BY until LIMIT 16 FOR UPDATE SKIP LOCKED)`,
};
/** Waits for another replica that is taking it. */
const TAKE = {
  name: 'take-claim',
  text: 'INSERT INTO claims (claim, until) VALUES ($1, $2) ON CONFLICT DO NOTHING',
};

export async function take(
  tx: Transaction,
  { claim, until, at }: ClaimTake,
): Promise<OpResults['claim.take']> {
  await tx.run(FORGET, at);
  return (await tx.run(TAKE, claim, until)) === 1 ? { ok: true } : refused('taken');
}
