import type { ClaimTake } from '../../domain/claim.ts';
import type { OpResults } from '../../domain/ops.ts';
import { refused } from '../ground.ts';
import type { Transaction } from './transaction.ts';

export const TAKEN = 'SELECT 1 AS found FROM claims WHERE claim = ?';
/** Some of those that are over, so that the table holds little more than what still counts. */
const FORGET = `DELETE FROM claims WHERE claim IN
  (SELECT claim FROM claims WHERE until < ? ORDER BY until LIMIT 16)`;
const TAKE = 'INSERT INTO claims (claim, until) VALUES (?, ?)';

export function take(
  { database }: Transaction,
  { claim, until, at }: ClaimTake,
): OpResults['claim.take'] {
  database.run(FORGET, at);
  if (database.one(TAKEN, claim) !== undefined) return refused('taken');
  database.run(TAKE, claim, until);
  return { ok: true };
}
