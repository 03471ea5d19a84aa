import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { Pulse } from '../../src/broker/pulse.ts';
import { type Published, Sealer } from '../../src/broker/sealer.ts';
import { sweeper, takeOver } from '../../src/broker/take-over.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import type { Call } from '../../src/domain/connector.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { SimConnector } from './connector.ts';
import type { Disk } from './disk.ts';
import type { Issuer } from './issuer.ts';
import type { Machine } from './machine.ts';
import type { Plant } from './plants.ts';
import { SharedStore } from './shared-store.ts';
import { SimStore } from './store.ts';
import type { GateWatch } from './target-watch.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

const SWEEP_EVERY_MS = 60_000;
/** Longer than in production, so that a simulated hour has fewer beats. */
export const BOUND_MS = 4_000;
const BEAT_MS = 1_500;

/** Pure, and dear to compile: shared by all lives. */
const inputs = createInputCheck();

export interface Ground {
  readonly world: World;
  readonly disk: Disk;
  readonly witness: Witness;
  readonly issuer: Issuer;
  /** Looks at every call as it is begun and as it is finished. */
  readonly gateWatch: GateWatch;
  readonly plant: Plant | null;
}

/** One incarnation of Signalbox, wired as src/system.ts wires it, with simulated doors and systems. */
export class House {
  readonly broker: Broker;
  readonly store: SimStore | SharedStore;
  readonly incarnation: number;
  readonly #disk: Disk;
  readonly #machine: Machine;

  constructor(ground: Ground, incarnation: number, machine: Machine) {
    const { world } = ground;
    const doors = world.doors(incarnation);
    const parts = { ...ground, incarnation };
    const store = world.swarm.replicas === 2 ? new SharedStore(parts) : new SimStore(parts);
    this.incarnation = incarnation;
    this.#disk = ground.disk;
    this.#machine = machine;
    const bundles = bundleSource(store);
    const connection = async (name: string) => (await bundles.active()).connections[name] ?? null;
    const issuers = ground.issuer.doorsOf(incarnation);
    const log = (): void => world.count('revocationsAgain');
    const freshness = new Freshness(store, doors.clock, BOUND_MS);
    const whoseIsLeft = () => freshness.whoseIsLeft();
    const leases = new Leases({ store, issuers, connection, whoseIsLeft, doors, log });
    this.store = store;
    const local = new LocalGate();
    const passing = (call: Call, what: string): void => ground.gateWatch.passing(local, call, what);
    const connectors = (['sim-db', 'sim-api'] as const).map(
      (kind) => new SimConnector(kind, { ...ground, incarnation, passing }),
    );
    this.broker = {
      doors,
      store,
      connectors: new Map(connectors.map((connector) => [connector.kind, connector])),
      inspectors: new Map(),
      credentials: leases,
      grants: NO_GRANTS,
      inputs,
      bundles,
      policies: new PolicyRoom(),
      flights: new Flights(),
      freshness,
      streams: new OpenStreams(),
      local,
      alerts: NO_ALERTS,
      notices: new Notices(doors.timers),
      lineage: new Lineages({ store, bundles, doors, isSecret: () => false }),
      withhold: new KnownSecrets(),
      consults: NO_CONSULTS,
    };
    ground.plant?.bends?.(this.broker);
  }

  /** As a start does it: orphaned credentials first, then open intents, then runs whose clients are gone. */
  async start(): Promise<void> {
    const { broker } = this;
    const { timers } = broker.doors;
    const sweep = sweeper(broker, () => undefined);
    await new Pulse(broker, sweep).start(BEAT_MS);
    await takeOver(broker);
    await this.#machine.start(this);
    timers.every(SWEEP_EVERY_MS, sweep);
    const { store, doors } = broker;
    const publish = ({ note }: Published): void => {
      this.#disk.published.push(note);
    };
    void new Sealer({ store, doors, publish, alerts: NO_ALERTS, log: () => undefined }).seal();
  }
}
