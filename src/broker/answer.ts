import type { Approval } from '../domain/approval.ts';
import { SignalboxError } from '../domain/errors.ts';
import { undoAskedBy } from '../domain/undo.ts';
import type { Broker } from './broker.ts';

export interface Answer {
  readonly approvalId: string;
  readonly answer: 'approved' | 'refused';
  readonly by: string;
  readonly because: string;
  /** The digest of what was shown. Another one than the ask's is another ask. */
  readonly digest: string;
}

/** An operator's answer to an ask. Executes nothing: the proposal is judged again when its agent comes back. */
export async function answer(broker: Broker, given: Answer): Promise<Approval> {
  const ask = await broker.store.ask(given.approvalId);
  if (ask === null)
    throw new SignalboxError('APPROVAL_NOT_FOUND', `no approval \`${given.approvalId}\` is known`);
  if (ask.approval.digest !== given.digest)
    throw new SignalboxError(
      'APPROVAL_CHANGED',
      'the digest sent is not that of this ask: what was shown is not what would run',
    );
  if (given.answer === 'approved' && (await isOwnUndo(broker, ask.approval, given.by)))
    throw new SignalboxError(
      'APPROVAL_OWN',
      `\`${given.by}\` asked for this undo, and there are others who can look at it`,
    );
  const answered = await broker.store.commit({
    kind: 'approval.answer',
    approvalId: given.approvalId,
    answer: given.answer,
    by: given.by,
    because: given.because,
    at: broker.doors.clock.now(),
  });
  if (!answered.ok) {
    const code = answered.because === 'missing' ? 'APPROVAL_NOT_FOUND' : 'APPROVAL_CLOSED';
    throw new SignalboxError(
      code,
      `approval \`${given.approvalId}\` cannot be answered: ${answered.because}`,
    );
  }
  broker.notices.notify(`ask:${given.approvalId}`);
  return answered.approval;
}

/** The only operator there is may approve an own undo: the ledger has both. */
async function isOwnUndo({ store }: Broker, { binding }: Approval, by: string): Promise<boolean> {
  if (!(await store.isTaken(undoAskedBy(binding.runId, by)))) return false;
  return (await store.operatorCount()) > 1;
}
