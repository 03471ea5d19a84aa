import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { endExpired } from '../../src/broker/runs.ts';
import { takeOver } from '../../src/broker/take-over.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { SimConnector } from './connector.ts';
import type { Disk } from './disk.ts';
import type { Issuer } from './issuer.ts';
import type { Plant } from './plants.ts';
import { SimStore } from './store.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

const SWEEP_EVERY_MS = 60_000;

/** Pure, and dear to compile: shared by all lives. */
const inputs = createInputCheck();

export interface Ground {
  readonly world: World;
  readonly disk: Disk;
  readonly witness: Witness;
  readonly issuer: Issuer;
  readonly plant: Plant | null;
}

/** One incarnation of Signalbox, wired as src/system.ts wires it, with simulated doors and systems. */
export class House {
  readonly broker: Broker;
  readonly store: SimStore;

  constructor(ground: Ground, incarnation: number) {
    const { world } = ground;
    const doors = world.doors(incarnation);
    const store = new SimStore({ ...ground, incarnation });
    const bundles = bundleSource(store);
    const connection = async (name: string) => (await bundles.active()).connections[name] ?? null;
    const issuers = ground.issuer.doorsOf(incarnation);
    const log = (): void => world.count('revocationsAgain');
    const leases = new Leases({ store, issuers, connection, doors, log });
    this.store = store;
    const connectors = (['sim-db', 'sim-api'] as const).map(
      (kind) => new SimConnector(kind, { ...ground, incarnation }),
    );
    this.broker = {
      doors,
      store,
      connectors: new Map(connectors.map((connector) => [connector.kind, connector])),
      inspectors: new Map(),
      credentials: leases,
      inputs,
      bundles,
      flights: new Flights(),
      freshness: new Freshness(store, doors.clock),
      streams: new OpenStreams(),
      local: new LocalGate(),
      alerts: NO_ALERTS,
      notices: new Notices(doors.timers),
    };
  }

  /** As a start does it: orphaned credentials first, then open intents, then runs whose clients are gone. */
  async start(): Promise<void> {
    const { broker } = this;
    const { timers } = broker.doors;
    await takeOver(broker);
    timers.every(SWEEP_EVERY_MS, () => {
      void Promise.all([endExpired(broker), takeOver(broker)]).catch(() => undefined);
    });
  }
}
