/** The cast of the store's tests: doors that stand still, and ops that need little said. */
import { createHash } from 'node:crypto';
import type { ActionRecord } from '../../src/domain/action-record.ts';
import {
  type Approval,
  type ApprovalBinding,
  approvalDigest,
  askKey,
} from '../../src/domain/approval.ts';
import { type Bundle, bundleDigest, EMPTY_BUNDLE } from '../../src/domain/bundle.ts';
import { type Decision, decide } from '../../src/domain/decision.ts';
import { digestOf } from '../../src/domain/digest.ts';
import type { Doors } from '../../src/domain/doors.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type {
  ActionAdmit,
  ActionPark,
  ActionSettle,
  BundleApply,
  HaltRaise,
  Reservation,
  RunBegin,
  TokenIssue,
} from '../../src/domain/ops.ts';
import type { Measured, Settlement } from '../../src/domain/proposal.ts';
import { actsForUnder } from '../../src/domain/run.ts';

export const T0 = 1_700_000_000_000;
export const HOUR = 3_600_000;
export const MASTER_KEY = new Uint8Array(32).fill(7);

/** Doors whose clock is moved by hand and whose bytes follow from `seed`. */
export function stillDoors(seed = 'store'): Doors & { advance(ms: number): void } {
  let now = T0;
  let drawn = 0;
  const bytes = (length: number): Uint8Array => {
    const parts: Buffer[] = [];
    for (let have = 0; have < length; have += 32) {
      parts.push(createHash('sha256').update(`${seed}:${drawn++}`).digest());
    }
    return Uint8Array.from(Buffer.concat(parts).subarray(0, length));
  };
  const never = { cancel: () => {} };
  return {
    clock: { now: () => now, monotonic: () => now - T0 },
    entropy: { bytes, id: (prefix) => `${prefix}_${Buffer.from(bytes(10)).toString('hex')}` },
    timers: { after: () => never, every: () => never },
    advance: (ms) => {
      now += ms;
    },
  };
}

export function beginRun(id: string, more: Partial<RunBegin['run']> = {}): RunBegin {
  return {
    kind: 'run.begin',
    run: {
      id,
      root: id,
      parent: null,
      depth: 0,
      agent: 'support',
      intent: `the intent of ${id}`,
      state: 'live',
      startedAt: T0,
      expiresAt: T0 + HOUR,
      endedAt: null,
      budget: {},
      tools: null,
      actsFor: [],
      ...more,
    },
    at: T0,
  };
}

/** A run under another, as the broker would begin it unless `more` says otherwise. */
export function beginSubRun(
  id: string,
  { run: parent }: RunBegin,
  more: Partial<RunBegin['run']> = {},
): RunBegin {
  const { root, depth, agent, tools, expiresAt } = parent;
  const own = { parent: parent.id, depth: depth + 1, actsFor: actsForUnder(parent) };
  return beginRun(id, { ...{ root, agent, tools, expiresAt }, ...own, ...more });
}

export const READ: Decision = decide(
  { class: 'read', reversibility: 'none', idempotent: true },
  'auto',
  [{ check: 'grant', ceiling: 'auto', code: 'GRANT_READ', reason: 'the grant says `read`' }],
);

export const WRITE: Decision = decide(
  { class: 'write', reversibility: 'declared', idempotent: false },
  'approve',
  [
    {
      check: 'grant',
      ceiling: 'approve',
      code: 'GRANT_APPROVE',
      reason: 'the grant says `approve`',
      fix: 'an operator answers the ask',
    },
  ],
);

export function action(id: string, runId: string, more: Partial<ActionRecord> = {}): ActionRecord {
  const args: JsonObject = more.arguments ?? { id: 7 };
  return {
    id,
    runId,
    root: runId,
    agent: 'support',
    tool: 'set_plan',
    toolDigest: digestOf('tool', 'set_plan'),
    connection: 'acme-db',
    arguments: args,
    argumentsDigest: more.argumentsDigest ?? digestOf('arguments', args),
    purpose: 'execute',
    via: 'test',
    decision: WRITE,
    ...more,
  };
}

export function scopes(record: ActionRecord): string[] {
  return [
    'all',
    `agent:${record.agent}`,
    `run:${record.runId}`,
    `tool:${record.tool}`,
    `connection:${record.connection}`,
  ];
}

export function calls(key: string, limit: number, amount = 1): Reservation {
  return { key, dimension: 'calls', amount, limit };
}

export function admit(record: ActionRecord, more: Partial<ActionAdmit> = {}): ActionAdmit {
  return {
    kind: 'action.admit',
    action: record,
    stamp: { halt: 0, bundle: EMPTY_BUNDLE.digest },
    scopes: scopes(record),
    reservations: [],
    approvalId: null,
    leaseId: null,
    outcome: null,
    at: T0,
    ...more,
  };
}

export const DONE: Settlement = { kind: 'done', result: { text: 'one row changed', cut: [] } };

export function settle(record: ActionRecord, more: Partial<ActionSettle> = {}): ActionSettle {
  return {
    kind: 'action.settle',
    actionId: record.id,
    runId: record.runId,
    settlement: DONE,
    posted: effectVector({ calls: 1 }),
    measured: null,
    by: 'act',
    at: T0,
    ...more,
  };
}

export const MEASURED: Measured = {
  effect: effectVector({ rowsWritten: 1 }),
  byTable: [{ table: 'public.customers', inserted: 0, updated: 1, deleted: 0 }],
  images: [{ table: 'public.customers', before: { plan: 'free' }, after: { plan: 'gold' } }],
  imagesComplete: true,
  preState: digestOf('rows', 'before'),
};

export function park(
  approvalId: string,
  record: ActionRecord,
  more: Partial<ApprovalBinding> = {},
): ActionPark {
  const binding: ApprovalBinding = {
    runId: record.runId,
    tool: record.tool,
    toolDigest: record.toolDigest,
    argumentsDigest: record.argumentsDigest,
    target: 'acme-db (production)',
    preState: MEASURED.preState,
    halt: 0,
    expiresAt: T0 + HOUR,
    nonce: `nonce of ${approvalId}`,
    ...more,
  };
  const approval: Approval = {
    id: approvalId,
    actionId: record.id,
    agent: record.agent,
    binding,
    digest: approvalDigest(binding),
    state: 'pending',
    askedAt: T0,
    answeredBy: null,
    answeredAt: null,
  };
  return {
    kind: 'action.park',
    action: record,
    approval,
    askKey: askKey(record.runId, record.tool, record.argumentsDigest),
    measured: MEASURED,
    previewActionId: null,
    at: T0,
  };
}

export function raise(scope: string, reason = 'the operator said so'): HaltRaise {
  return { kind: 'halt.raise', scope, reason, by: 'dana', at: T0 };
}

export function runToken(hash: string, runId: string): TokenIssue {
  return {
    kind: 'token.issue',
    token: { hash, kind: 'run', subject: runId, expiresAt: T0 + 300_000, revoked: false },
    at: T0,
  };
}

/** A bundle that grants nothing and is like no other. */
export function bundleNamed(name: string): Bundle {
  const contents = { ...EMPTY_BUNDLE, organisation: { name, domains: [] } };
  return { ...contents, digest: bundleDigest(contents) };
}

/** Digest of the bundle that `theDay` applies. */
export const BUNDLE_1 = bundleNamed('bundle_1').digest;
export const BUNDLE_2 = bundleNamed('bundle_2').digest;

export function applyBundle(name: string, expected = EMPTY_BUNDLE.digest): BundleApply {
  return {
    kind: 'bundle.apply',
    bundle: bundleNamed(name),
    expected,
    widenings: ['`support` may now `set_plan`'],
    by: 'dana',
    at: T0,
  };
}
