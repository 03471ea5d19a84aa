import type { JsonObject } from '../domain/json.ts';
import type { LineageRecord } from '../domain/lineage.ts';
import type { ReadableEvent } from '../domain/store.ts';

/** One answer of the ledger, told from the records of one run alone. What was erased is null. */
export interface Why {
  readonly kind: 'run' | 'action' | 'approval';
  readonly id: string;
  readonly run: RunStory;
  /** The action asked for, or those an approval belongs to, or all of the run; in order. */
  readonly actions: readonly ActionStory[];
}

export interface RunStory {
  readonly id: string;
  readonly agent: string;
  readonly root: string;
  readonly parent: string | null;
  /** Whom it acts for: its parent first, the root last. */
  readonly actsFor: readonly { readonly run: string; readonly agent: string }[];
  /** The user on whose behalf it ran; null: nobody's. */
  readonly subject: string | null;
  readonly intent: string | null;
  readonly begunAt: number;
  readonly endedAt: number | null;
}

export interface ActionStory {
  readonly id: string;
  readonly at: number;
  readonly tool: string;
  readonly toolDigest: string;
  readonly connection: string;
  readonly purpose: string;
  readonly via: string;
  readonly arguments: JsonObject | null;
  /** Answers to what the target asked in an earlier round; null when it was the first. */
  readonly continuation: JsonObject | null;
  /** Where its values came from and what its texts carry; null: its tool asks for no proofs. */
  readonly lineage: LineageRecord | null;
  readonly mode: string;
  readonly nature: JsonObject;
  readonly verdicts: readonly VerdictStory[];
  /** What was in force: halt number and bundle. Null when it never came to an intent. */
  readonly stamp: JsonObject | null;
  readonly reservations: readonly JsonObject[];
  readonly approval: ApprovalStory | null;
  readonly lease: LeaseStory | null;
  /** The target's own mark (a transaction id), and the effect measured before it was made. */
  readonly trace: JsonObject | null;
  readonly measured: JsonObject | null;
  readonly outcome: OutcomeStory;
  readonly records: readonly RecordRef[];
}

export interface VerdictStory {
  readonly check: string;
  readonly ceiling: string;
  readonly code: string;
  readonly reason: string | null;
  readonly fix: string | null;
  /** The ceiling it would have given, had its agent not been observed. */
  readonly would?: string;
}

export interface ApprovalStory {
  readonly id: string;
  readonly askedBy: string;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly digest: string;
  readonly previewedBy: string | null;
  readonly measured: JsonObject | null;
  readonly answer: string | null;
  readonly answeredBy: string | null;
  readonly answeredAt: number | null;
  readonly because: string | null;
  readonly voided: string | null;
  /** In words; null while it holds, and once erased. */
  readonly voidedBecause: string | null;
  readonly usedBy: string | null;
}

export interface LeaseStory {
  readonly id: string;
  readonly connection: string;
  readonly issuer: string;
  readonly handle: string;
  readonly states: readonly { readonly state: string; readonly at: number }[];
}

/** `open`: admitted, and nothing known of its end. */
export interface OutcomeStory {
  readonly kind: string;
  readonly at: number;
  readonly by: string | null;
  readonly because: unknown;
  readonly posted: JsonObject | null;
  readonly content: JsonObject | null;
}

export interface RecordRef {
  readonly seq: number;
  readonly type: string;
  readonly code: string;
  readonly at: number;
  readonly hash: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a body is whatever was recorded; the catalogue says which fields it has.
type Fields = any;
interface Read {
  readonly event: ReadableEvent;
  readonly body: Fields;
  readonly payload: Fields;
}

const NEVER_INTENT: { readonly [type: string]: string } = {
  'action.denied': 'denied',
  'action.drafted': 'drafted',
  'action.parked': 'parked',
};

/** Intent and outcome in one record. */
const JOINT = 'action.read';
const PROPOSAL: ReadonlySet<string> = new Set([
  ...[
    'arguments',
    'argumentsDigest',
    'continuation',
    'lineage',
    'reasons',
    'traceparent',
    'measured',
  ],
]);

/** Null when these records, all of one run's chain in order, do not know `id`. */
export function explain(events: readonly ReadableEvent[], id: string): Why | null {
  const reads = events.map((event) => ({
    event,
    body: JSON.parse(event.body) as Fields,
    payload: (event.payload ?? null) as Fields,
  }));
  const run = runStory(reads);
  if (run === null) return null;
  const all = [...new Set(reads.flatMap(({ body }) => proposedBy(body)))];
  const tell = (ids: readonly string[]): ActionStory[] => ids.map((one) => story(reads, one));
  if (id === run.id) return { kind: 'run', id, run, actions: tell(all) };
  if (all.includes(id)) return { kind: 'action', id, run, actions: tell([id]) };
  const asked = reads.filter(({ body }) => body.approval === id);
  if (asked.length === 0) return null;
  const ids = [...new Set(asked.flatMap(({ body }) => [body.preview, body.action]))];
  return { kind: 'approval', id, run, actions: tell(ids.filter((one) => all.includes(one))) };
}

function proposedBy(body: Fields): string[] {
  return typeof body.tool === 'string' ? [body.action] : [];
}

function runStory(reads: readonly Read[]): RunStory | null {
  const begun = reads.find(({ event }) => event.type === 'run.begun');
  if (begun === undefined) return null;
  const ended = reads.find(({ event }) => event.type === 'run.ended');
  return {
    id: begun.event.chain,
    agent: begun.body.agent,
    root: begun.body.root,
    parent: begun.body.parent,
    actsFor: begun.body.actsFor ?? [],
    subject: begun.body.subject ?? null,
    intent: begun.payload?.intent ?? null,
    begunAt: begun.event.at,
    endedAt: ended?.event.at ?? null,
  };
}

function story(reads: readonly Read[], id: string): ActionStory {
  const own = reads.filter(({ body }) => body.action === id);
  const first = own.find(({ body }) => typeof body.tool === 'string') as Read;
  const { body, payload, event } = first;
  const marked = own.findLast((read) => read.event.type === 'action.marked');
  const settled = own.findLast(
    ({ event: { type } }) => type === 'action.outcome' || type === JOINT,
  );
  const content = settled ?? first;
  return {
    id,
    at: event.at,
    tool: body.tool,
    toolDigest: body.toolDigest,
    connection: body.connection,
    purpose: body.purpose,
    via: body.via,
    arguments: payload?.arguments ?? null,
    continuation: payload?.continuation ?? null,
    lineage: payload?.lineage ?? null,
    mode: body.mode,
    nature: body.nature,
    verdicts: verdicts(body, payload),
    stamp: body.stamp ?? null,
    reservations: body.reservations ?? [],
    approval: body.approval ? approvalStory(reads, body.approval) : null,
    lease: leaseStory(reads, marked?.body.lease ?? body.lease ?? null),
    trace: marked?.payload?.trace ?? null,
    measured: content.payload?.measured ?? content.body.measured ?? marked?.body.measured ?? null,
    outcome: outcomeStory(first, settled),
    records: own.map((read) => ({
      seq: read.event.seq,
      type: read.event.type,
      code: read.body.code,
      at: read.event.at,
      hash: read.event.hash,
    })),
  };
}

function verdicts(body: Fields, payload: Fields): VerdictStory[] {
  const passed = (body.passed ?? []).map((check: string) => ({
    ...{ check, ceiling: 'auto', code: 'OK', reason: null, fix: null },
  }));
  const others = body.verdicts.map((verdict: Fields, index: number) => {
    const said = payload?.reasons?.[index];
    return { ...verdict, reason: said?.reason ?? null, fix: said?.fix ?? null };
  });
  return [...passed, ...others];
}

function outcomeStory(first: Read, settled: Read | undefined): OutcomeStory {
  const at = (settled ?? first).event.at;
  if (settled === undefined) {
    const kind = NEVER_INTENT[first.event.type] ?? 'open';
    return { kind, at, by: null, because: null, posted: null, content: null };
  }
  const { outcome, by = 'act', because, posted } = settled.body;
  const said = Object.entries(settled.payload ?? {}).filter(([name]) => !PROPOSAL.has(name));
  const content = settled.payload && (Object.fromEntries(said) as JsonObject);
  return { kind: outcome, at, by, because, posted, content };
}

function approvalStory(reads: readonly Read[], id: string): ApprovalStory | null {
  const own = reads.filter(({ body }) => body.approval === id);
  const of = (type: string): Read | undefined => own.find(({ event }) => event.type === type);
  const parked = of('action.parked');
  if (parked === undefined) return null;
  const answered = of('approval.answered');
  const voided = of('approval.voided');
  return {
    id,
    askedBy: parked.body.action,
    askedAt: parked.body.askedAt,
    expiresAt: parked.body.expiresAt,
    digest: parked.body.digest,
    previewedBy: parked.body.preview,
    measured: parked.payload?.measured ?? parked.body.measured,
    answer: answered?.body.answer ?? null,
    answeredBy: answered?.body.by ?? null,
    answeredAt: answered?.event.at ?? null,
    because: answered?.payload?.because ?? null,
    voided: voided?.body.cause ?? null,
    voidedBecause: voided?.payload?.because ?? null,
    usedBy: of('action.intent')?.body.action ?? null,
  };
}

function leaseStory(reads: readonly Read[], id: string | null): LeaseStory | null {
  const own = reads.filter(
    ({ event, body }) => event.type === 'lease.written' && body.lease === id,
  );
  const last = own.at(-1);
  if (id === null || last === undefined) return null;
  const { connection, issuer, handle } = last.body;
  return {
    ...{ id, connection, issuer, handle },
    states: own.map(({ body, event }) => ({ state: body.state, at: event.at })),
  };
}
