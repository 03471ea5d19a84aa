import { apply } from './broker/apply.ts';
import type { Broker } from './broker/broker.ts';
import { LocalHalts } from './broker/local-halts.ts';
import { within } from './broker/patience.ts';
import { Pulse } from './broker/pulse.ts';
import type { Recovery } from './broker/recover.ts';
import { sweeper, takeOver } from './broker/take-over.ts';
import { loadConfig } from './config/load.ts';
import { type Plan, planBundle } from './config/plan.ts';
import type { PolicyFiles } from './config/policies.ts';
import type { Secrets } from './credentials/secrets.ts';
import { haltFile } from './doors.ts';
import { type Callers, createCallers } from './identity/callers.ts';
import { createOperators } from './identity/operators.ts';
import { build, type House } from './system/house.ts';
import { openListeners } from './system/listeners.ts';
import type { SystemOptions } from './system/options.ts';

const SWEEP_EVERY_MS = 60_000;
const READY_MS = 5_000;

export interface System {
  readonly broker: Broker;
  readonly callers: Callers;
  readonly secrets: Secrets;
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  /** For the first operator; null when there is one. Shown once. */
  readonly setupCode: string | null;
  readonly recovered: Recovery;
  /** `inspect`: servers that may be started or called though they were never applied; all unless said. */
  plan(
    text: string,
    path: string,
    inspect?: readonly string[] | 'all',
    files?: PolicyFiles,
  ): Promise<Plan>;
  /** Halts this machine at once, store or no store: what its halt file says, and everything when there is none. */
  haltHere(reason: string): Promise<void>;
  apply(plan: Plan, operator: { name: string; role: 'owner' | 'operator' }): Promise<void>;
  close(): Promise<void>;
}

/** Builds and starts everything. What an earlier process left open is settled before the first call is taken. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const house = await build(options);
  try {
    return await start(house, { ...options, log: house.log });
  } catch (error) {
    await house.close();
    throw error;
  }
}

async function start(house: House, options: SystemOptions): Promise<System> {
  const { broker, secrets } = house;
  const { doors, store, bundles } = broker;
  const sweep = sweeper(broker, (error) => options.log(`sweep: ${error.message}`));
  const pulse = new Pulse(broker, sweep);
  await pulse.start(house.beatMs);
  const recovered = await takeOver(broker);
  const local = new LocalHalts(broker, haltFile(options.directory), options.log);
  // a halt that was written while nothing ran here comes before the first call
  await local.settled();
  const plan: System['plan'] = async (text, path, inspect = 'all', files = {}) =>
    planBundle(loadConfig(text, path, files), {
      inspect,
      active: await bundles.active(),
      inspectors: broker.inspectors,
      timers: doors.timers,
    });
  const callers = createCallers({ store, doors });
  const operators = createOperators({ store, doors });
  // known before the store is away
  void house.alerts.learn().catch((error: Error) => options.log(`alerts: ${error.message}`));
  // for so long nothing is listened to; what takes longer is decided by the reference engine meanwhile
  await within(
    doors.timers,
    READY_MS,
    bundles.active().then((one) => broker.policies.ready(one)),
  );
  const surfaces = await openListeners({ options, house, callers, operators, plan });
  const unwatch = local.watch();
  const sweeping = doors.timers.every(SWEEP_EVERY_MS, sweep);
  return {
    broker,
    callers,
    secrets,
    agentsUrl: surfaces.agents.url,
    operatorsUrl: surfaces.operators.url,
    setupCode: await operators.setupCode(),
    recovered,
    plan,
    haltHere: (reason) => local.now(reason),
    apply: (proposed, operator) => apply(broker, proposed, operator),
    async close() {
      sweeping.cancel();
      unwatch();
      await surfaces.close();
      pulse.close(); // last: calls that were let finish need its answers
      await house.close();
    },
  };
}
