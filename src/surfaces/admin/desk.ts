import type { Broker } from '../../broker/broker.ts';
import { digestOf } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { type Halt, scopesOfRun } from '../../domain/halt.ts';
import type { Run } from '../../domain/run.ts';
import type { RunSummary } from '../../domain/store.ts';
import { type AskView, askView, openFirst } from './ask-view.ts';
import { type EventView, eventView } from './timeline.ts';

/** What page and API read alike. Everything comes from the store at the moment of asking. */

const MOST_RUNS = 200;
const MOST_ASKS = 100;
const MOST_EVENTS = 5_000;

/** `more`: there are older ones than are listed; said wherever they are shown. */
export interface Asks {
  readonly asks: readonly AskView[];
  readonly more: boolean;
}

export interface Runs {
  readonly runs: readonly RunSummary[];
  readonly more: boolean;
}

/** Those that wait for an answer, the oldest first. */
export async function openAsks(broker: Broker): Promise<Asks> {
  const { asks, more } = await asksIn(broker, 'pending');
  return { asks: openFirst(asks), more };
}

/** Newest first. */
export async function asksIn(broker: Broker, state: AskView['state'] | 'all'): Promise<Asks> {
  // Nobody writes that an ask expired: such a one is pending or approved in the store.
  const stored = state === 'all' || state === 'expired' ? {} : { state };
  const now = broker.doors.clock.now();
  const bundle = await broker.bundles.active();
  const found = await broker.store.asks({ limit: MOST_ASKS + 1, ...stored });
  const views = found.slice(0, MOST_ASKS).map((ask) => askView(ask, bundle, now));
  return {
    asks: views.filter((view) => state === 'all' || view.state === state),
    more: found.length > MOST_ASKS,
  };
}

/** Throws APPROVAL_NOT_FOUND. */
export async function oneAsk(broker: Broker, id: string): Promise<AskView> {
  const ask = await broker.store.ask(id);
  if (ask === null)
    throw new SignalboxError('APPROVAL_NOT_FOUND', `no approval \`${clip(id)}\` is known`);
  const run = await broker.store.run(ask.approval.binding.runId);
  const bundle = await broker.bundles.active();
  return askView(ask, bundle, broker.doors.clock.now(), run?.actsFor);
}

/** Newest first. */
export async function runsIn(broker: Broker, state: Run['state'] | 'all'): Promise<Runs> {
  const stored = state === 'all' ? {} : { state };
  const found = await broker.store.runs({ limit: MOST_RUNS + 1, ...stored });
  return { runs: found.slice(0, MOST_RUNS), more: found.length > MOST_RUNS };
}

export interface RunView {
  readonly run: Run;
  /** Halts that stand over it. */
  readonly halts: readonly Halt[];
  readonly events: readonly EventView[];
  /** True: there are more records; ask for those `after` the last `seq`. */
  readonly more: boolean;
}

/** Throws RUN_NOT_FOUND. */
export async function oneRun(broker: Broker, id: string, after = 0): Promise<RunView> {
  const run = await broker.store.run(id);
  if (run === null) throw new SignalboxError('RUN_NOT_FOUND', `no run \`${clip(id)}\` is known`);
  const { halts } = await broker.store.haltState();
  const scopes = scopesOfRun(run);
  const events = await broker.store.timeline(id, after, MOST_EVENTS + 1);
  return {
    run,
    halts: halts.filter(({ scope }) => scopes.includes(scope)),
    events: events.slice(0, MOST_EVENTS).map(eventView),
    more: events.length > MOST_EVENTS,
  };
}

/** Changes when anything a page shows has moved. */
export async function pulse(broker: Broker): Promise<string> {
  const now = broker.doors.clock.now();
  const { stamp, halts } = await broker.store.haltState();
  const runs = await broker.store.runs({ limit: 50 });
  const asks = await broker.store.asks({ limit: MOST_ASKS, state: 'pending' });
  return digestOf('pulse', {
    stamp,
    halts: halts.map(({ scope, state }) => [scope, state]),
    runs: runs.map(({ run, actions, pendingApprovals, lastAt }) => [
      run.id,
      run.state,
      actions,
      pendingApprovals,
      lastAt,
    ]),
    asks: asks
      .filter(({ approval }) => now < approval.binding.expiresAt)
      .map(({ approval }) => approval.id),
  });
}

/** What the caller wrote, short enough for a message. */
export function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
