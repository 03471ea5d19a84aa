import type { ActionRecord } from '../domain/action-record.ts';
import { type Bundle, modelsOf, type Tool } from '../domain/bundle.ts';
import { type Call, type Connector, ConnectorFailure, type Flight } from '../domain/connector.ts';
import type { Decision } from '../domain/decision.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import { type HaltScope, haltOver, scopesOf } from '../domain/halt.ts';
import type { ArgumentProof, LineageFacts, LineageRecord } from '../domain/lineage.ts';
import type { ActionAdmit } from '../domain/ops.ts';
import type { Proposal } from '../domain/proposal.ts';
import { actorsOf, type Run } from '../domain/run.ts';
import type { StopSignal } from '../domain/stop.ts';
import { reservations } from '../limits/blast-radius.ts';
import { repeatKey, sendsKey } from '../tools/narrow/key.ts';
import type { Broker } from './broker.ts';
import { stale } from './freshness.ts';

/** An action in the air. `finishing`: from here on a fault leaves the outcome open unless the connector promises otherwise. */
export interface Aloft {
  readonly signal: StopSignal;
  leaseId: string | null;
  /** Begun and not yet finished or cancelled. */
  flight: Flight | null;
  finishing: boolean;
}

/** Registered before the intent is recorded, so that no halt can fall between the two. */
export function takeOff(broker: Broker, proposal: Proposal, intent: ActionAdmit): Aloft {
  const signal = broker.flights.take(intent.action.id, intent.scopes, proposal.signal);
  return { signal, leaseId: null, flight: null, finishing: false };
}

export function recordOf(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  purpose: ActionRecord['purpose'],
): ActionRecord {
  if (facts.run === null) throw new SignalboxError('RUN_NOT_FOUND', 'no run with this id is known');
  const record: ActionRecord = {
    id: broker.doors.entropy.id('act'),
    runId: facts.run.id,
    root: facts.run.root,
    agent: facts.run.agent,
    tool: facts.toolName,
    toolDigest: facts.tool?.digest ?? 'none',
    connection: facts.tool?.connection ?? 'none',
    arguments: facts.arguments,
    argumentsDigest: facts.argumentsDigest,
    purpose,
    via: proposal.via,
    decision,
  };
  if (facts.continuation === null && proposal.traceparent === undefined && facts.lineage === null)
    return record;
  return {
    ...record,
    ...(facts.continuation === null ? {} : { continuation: facts.continuation }),
    ...(proposal.traceparent === undefined ? {} : { traceparent: proposal.traceparent }),
    ...(facts.lineage === null ? {} : { lineage: recordedOf(facts.lineage) }),
  };
}

/** So many values of one call are told with where they came from. */
const MOST_PROOFS = 100;

function recordedOf({ proofs, flows, seen }: LineageFacts): LineageRecord {
  if (proofs.length <= MOST_PROOFS) return { proofs, flows, seen };
  // where some are left out, none of those that stood against the call
  const weight = ({ proof, outside }: ArgumentProof): number =>
    (proof === 'untrusted' ? 4 : proof === 'unknown' ? 2 : 0) + (outside ? 1 : 0);
  const heavy = proofs.toSorted((a, b) => weight(b) - weight(a));
  return { proofs: heavy.slice(0, MOST_PROOFS), flows, seen };
}

/** The intent with everything the store must check in the same transaction. A preview reserves nothing and uses no approval. */
export function intentOf(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  purpose: ActionRecord['purpose'],
): ActionAdmit {
  const { run, tool } = facts;
  if (run === null || tool === null)
    throw new SignalboxError('INTERNAL', 'an intent without run or tool');
  const execute = purpose === 'execute';
  return {
    kind: 'action.admit',
    action: recordOf(broker, proposal, facts, decision, purpose),
    stamp: facts.stamp,
    scopes: scopesFor(run, tool, facts.bundle),
    reservations: execute ? reservations(facts.limits, tool.cap) : [],
    approvalId: execute && decision.mode === 'approve' ? (facts.approval?.id ?? null) : null,
    leaseId: null,
    outcome: null,
    at: facts.now,
  };
}

const scopes = new WeakMap<Tool, WeakMap<Run, readonly HaltScope[]>>();

/** Made once for each tool, which is of one bundle, and run: most calls repeat an earlier one's. */
function scopesFor(run: Run, tool: Tool, bundle: Bundle): readonly HaltScope[] {
  let byRun = scopes.get(tool);
  if (byRun === undefined) {
    byRun = new WeakMap();
    scopes.set(tool, byRun);
  }
  const known = byRun.get(run);
  if (known !== undefined) return known;
  const models = modelsOf(bundle, actorsOf(run));
  const found = scopesOf({ run, tool: tool.name, connection: tool.connection, models });
  byRun.set(run, found);
  return found;
}

/** False: the facts moved; nothing was recorded and everything is to be judged again. */
export async function recordIntent(broker: Broker, intent: ActionAdmit): Promise<boolean> {
  try {
    return (await broker.store.commit(intent)).ok;
  } catch (error) {
    // it may have been taken all the same
    if ((error as Partial<SignalboxError>).code === 'STORE_DOWN')
      broker.flights.owe(intent.action.id, null);
    throw error;
  }
}

/** The last moment before the effect: the halt once more, then the credential, then how old all that is. */
export async function inject(
  broker: Broker,
  facts: Facts,
  intent: ActionAdmit,
  aloft: Aloft,
): Promise<Call> {
  const { run, tool, connection } = facts;
  if (run === null || tool === null || connection === null)
    throw new ConnectorFailure(
      'CONNECTOR_UNREACHABLE',
      `the connection of \`${facts.toolName}\` is not configured`,
      'none',
    );
  if (broker.local.size > 0 && haltOver(broker.local.halts(), intent.scopes) !== undefined)
    throw haltedHere();
  const credential = await broker.credentials.obtain(run, connection);
  aloft.leaseId = credential?.leaseId ?? null;
  if (aloft.leaseId !== null) broker.flights.lent(intent.action.id, aloft.leaseId);
  const stored = (await broker.store.haltState()).halts;
  const halts = broker.local.size === 0 ? stored : [...broker.local.halts(), ...stored];
  const halted = halts.length === 0 ? undefined : haltOver(halts, scopesWith(intent, aloft));
  if (halted !== undefined) {
    // minted while the halt fell: the halt may not have seen this lease, so it ends here
    void broker.credentials.revoke(({ id }) => id === credential?.leaseId).catch(() => {});
    throw new ConnectorFailure(
      'HALTED',
      `\`${halted.scope}\` was halted before the effect`,
      'none',
    );
  }
  aloft.signal.throwIfAborted();
  if (!broker.freshness.isFresh) throw staleFault();
  return {
    actionId: intent.action.id,
    runId: run.id,
    tool,
    connection,
    arguments: facts.arguments,
    continuation: facts.continuation,
    credential,
    purpose: intent.action.purpose,
    signal: aloft.signal,
    ...(sendsKey(tool) ? { key: repeatKey(run.root, intent.action) } : {}),
  };
}

function haltedHere(): ConnectorFailure {
  return new ConnectorFailure('HALTED', 'this machine was halted before the effect', 'none');
}

/** Which credential it is made with is known only now. */
function scopesWith({ scopes }: ActionAdmit, { leaseId }: Aloft): readonly HaltScope[] {
  return leaseId === null ? scopes : [...scopes, `credential:${leaseId}`];
}

/** Makes the flight's trace durable before it finishes. False: a halt came first, or the caller is gone. */
export async function recordMark(
  broker: Broker,
  intent: ActionAdmit,
  aloft: Aloft,
  flight: Flight,
): Promise<boolean> {
  if (aloft.signal.aborted) return false;
  const marked = await broker.store.commit({
    kind: 'action.mark',
    actionId: intent.action.id,
    runId: intent.action.runId,
    trace: flight.trace ?? {},
    measured: flight.measured?.effect ?? null,
    leaseId: aloft.leaseId,
    scopes: scopesWith(intent, aloft),
    at: broker.doors.clock.now(),
  });
  return marked.ok && !aloft.signal.aborted && broker.freshness.isFresh;
}

function staleFault(): ConnectorFailure {
  const { code, message } = stale();
  return new ConnectorFailure(code, message, 'none');
}

/** After a fault nothing may stay open at the target: no transaction, no lock. */
export async function ground(aloft: Aloft): Promise<void> {
  if (!aloft.finishing) await aloft.flight?.cancel().catch(() => {});
}

export function connectorOf(broker: Broker, facts: Facts): Connector {
  const connector = broker.connectors.get(facts.connection?.kind ?? '');
  if (connector === undefined)
    throw new ConnectorFailure(
      'CONNECTOR_UNREACHABLE',
      `there is no connector of kind \`${facts.connection?.kind}\``,
      'none',
    );
  return connector;
}
