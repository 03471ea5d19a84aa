import type { JsonObject } from '../../domain/json.ts';
import type { Outcome, Refusal, ToolResult } from '../../domain/proposal.ts';

/** What an agent is told about a call that waits for a human. */
export interface Pending {
  readonly actionId: string;
  readonly approvalId: string;
  readonly expiresAt: number;
  readonly previewed: boolean;
}

/** Where structured words of ours stand in a result, apart from what a tool itself returned. */
const OURS = 'signalbox';

/** The members of a `tools/call` result for every outcome but `parked`, serialised. */
export function outcomeMembers(outcome: Exclude<Outcome, { kind: 'parked' }>): string {
  const { actionId } = outcome;
  switch (outcome.kind) {
    case 'done':
      return doneMembers(outcome.result);
    case 'refused':
      return refusalMembers(outcome.refusal, actionId);
    case 'failed': {
      const { code, message } = outcome;
      const text = `Failed (${code}): ${message}. Nothing was changed.`;
      return said(text, true, { status: 'failed', code, message, action: actionId });
    }
    case 'unknown': {
      const { message } = outcome;
      const text =
        `The outcome is unknown: ${message}. It may have happened. Do not repeat the call; ` +
        'have somebody look at the target first.';
      const ours = { status: 'unknown', code: 'OUTCOME_UNKNOWN', message, action: actionId };
      return said(text, true, ours);
    }
    case 'running':
      return said(`Still running at the target as ${actionId}.`, false, {
        status: 'running',
        action: actionId,
      });
    case 'drafted': {
      const { reason, staged } = outcome;
      if (staged !== undefined) return stagedMembers(actionId, reason, staged);
      const text = `Kept as a draft (${actionId}), not executed: ${reason}. A human can ship it.`;
      return said(text, false, { status: 'drafted', reason, action: actionId });
    }
  }
}

/** Not executed, and what would pass. */
export function refusalMembers(refusal: Refusal, actionId: string | null): string {
  return said(refusalText(refusal), true, refusalFields(refusal, actionId));
}

export function refusalText(refusal: Refusal): string {
  const lines = refusal.reasons.map(
    ({ reason, fix }) => `- ${reason}${fix === undefined ? '' : ` (${fix})`}`,
  );
  return [`Refused (${refusal.code}). Nothing was executed.`, ...lines].join('\n');
}

export function refusalFields(refusal: Refusal, actionId: string | null): JsonObject {
  return {
    status: 'refused',
    code: refusal.code,
    reasons: refusal.reasons.map((reason) => ({ ...reason })),
    ...(actionId === null ? {} : { action: actionId }),
  };
}

/** The ask is closed without an effect of this call: used by a twin, expired, or turned down. */
export function closedMembers(code: string, reason: string, fix: string): string {
  return refusalMembers({ code, reasons: [{ check: 'approval', code, reason, fix }] }, null);
}

/** Not executed yet. The same call again continues the same ask. */
export function pendingMembers(pending: Pending): string {
  const until = new Date(pending.expiresAt).toISOString();
  const text =
    `Not executed yet: an operator has to approve it (${pending.approvalId}, open until ${until}). ` +
    'Repeat this very call, with the same tool and arguments, to continue; it is executed at most once.';
  return said(text, false, { status: 'pending', ...pendingFields(pending) });
}

export function pendingFields(pending: Pending): JsonObject {
  return {
    approval: pending.approvalId,
    action: pending.actionId,
    expiresAt: new Date(pending.expiresAt).toISOString(),
    previewed: pending.previewed,
    retry: 'repeat the same call with the same arguments',
  };
}

function doneMembers(result: Extract<Outcome, { kind: 'done' }>['result']): string {
  if (result.wire !== undefined)
    return result.cut.length === 0 ? result.wire : withCuts(result.wire, result.cut);
  const content = [{ type: 'text', text: result.text }];
  for (const cut of result.cut) content.push({ type: 'text', text: `Cut: ${cut}` });
  const members = `"content":${JSON.stringify(content)}`;
  return result.structured === undefined
    ? members
    : `${members},"structuredContent":${JSON.stringify(result.structured)}`;
}

/** The answer of the staging connection, behind a word that nothing happened elsewhere. */
function stagedMembers(
  actionId: string,
  reason: string,
  { at, result }: { readonly at: string; readonly result: ToolResult },
): string {
  const text =
    `Executed at \`${at}\` only, to try it: ${reason}. Where it was meant for nothing was changed; ` +
    `it is kept as a draft (${actionId}), and a human can ship it. What it answered there:`;
  const { content } = JSON.parse(`{${doneMembers(result)}}`) as JsonObject;
  const ours = { status: 'drafted', reason, action: actionId, staged: at };
  return JSON.stringify({
    content: [{ type: 'text', text }, ...(Array.isArray(content) ? content : [])],
    isError: false,
    structuredContent: { [OURS]: ours },
  }).slice(1, -1);
}

function said(text: string, isError: boolean, ours: JsonObject): string {
  const result = {
    content: [{ type: 'text', text }],
    isError,
    structuredContent: { [OURS]: ours },
  };
  return JSON.stringify(result).slice(1, -1);
}

/** A target's own result, with a word on what was left out of it. */
function withCuts(wire: string, cut: readonly string[]): string {
  const result = JSON.parse(`{${wire}}`) as JsonObject;
  if (!Array.isArray(result.content)) return wire;
  const said = cut.map((words) => ({ type: 'text', text: `Cut: ${words}` }));
  return JSON.stringify({ ...result, content: [...result.content, ...said] }).slice(1, -1);
}
