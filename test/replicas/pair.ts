import type { TestContext } from 'node:test';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { Pulse } from '../../src/broker/pulse.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { sweeper, takeOver } from '../../src/broker/take-over.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { bundleDigest } from '../../src/domain/bundle.ts';
import type { Call } from '../../src/domain/connector.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import type { Doors } from '../../src/domain/doors.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import type { Store } from '../../src/domain/store.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { Issuer, Target } from '../properties/target.ts';
import { BUNDLE } from '../properties/world.ts';
import { SharedStore, Way } from './shared-store.ts';
import { Process, Time } from './time.ts';

export const BOUND_MS = 1_000;
export const BEAT_MS = 250;

/** One replica of a test: a broker with all it has, its process, and its way to the store. */
export interface Fellow {
  readonly broker: Broker;
  readonly process: Process;
  readonly way: Way;
  call(runId: string, id: number, tool?: string): Promise<Outcome | Error>;
}

export interface Pair {
  readonly time: Time;
  readonly shared: SharedStore;
  readonly target: Target;
  readonly issuer: Issuer;
  readonly a: Fellow;
  readonly b: Fellow;
  /** Another replica, started now. */
  join(): Promise<Fellow>;
  run(agent?: string): Promise<string>;
  /** An ask for this call of `change`, approved. */
  approved(runId: string, id: number): Promise<void>;
}

/** Two brokers over one store, in front of one target that counts its effects. */
export async function openPair(t: TestContext): Promise<Pair> {
  const time = new Time();
  const shared = new SharedStore(time);
  t.after(() => shared.close());
  const [target, issuer] = [new Target(), new Issuer()];
  const join = (): Promise<Fellow> => started(time, shared, target, issuer);
  const a = await join();
  const b = await join();
  await applyBundle(a.broker);
  const run = async (agent = 'ann'): Promise<string> =>
    (await beginRun(a.broker, { agent, intent: 'a test', budget: {} })).id;
  const approved = async (runId: string, id: number): Promise<void> => {
    const parked = await time.until(a.call(runId, id));
    if (parked instanceof Error || parked.kind !== 'parked')
      throw new Error(`not parked: ${parked}`);
    await approve(a.broker, parked.approvalId);
  };
  return { time, shared, target, issuer, a, b, join, run, approved };
}

export async function approve(broker: Broker, approvalId: string): Promise<void> {
  const ask = await broker.store.ask(approvalId);
  await answer(broker, {
    ...{ approvalId, answer: 'approved', by: 'olga', because: 'test' },
    digest: ask?.approval.digest ?? '',
  });
}

export async function applyBundle({ store }: Broker): Promise<void> {
  await store.commit({
    kind: 'bundle.apply',
    bundle: { ...BUNDLE, digest: bundleDigest(BUNDLE) },
    expected: 'none',
    widenings: [],
    by: 'test',
    at: Date.now(),
  });
}

/** Holds the first call that comes to this stage, until opened. */
export function hold(
  target: Target,
  stage: 'begin' | 'finish',
): { readonly full: Promise<Call>; open(): void } {
  const full = Promise.withResolvers<Call>();
  const opened = Promise.withResolvers<void>();
  target.gate = async (at, call) => {
    if (at !== stage) return;
    full.resolve(call);
    await opened.promise;
  };
  return { full: full.promise, open: () => opened.resolve() };
}

/** A broker with all it has, and its pulse. */
export async function brokerOver(
  store: Store,
  doors: Doors,
  { target, issuer }: Pick<Pair, 'target' | 'issuer'>,
): Promise<{ readonly broker: Broker; readonly pulse: Pulse }> {
  const bundles = bundleSource(store);
  const freshness = new Freshness(store, doors.clock, BOUND_MS);
  const credentials = new Leases({
    ...{ store, issuers: [issuer], doors, log: () => {} },
    connection: async (name) => (await bundles.active()).connections[name] ?? null,
    whoseIsLeft: () => freshness.whoseIsLeft(),
  });
  const broker: Broker = {
    ...{ doors, store, credentials, bundles, freshness, policies: new PolicyRoom() },
    connectors: new Map([['target', target]]),
    inspectors: new Map(),
    inputs: () => [],
    flights: new Flights(),
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts: NO_ALERTS,
    notices: new Notices(doors.timers),
    lineage: new Lineages({ store, bundles, doors, isSecret: () => false }),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
    grants: NO_GRANTS,
  };
  const pulse = new Pulse(
    broker,
    sweeper(broker, () => {}),
  );
  await pulse.start(BEAT_MS);
  return { broker, pulse };
}

export function callOf(broker: Broker): Fellow['call'] {
  return (runId, id, tool = 'change') =>
    act(broker, { runId, tool, arguments: { id }, via: 'test' }).catch((error: Error) => error);
}

async function started(
  time: Time,
  shared: SharedStore,
  target: Target,
  issuer: Issuer,
): Promise<Fellow> {
  const [process, way] = [new Process(), new Way()];
  const doors = time.doorsOf(process);
  const { broker } = await brokerOver(shared.open(process, way), doors, { target, issuer });
  await time.until(takeOver(broker));
  return { broker, process, way, call: callOf(broker) };
}
