import type { ApprovalState } from '../domain/approval.ts';
import { EMPTY_BUNDLE } from '../domain/bundle.ts';
import type { Dimension, EffectVector } from '../domain/effect.ts';
import type { Halt } from '../domain/halt.ts';
import type { Reservation } from '../domain/ops.ts';
import type { Settlement } from '../domain/proposal.ts';
import type { Ancestor } from '../domain/run.ts';
import type { OwnedLease, ReadableEvent } from '../domain/store.ts';

/*
 * The state that the records tell: what every table must hold, whoever says otherwise. Fold the system chain first, then
 * each run's chain. What needs a payload (digests, traces) is null where the payload is erased or was not opened.
 */

export interface ProjectedRun {
  root: string;
  parent: string | null;
  depth: number;
  agent: string;
  state: 'live' | 'ended';
  startedAt: number;
  expiresAt: number;
  endedAt: number | null;
  budget: Partial<EffectVector>;
  tools: readonly string[] | null;
  actsFor: readonly Ancestor[];
  /** Null: on behalf of nobody. */
  subject: string | null;
  actions: number;
  refused: number;
  /** Who began it; null in records that do not say. */
  replica: string | null;
}

export interface ProjectedAction {
  runId: string;
  tool: string;
  toolDigest: string;
  connection: string;
  purpose: string;
  state: Settlement['kind'] | 'open' | 'denied' | 'drafted' | 'parked';
  halt: number | null;
  bundle: string | null;
  approvalId: string | null;
  leaseId: string | null;
  reservations: Pick<Reservation, 'key' | 'dimension' | 'amount'>[];
  at: number;
  settledAt: number | null;
  replica: string | null;
}

export interface ProjectedApproval {
  runId: string;
  actionId: string;
  agent: string;
  tool: string;
  toolDigest: string;
  connection: string;
  target: string;
  digest: string;
  /** Null where the payload is erased or was not opened. */
  content: { readonly binding: unknown; readonly askKey: unknown } | null;
  halt: number;
  state: ApprovalState;
  askedAt: number;
  expiresAt: number;
  answeredBy: string | null;
  answeredAt: number | null;
  usedBy: string | null;
  seq: number;
}

export interface ProjectedToken {
  kind: string;
  subject: string;
  expiresAt: number;
  revoked: boolean;
}

export interface Projection {
  halt: number;
  bundle: string;
  /** The public key of the ledger. */
  key: string | null;
  /** Every bundle that was ever applied. */
  readonly bundles: Set<string>;
  readonly runs: Map<string, ProjectedRun>;
  readonly actions: Map<string, ProjectedAction>;
  readonly approvals: Map<string, ProjectedApproval>;
  /** By `key`, line feed, dimension. */
  readonly usage: Map<string, { posted: number; pending: number }>;
  readonly halts: Map<number, { scope: string; by: string; at: number; state: Halt['state'] }>;
  readonly leases: Map<string, OwnedLease>;
  readonly tokens: Map<string, ProjectedToken>;
  readonly operators: Map<string, { role: string }>;
  readonly secrets: Map<string, { version: number }>;
  readonly erased: Set<string>;
  /** Records that contradict earlier ones, in words. */
  readonly problems: string[];
}

export function emptyProjection(): Projection {
  return {
    halt: 0,
    bundle: EMPTY_BUNDLE.digest,
    key: null,
    bundles: new Set(),
    runs: new Map(),
    actions: new Map(),
    approvals: new Map(),
    usage: new Map(),
    halts: new Map(),
    leases: new Map(),
    tokens: new Map(),
    operators: new Map(),
    secrets: new Map(),
    erased: new Set(),
    problems: [],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a body is whatever was recorded; the catalogue says which fields it has.
type Body = any;
type Folder = (into: Projection, body: Body, event: ReadableEvent) => void;

/** Adds one record. Types it does not know (of a newer ledger) change nothing. */
export function fold(into: Projection, event: ReadableEvent): void {
  FOLDERS[event.type]?.(into, JSON.parse(event.body), event);
}

export function usageKey(key: string, dimension: Dimension): string {
  return `${key}\n${dimension}`;
}

const FOLDERS: { readonly [type: string]: Folder } = {
  'bundle.applied': (into, body, event) => {
    if (body.previous !== into.bundle) contradicts(into, event, 'replaces a bundle not in force');
    into.bundle = body.bundle;
    into.bundles.add(body.bundle);
  },
  'run.begun': (into, body, event) => {
    const { root, parent, depth, agent, startedAt, expiresAt, budget } = body;
    const { tools = null, actsFor = [], subject = null } = body;
    into.runs.set(event.chain, {
      ...{ root, parent, depth, agent, startedAt, expiresAt, budget, tools, actsFor, subject },
      ...{ state: 'live', endedAt: null, actions: 0, refused: 0 },
      replica: body.replica ?? null,
    });
  },
  'run.ended': (into, _body, event) => {
    const run = into.runs.get(event.chain);
    if (run === undefined || run.state === 'ended') contradicts(into, event, 'ends no live run');
    else Object.assign(run, { state: 'ended', endedAt: event.at });
  },
  'run.said': (into, _body, event) => {
    if (into.runs.get(event.chain)?.state !== 'live') contradicts(into, event, 'is of no live run');
  },
  'run.spent': (into, { drawn }, event) => {
    if (into.runs.get(event.chain)?.state !== 'live')
      contradicts(into, event, 'is spent by no live run');
    for (const one of drawn as Reservation[]) posts(into, one, one.amount);
  },
  'run.refunded': (into, { back }) => {
    for (const one of back as Reservation[]) posts(into, one, -one.amount);
  },
  'action.intent': intent,
  'action.marked': (into, body, event) => {
    const action = into.actions.get(body.action);
    if (action?.state !== 'open' && action?.state !== 'running')
      contradicts(into, event, 'marks no open intent');
    else action.leaseId = body.lease ?? action.leaseId;
  },
  'action.outcome': outcome,
  'action.read': read,
  'action.denied': (into, body, event) => proposed(into, body, event, 'denied'),
  'action.drafted': (into, body, event) => proposed(into, body, event, 'drafted'),
  'action.parked': (into, body, event) => {
    proposed(into, body, event, 'parked');
    into.approvals.set(body.approval, {
      runId: event.chain,
      actionId: body.action,
      agent: into.runs.get(event.chain)?.agent ?? '',
      tool: body.tool,
      toolDigest: body.toolDigest,
      connection: body.connection,
      target: body.target,
      digest: body.digest,
      content: contentOf(event),
      halt: body.halt,
      state: 'pending',
      askedAt: body.askedAt,
      expiresAt: body.expiresAt,
      answeredBy: null,
      answeredAt: null,
      usedBy: null,
      seq: event.seq,
    });
  },
  'approval.answered': (into, body, event) => {
    const approval = into.approvals.get(body.approval);
    if (approval?.state !== 'pending') contradicts(into, event, 'answers no pending ask');
    else Object.assign(approval, { state: body.answer, answeredBy: body.by, answeredAt: event.at });
  },
  'approval.voided': (into, body, event) => {
    const approval = into.approvals.get(body.approval);
    if (approval?.state !== 'pending' && approval?.state !== 'approved')
      contradicts(into, event, 'voids no open ask');
    else approval.state = 'void';
  },
  'halt.raised': (into, { scope, epoch, by }, event) => {
    if (epoch !== into.halt + 1) contradicts(into, event, 'skips a halt number');
    into.halt = epoch;
    into.halts.set(epoch, { scope, by, at: event.at, state: 'gated' });
  },
  'halt.inert': (into, { epoch }, event) => {
    const halt = into.halts.get(epoch);
    if (halt?.state !== 'gated') contradicts(into, event, 'is of no gated halt');
    else halt.state = 'inert';
  },
  'halt.lifted': (into, { epoch, lifted }, event) => {
    if (epoch !== into.halt + 1) contradicts(into, event, 'skips a halt number');
    into.halt = epoch;
    for (const number of lifted) {
      const halt = into.halts.get(number);
      if (halt === undefined || halt.state === 'lifted')
        contradicts(into, event, 'lifts no halt in force');
      else halt.state = 'lifted';
    }
  },
  'lease.written': (into, body) => {
    const { lease: id, run: runId, agent, connection, issuer, handle } = body;
    const { revocability, state, mintedAt, expiresAt } = body;
    into.leases.set(id, {
      ...{ id, runId, agent, connection, issuer, handle },
      ...{ revocability, state, mintedAt, expiresAt },
      replica: into.leases.has(id)
        ? (into.leases.get(id)?.replica ?? null)
        : (body.replica ?? null),
    });
  },
  'token.issued': (into, { token, kind, subject, expiresAt }) => {
    into.tokens.set(token, { kind, subject, expiresAt, revoked: false });
  },
  'token.renewed': (into, { token, expiresAt }, event) => {
    const known = into.tokens.get(token);
    if (known === undefined || known.revoked) contradicts(into, event, 'renews no working token');
    else known.expiresAt = expiresAt;
  },
  'token.revoked': (into, { token }, event) => {
    const known = into.tokens.get(token);
    if (known === undefined) contradicts(into, event, 'revokes a token nobody issued');
    else known.revoked = true;
  },
  'agent.enrolled': (into, { agent, token, expiresAt }) => {
    into.tokens.set(token, { kind: 'agent', subject: agent, expiresAt, revoked: false });
  },
  'operator.added': (into, { operator, role, token, expiresAt, setup }, event) => {
    const code = into.tokens.get(setup);
    if (code?.kind !== 'setup' || code.revoked) contradicts(into, event, 'uses no setup code');
    else code.revoked = true;
    into.operators.set(operator, { role });
    into.tokens.set(token, { kind: 'operator', subject: operator, expiresAt, revoked: false });
  },
  'secret.set': (into, { name, version }) => {
    into.secrets.set(name, { version });
  },
  'secret.forgotten': (into, { name }) => {
    into.secrets.delete(name);
  },
  'ledger.keyed': (into, { key }, event) => {
    if (into.key !== null) contradicts(into, event, 'gives the ledger a second key');
    else into.key = key;
  },
  'ledger.erased': (into, { run }) => {
    into.erased.add(run);
  },
};

function proposed(
  into: Projection,
  body: Body,
  event: ReadableEvent,
  state: ProjectedAction['state'],
): void {
  counted(into, body, event, state === 'denied');
  into.actions.set(body.action, {
    runId: event.chain,
    tool: body.tool,
    toolDigest: body.toolDigest,
    connection: body.connection,
    purpose: body.purpose,
    state,
    halt: body.stamp?.halt ?? null,
    bundle: body.stamp?.bundle ?? null,
    approvalId: body.approval !== undefined && state === 'open' ? body.approval : null,
    leaseId: body.lease ?? null,
    reservations: (body.reservations ?? []).map((one: Reservation) => ({
      key: one.key,
      dimension: one.dimension,
      amount: one.amount,
    })),
    at: event.at,
    settledAt: null,
    replica: body.replica ?? null,
  });
}

function counted(into: Projection, body: Body, event: ReadableEvent, isRefused: boolean): void {
  const run = into.runs.get(event.chain);
  if (run?.state !== 'live') contradicts(into, event, 'is of no live run');
  if (into.actions.has(body.action)) contradicts(into, event, 'repeats an action');
  if (run === undefined) return;
  run.actions++;
  if (isRefused) run.refused++;
}

/** Intent and outcome at once: nothing was ever pending, and no row of `actions` tells of it. */
function read(into: Projection, body: Body, event: ReadableEvent): void {
  counted(into, body, event, body.outcome === 'refused');
  for (const { key, dimension, amount, limit } of body.reservations as Reservation[]) {
    if (amount > limit) contradicts(into, event, `reserves more \`${dimension}\` than its limit`);
    const spent = body.outcome === 'done' ? (body.posted[dimension] ?? 0) : 0;
    if (spent === 0) continue;
    const used = into.usage.get(usageKey(key, dimension)) ?? { posted: 0, pending: 0 };
    used.posted += spent;
    into.usage.set(usageKey(key, dimension), used);
  }
}

function posts(into: Projection, { key, dimension }: Reservation, amount: number): void {
  const used = into.usage.get(usageKey(key, dimension)) ?? { posted: 0, pending: 0 };
  used.posted += amount;
  into.usage.set(usageKey(key, dimension), used);
}

function contentOf({ payload }: ReadableEvent): ProjectedApproval['content'] {
  if (payload === undefined || payload === null) return null;
  return { binding: payload.binding ?? null, askKey: payload.askKey ?? null };
}

function intent(into: Projection, body: Body, event: ReadableEvent): void {
  proposed(into, body, event, 'open');
  if (body.approval !== null) {
    const approval = into.approvals.get(body.approval);
    if (approval?.state !== 'approved') contradicts(into, event, 'uses no approved ask');
    else Object.assign(approval, { state: 'used', usedBy: body.action });
  }
  for (const { key, dimension, amount, limit } of body.reservations as Reservation[]) {
    const used = into.usage.get(usageKey(key, dimension)) ?? { posted: 0, pending: 0 };
    used.pending += amount;
    into.usage.set(usageKey(key, dimension), used);
    if (amount > limit) contradicts(into, event, `reserves more \`${dimension}\` than its limit`);
  }
}

function outcome(into: Projection, body: Body, event: ReadableEvent): void {
  const action = into.actions.get(body.action);
  if (action?.state !== 'open' && action?.state !== 'running') {
    contradicts(into, event, 'settles no open intent');
    return;
  }
  action.state = body.outcome;
  if (body.outcome === 'running') return;
  action.settledAt = event.at;
  const run = into.runs.get(event.chain);
  if (body.outcome === 'refused' && run !== undefined) run.refused++;
  for (const { key, dimension, amount } of action.reservations) {
    const used = into.usage.get(usageKey(key, dimension)) ?? { posted: 0, pending: 0 };
    used.pending -= amount;
    if (body.outcome === 'done') used.posted += body.posted?.[dimension] ?? amount;
    if (body.outcome === 'unknown') used.posted += amount;
    into.usage.set(usageKey(key, dimension), used);
  }
}

function contradicts(into: Projection, event: ReadableEvent, how: string): void {
  if (into.problems.length < 100)
    into.problems.push(`\`${event.chain}\` ${event.seq} (\`${event.type}\`) ${how}`);
}
