import type { ApprovalBinding } from '../domain/approval.ts';

/** What stands for the intent of a run whose payloads were erased. */
export const ERASED = '[erased]';

/** What an erased run leaves of a binding: nothing that a guess could be tried against. */
export function withoutContent(binding: ApprovalBinding): ApprovalBinding {
  return { ...binding, argumentsDigest: '', preState: '', nonce: '' };
}
