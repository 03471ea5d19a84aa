import { modelOf } from '../domain/bundle.ts';
import { type EffectVector, effectVector } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import { haltOver } from '../domain/halt.ts';
import { type Run, UNDECLARED_INTENT } from '../domain/run.ts';
import type { Broker } from './broker.ts';
import { revokeSoon } from './patience.ts';

/** A run lives this long at most, whatever its tokens do. */
const RUN_LIFETIME_MS = 8 * 3_600_000;
export const MAX_INTENT_LENGTH = 4_000;
const MAX_SWEPT = 10_000;

export interface RunRequest {
  readonly agent: string;
  readonly intent: string;
  readonly budget: Partial<EffectVector>;
}

/** Starts a root run for an agent of the active bundle. Refused while a halt stands over it. */
export async function beginRun(
  broker: Broker,
  { agent, intent, budget }: RunRequest,
): Promise<Run> {
  const bundle = await broker.bundles.active();
  if (!Object.hasOwn(bundle.agents, agent))
    throw new SignalboxError('AGENT_UNKNOWN', `agent \`${agent}\` is not in the active bundle`);
  if (intent.length > MAX_INTENT_LENGTH)
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected an intent of at most ${MAX_INTENT_LENGTH} characters, got ${intent.length}`,
    );
  effectVector(budget);
  await refuseHalted(broker, agent, modelOf(bundle, agent));
  const now = broker.doors.clock.now();
  const id = broker.doors.entropy.id('run');
  const run: Run = {
    id,
    root: id,
    parent: null,
    depth: 0,
    agent,
    intent: intent.trim() === '' ? UNDECLARED_INTENT : intent,
    state: 'live',
    startedAt: now,
    expiresAt: now + RUN_LIFETIME_MS,
    endedAt: null,
    budget,
  };
  const begun = await broker.store.commit({ kind: 'run.begin', run, at: now });
  if (!begun.ok)
    throw new SignalboxError('HALTED', `agent \`${agent}\` is halted, so no run of it can start`);
  return run;
}

/** What the store does not look at when a run begins: the declared model, and the halts of this machine. */
async function refuseHalted(
  broker: Broker,
  agent: string,
  model: string | undefined,
): Promise<void> {
  const local = haltOver(broker.local.halts(), ['all', `agent:${agent}`]);
  const { halts } = model === undefined ? { halts: [] } : await broker.store.haltState();
  const halted = local ?? haltOver(halts, [`model:${model}`]);
  if (halted !== undefined)
    throw new SignalboxError('HALTED', `\`${halted.scope}\` is halted, so no run of it can start`);
}

/** Ends a run: no token, ask or credential of it survives. Ending it twice is harmless. */
export async function endRun(broker: Broker, runId: string, why: string): Promise<void> {
  await broker.store.commit({ kind: 'run.end', runId, why, at: broker.doors.clock.now() });
  await closeRun(broker, runId);
  await revokeSoon(broker, (lease) => lease.runId === runId);
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
