import type {
  AgentEnrol,
  ApprovalAnswer,
  BundleApply,
  DrillBegin,
  DrillKeep,
  HaltInert,
  HaltLift,
  HaltRaise,
  LeaseWrite,
  LedgerErase,
  OperatorAdd,
  Reservation,
  RunBegin,
  RunEnd,
  SecretForget,
  SecretSet,
  SystemNote,
  TokenIssue,
  TokenRenew,
} from '../domain/ops.ts';
import type { RunSay } from '../domain/run-say.ts';
import type { RunRefund, RunSpend } from '../domain/spend.ts';
import { SYSTEM_CHAIN } from '../domain/store.ts';
import type { Head } from './chain.ts';
import type { EventDraft } from './events.ts';

/** Pure: an op and what its transaction found in, records out. What may quote somebody goes into the payload. */

export function ledgerCreated(ledger: string, at: number): EventDraft {
  return system('ledger.created', at, { ledger, format: 1 });
}

export function ledgerKeyed(key: string, at: number): EventDraft {
  return system('ledger.keyed', at, { key });
}

export function bundleApplied(op: BundleApply): EventDraft {
  return system(
    'bundle.applied',
    op.at,
    {
      bundle: op.bundle.digest,
      previous: op.expected,
      widenings: op.widenings.length,
      by: op.by,
    },
    { widenings: op.widenings },
  );
}

export function runBegun({ run, replica, at }: RunBegin): EventDraft {
  return {
    chain: run.id,
    type: 'run.begun',
    at,
    body: {
      root: run.root,
      parent: run.parent,
      depth: run.depth,
      agent: run.agent,
      startedAt: run.startedAt,
      expiresAt: run.expiresAt,
      budget: run.budget,
      tools: run.tools,
      actsFor: run.actsFor,
      subject: run.subject ?? null,
      ...(replica === undefined ? {} : { replica }),
    },
    payload: { intent: run.intent },
  };
}

export function runSpent(
  op: RunSpend,
  found: { drawn: readonly Charge[]; over: boolean },
): EventDraft {
  const { id, said, ...spend } = op.spend;
  return {
    chain: op.runId,
    type: 'run.spent',
    at: op.at,
    body: { spend: id, ...spend, ahead: op.ahead, ...found },
    payload: { said },
  };
}

export function runRefunded({ runId, spend, held, back, at }: RunRefund): EventDraft {
  const { id, tokensIn, tokensOut, moneyMicros } = spend;
  const tokens = (one: typeof held): number => (one.tokensIn ?? 0) + (one.tokensOut ?? 0);
  const less = {
    tokens: tokens(held) - tokens(spend),
    moneyMicros: (held.moneyMicros ?? 0) - (moneyMicros ?? 0),
  };
  return {
    chain: runId,
    type: 'run.refunded',
    at,
    body: { spend: id, tokensIn, tokensOut, moneyMicros, less, back },
  };
}

type Charge = Pick<Reservation, 'key' | 'dimension' | 'amount'>;

export function runEnded(op: RunEnd, found: { voided: number; tokens: number }): EventDraft {
  return {
    chain: op.runId,
    type: 'run.ended',
    at: op.at,
    body: { voided: found.voided, tokens: found.tokens },
    payload: { why: op.why },
  };
}

export function runSaid({ runId, text, at }: RunSay): EventDraft {
  return { chain: runId, type: 'run.said', at, body: {}, payload: { text } };
}

/** Ties the run's chain to the system's: without it a whole run could be taken out. */
export function runOpened(run: string, { hash }: Head, at: number): EventDraft {
  return system('run.opened', at, { run, first: hash });
}

/** How far the run's chain had come when it ended; settlements of open intents may still follow. */
export function runClosed(run: string, { seq, hash }: Head, at: number): EventDraft {
  return system('run.closed', at, { run, length: seq, head: hash });
}

export interface AskRef {
  readonly approvalId: string;
  readonly actionId: string;
  readonly runId: string;
}

export function approvalAnswered(op: ApprovalAnswer, ask: AskRef): EventDraft {
  return {
    chain: ask.runId,
    type: 'approval.answered',
    at: op.at,
    body: { approval: ask.approvalId, action: ask.actionId, answer: op.answer, by: op.by },
    payload: { because: op.because },
  };
}

export function approvalVoided(
  ask: AskRef,
  why: {
    readonly cause: 'halt' | 'run-ended' | 'broker';
    readonly halt: number | null;
    readonly because: string;
    readonly at: number;
  },
): EventDraft {
  return {
    chain: ask.runId,
    type: 'approval.voided',
    at: why.at,
    body: { approval: ask.approvalId, action: ask.actionId, cause: why.cause, halt: why.halt },
    payload: { because: why.because },
  };
}

export function haltRaised(
  op: HaltRaise,
  found: { readonly epoch: number; readonly voided: number; readonly tokens: number },
): EventDraft {
  return system(
    'halt.raised',
    op.at,
    {
      scope: op.scope,
      epoch: found.epoch,
      by: op.by,
      voided: found.voided,
      tokens: found.tokens,
    },
    { reason: op.reason },
  );
}

export function haltInert(op: HaltInert): EventDraft {
  return system('halt.inert', op.at, { scope: op.scope, epoch: op.epoch }, { report: op.report });
}

/** `epoch` is the halt number after lifting; `lifted` the numbers of the halts that were in force on this scope. */
export function haltLifted(
  op: HaltLift,
  found: { readonly epoch: number; readonly lifted: readonly number[] },
): EventDraft {
  return system(
    'halt.lifted',
    op.at,
    {
      scope: op.scope,
      epoch: found.epoch,
      lifted: found.lifted,
      by: op.by,
      ...(op.alone === true ? { alone: true } : {}),
    },
    { reason: op.reason },
  );
}

/** Recorded with its run, so that one timeline tells which credential an effect was made with. */
export function leaseWritten(op: LeaseWrite, chain: string): EventDraft {
  const { lease } = op;
  return {
    chain,
    type: 'lease.written',
    at: op.at,
    body: {
      lease: lease.id,
      run: lease.runId,
      agent: lease.agent,
      connection: lease.connection,
      issuer: lease.issuer,
      handle: lease.handle,
      revocability: lease.revocability,
      state: lease.state,
      mintedAt: lease.mintedAt,
      expiresAt: lease.expiresAt,
      ...(op.replica === undefined ? {} : { replica: op.replica }),
    },
    payload: { note: op.note },
  };
}

export function tokenIssued(op: TokenIssue, chain: string): EventDraft {
  const { hash, kind, subject, expiresAt } = op.token;
  return {
    chain,
    type: 'token.issued',
    at: op.at,
    body: { token: hash, kind, subject, expiresAt },
  };
}

export function tokenRenewed(op: TokenRenew, chain: string): EventDraft {
  return {
    chain,
    type: 'token.renewed',
    at: op.at,
    body: { token: op.hash, expiresAt: op.expiresAt },
  };
}

export function tokenRevoked(
  hash: string,
  chain: string,
  at: number,
  cause: 'asked' | 'halt' | 'run-ended',
): EventDraft {
  return { chain, type: 'token.revoked', at, body: { token: hash, cause } };
}

export function agentEnrolled(op: AgentEnrol): EventDraft {
  return system('agent.enrolled', op.at, {
    agent: op.agent,
    token: op.token.hash,
    expiresAt: op.token.expiresAt,
    by: op.by,
  });
}

export function operatorAdded(op: OperatorAdd): EventDraft {
  return system('operator.added', op.at, {
    operator: op.operator,
    role: op.role,
    token: op.token.hash,
    expiresAt: op.token.expiresAt,
    setup: op.setupHash,
  });
}

export function secretSet(op: SecretSet, version: number): EventDraft {
  return system('secret.set', op.at, { name: op.name, version, by: op.by });
}

export function secretForgotten({ name, by, at }: SecretForget): EventDraft {
  return system('secret.forgotten', at, { name, by });
}

export function ledgerErased(op: LedgerErase, payloads: number): EventDraft {
  return system(
    'ledger.erased',
    op.at,
    { run: op.runId, payloads, by: op.by },
    { reason: op.reason },
  );
}

export function drillBegun({ id, agent, by, at }: DrillBegin): EventDraft {
  return system('drill.begun', at, { drill: id, agent, by });
}

export function drillKept({ id, ok, report, signature, at }: DrillKeep): EventDraft {
  return system('drill.kept', at, { drill: id, ok, report, signature });
}

export function noted(op: SystemNote): EventDraft {
  return system('ledger.note', op.at, { note: op.type, data: op.body });
}

function system(
  type: EventDraft['type'],
  at: number,
  body: EventDraft['body'],
  payload?: EventDraft['payload'],
): EventDraft {
  return { chain: SYSTEM_CHAIN, type, at, body, ...(payload === undefined ? {} : { payload }) };
}
