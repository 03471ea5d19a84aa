import { type Bundle, modelsOf } from '../domain/bundle.ts';
import { type EffectVector, effectVector } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import { haltOver } from '../domain/halt.ts';

import {
  actorsOf,
  actsForUnder,
  type Run,
  TREE,
  UNDECLARED_INTENT,
  widening,
} from '../domain/run.ts';

import type { Broker } from './broker.ts';
import { rungOf } from './gather.ts';
import { rememberBegun } from './loops.ts';
import { revokeSoon } from './patience.ts';

/** A run lives this long at most, whatever its tokens do. */
const RUN_LIFETIME_MS = 8 * 3_600_000;
export const MAX_INTENT_LENGTH = 4_000;
const MAX_SWEPT = 10_000;

export interface RunRequest {
  /** Its id, where one must be known before; a new one when left out. */
  readonly id?: string;
  readonly agent: string;
  readonly intent: string;
  readonly budget: Partial<EffectVector>;
  /** The only tools it may use; all that its agent is granted when left out or null. */
  readonly tools?: readonly string[] | null;
  /** The user on whose behalf; nobody when left out or null. Its agent must be trusted to name this one. */
  readonly subject?: string | null;
  /** The identity provider that vouches for that; null or left out: its agent says so. */
  readonly provenBy?: string | null;
  /** How long it may live at most, in milliseconds; eight hours when left out or null, and never more. */
  readonly lifetimeMs?: number | null;
}

/** Starts a root run for an agent of the active bundle. Refused while a halt stands over it. */
export async function beginRun(broker: Broker, request: RunRequest): Promise<Run> {
  const { agent, budget, tools = null } = request;
  const onBehalf = request.subject == null ? {} : { subject: request.subject };
  const bundle = await broker.bundles.active();
  const intent = checked(bundle, request);
  requireSubject(bundle, agent, request);
  const actor = { agent, actsFor: [], ...onBehalf };
  const ungranted = tools?.find((tool) => rungOf(bundle, actor, tool) === null);
  if (ungranted !== undefined)
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `agent \`${agent}\` holds no grant for a tool \`${ungranted}\``,
    );
  await refuseHalted(broker, bundle, { agent, actsFor: [] });
  const now = broker.doors.clock.now();
  const id = request.id ?? broker.doors.entropy.id('run');
  const run: Run = {
    id,
    root: id,
    parent: null,
    depth: 0,
    agent,
    intent: intent.trim() === '' ? UNDECLARED_INTENT : intent,
    state: 'live',
    startedAt: now,
    expiresAt: now + Math.min(RUN_LIFETIME_MS, request.lifetimeMs ?? RUN_LIFETIME_MS),
    endedAt: null,
    budget,
    tools,
    actsFor: [],
    ...onBehalf,
  };
  const begun = await broker.store.commit({ kind: 'run.begin', run, at: now });
  if (!begun.ok) throw halted(agent);
  return run;
}

/** Whoever may say for whom it acts could say anything: only agents that the bundle trusts with it, and known users. */
function requireSubject(
  bundle: Bundle,
  agent: string,
  { subject = null, provenBy = null }: Pick<RunRequest, 'subject' | 'provenBy'>,
): void {
  if (subject === null) return;
  const { subjects = [], subjectToken } = bundle.agents[agent] ?? {};
  if (subjectToken?.required === true && provenBy !== subjectToken.issuer)
    throw new SignalboxError(
      'SUBJECT_REFUSED',
      `agent \`${agent}\` proves whom it acts for by a token of \`${subjectToken.issuer}\`, and said only a name`,
    );
  const known = Object.hasOwn(bundle.users ?? {}, subject);
  if (!known || !(subjects.includes('*') || subjects.includes(subject)))
    throw new SignalboxError(
      'SUBJECT_REFUSED',
      `agent \`${agent}\` may not act on behalf of \`${subject.slice(0, 128)}\``,
    );
}

/** What the store does not look at when a run begins: declared models, and the halts of this machine. */
async function refuseHalted(
  broker: Broker,
  bundle: Bundle,
  run: Pick<Run, 'agent' | 'actsFor'>,
): Promise<void> {
  const above = run.actsFor.map((ancestor) => `run:${ancestor.run}`);
  const agents = actorsOf(run).map((agent) => `agent:${agent}`);
  const local = haltOver(broker.local.halts(), ['all', ...agents, ...above]);
  const models = modelsOf(bundle, actorsOf(run)).map((model) => `model:${model}`);
  const { halts } = models.length === 0 ? { halts: [] } : await broker.store.haltState();
  const halted = local ?? haltOver(halts, models);
  if (halted !== undefined)
    throw new SignalboxError('HALTED', `\`${halted.scope}\` is halted, so no run of it can start`);
}

/** `agent`: who acts in it, the parent's own when null; another one has proven itself. */
export interface SubRunRequest extends Omit<RunRequest, 'agent'> {
  readonly parent: string;
  readonly agent: string | null;
}

/**
 * Starts a run under another: it can do, spend and last no more than that one. Throws RUN_OVER, HALTED, AGENT_UNKNOWN,
 * DELEGATION_WIDENS (it asks for more than its parent has), DELEGATION_DEPTH, DELEGATION_FULL.
 */
export async function beginSubRun(broker: Broker, request: SubRunRequest): Promise<Run> {
  const parent = await broker.store.run(request.parent);
  if (parent === null)
    throw new SignalboxError('RUN_NOT_FOUND', `no run \`${request.parent}\` is known`);
  const agent = request.agent ?? parent.agent;
  const bundle = await broker.bundles.active();
  const intent = checked(bundle, { ...request, agent });
  if (parent.depth >= TREE.depth)
    throw new SignalboxError(
      'DELEGATION_DEPTH',
      `\`${parent.id}\` stands ${parent.depth} deep, expected less than ${TREE.depth}`,
    );
  const now = broker.doors.clock.now();
  const asked = request.lifetimeMs ?? null;
  const run: Run = {
    id: broker.doors.entropy.id('run'),
    root: parent.root,
    parent: parent.id,
    depth: parent.depth + 1,
    agent,
    intent,
    state: 'live',
    startedAt: now,
    expiresAt: asked === null ? parent.expiresAt : Math.min(now + asked, parent.expiresAt),
    endedAt: null,
    budget: request.budget,
    tools: request.tools ?? parent.tools,
    actsFor: actsForUnder(parent),
    ...(parent.subject === undefined ? {} : { subject: parent.subject }),
  };
  const wider =
    otherSubject(parent, request.subject ?? null) ??
    widening(parent, run) ??
    ungranted(bundle, run);
  if (wider !== null) throw new SignalboxError('DELEGATION_WIDENS', wider);
  await refuseHalted(broker, bundle, run);
  const begun = await broker.store.commit({ kind: 'run.begin', run, at: now });
  if (begun.ok) {
    rememberBegun(broker, run);
    return run;
  }
  switch (begun.because) {
    case 'halted':
      throw halted(agent);
    case 'over':
      throw new SignalboxError('RUN_OVER', `the run \`${parent.id}\` it would stand under is over`);
    case 'full':
      throw new SignalboxError(
        'DELEGATION_FULL',
        `${TREE.live} sub-runs of \`${run.root}\` are live already`,
      );
  }
}

/** A sub-run is on behalf of the same user as its parent; it may say so, and nothing else. */
function otherSubject({ subject }: Run, said: string | null): string | null {
  return said === null || said === subject
    ? null
    : 'it is on behalf of another user than its parent';
}

/** The intent, when agent, intent and budget can be those of a run. */
function checked(bundle: Bundle, { agent, intent, budget }: RunRequest): string {
  if (!Object.hasOwn(bundle.agents, agent))
    throw new SignalboxError('AGENT_UNKNOWN', `agent \`${agent}\` is not in the active bundle`);
  if (intent.length > MAX_INTENT_LENGTH)
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected an intent of at most ${MAX_INTENT_LENGTH} characters, got ${intent.length}`,
    );
  effectVector(budget);
  return intent;
}

/** A tool that was named though not everybody in the chain is granted it: told now rather than at its first call. */
function ungranted(bundle: Bundle, run: Run): string | null {
  const tool = run.tools?.find((name) => rungOf(bundle, run, name) === null);
  return tool === undefined
    ? null
    : `not everybody who would act in it (${actorsOf(run).join(', ')}) is granted \`${tool}\``;
}

function halted(agent: string): SignalboxError {
  return new SignalboxError('HALTED', `a halt stands over agent \`${agent}\` or a run above`);
}

/**
 * Ends a run and every run under it: no token, ask, flight or credential of them survives. Ending it twice is harmless.
 */
export async function endRun(broker: Broker, runId: string, why: string): Promise<void> {
  const at = broker.doors.clock.now();
  const done = await broker.store.commit({ kind: 'run.end', runId, why, at });
  const ended = new Set(done.ok ? done.ended : [runId]);
  await Promise.all([...ended].map((id) => closeRun(broker, id)));
  await revokeSoon(broker, (lease) => ended.has(lease.runId));
}

/** What the end of a run means on this replica, wherever it was ended. */
export async function closeRun(broker: Broker, runId: string): Promise<void> {
  broker.flights.abort(`run:${runId}`, new Error('the run ended'));
  broker.credentials.letGo(`run:${runId}`).catch(() => undefined);
  broker.notices.notify(`run:${runId}`);
  await releaseRun(broker, runId);
}

/** Ends the runs whose time is over; how many. Called from time to time. */
export async function endExpired(broker: Broker): Promise<number> {
  const now = broker.doors.clock.now();
  if (!broker.freshness.isEldest) return 0;
  const live = await broker.store.runs({ limit: MAX_SWEPT, state: 'live' });
  const over = live.filter(({ run }) => now >= run.expiresAt);
  for (const { run } of over) await endRun(broker, run.id, 'its time is over');
  return over.length;
}

/** Ends the runs that no client declared and whose replica is dead: only that one knew whose they are. */
export async function endUndeclared(broker: Broker): Promise<number> {
  const undeclared = (await broker.store.runs({ limit: MAX_SWEPT, state: 'live' })).filter(
    ({ run }) => run.intent === UNDECLARED_INTENT,
  );
  const isLeft = await broker.freshness.whoseIsLeft();
  const over = undeclared.filter(({ replica }) => isLeft(replica));
  for (const { run } of over) await endRun(broker, run.id, 'Signalbox was started anew');
  return over.length;
}

/** Closes what connectors keep open for a run. */
export async function releaseRun(broker: Broker, runId: string): Promise<void> {
  await Promise.allSettled(
    [...broker.connectors.values()].map((connector) => connector.release(runId)),
  );
}
