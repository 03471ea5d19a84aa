import { mkdir } from 'node:fs/promises';
import { KnownSecrets } from '../boundary/known-secrets.ts';
import type { Alerts } from '../broker/alerts.ts';
import type { Broker } from '../broker/broker.ts';
import { bundleSource } from '../broker/bundles.ts';
import { Flights } from '../broker/flights.ts';
import { boundsOf, Freshness } from '../broker/freshness.ts';
import { Lineages } from '../broker/lineage.ts';
import { LocalGate } from '../broker/local-gate.ts';
import { Notices } from '../broker/notices.ts';
import { OpenStreams } from '../broker/open-streams.ts';
import type { PolicyAlarms } from '../broker/policy-alarms.ts';
import { Sealer } from '../broker/sealer.ts';
import { settledKey } from '../credentials/key-rotation.ts';
import { createSecrets, type Secrets } from '../credentials/secrets.ts';
import { tagOf } from '../credentials/strays.ts';
import type { Change } from '../domain/connector.ts';
import { realDoors, soon } from '../doors.ts';
import { keyCheckAt, openStore } from '../store/open.ts';
import { openPublisher } from '../store/publish.ts';
import { createInputCheck } from '../tools/input.ts';
import { type Adapters, createAdapters } from './adapters.ts';
import { createConsults } from './consults.ts';
import { createDesks } from './desks.ts';
import { keyPlace } from './keys.ts';
import type { SystemOptions } from './options.ts';
import { learning, policiesWith } from './policies.ts';

/** Everything that has no door to the outside yet. */
export interface House {
  readonly broker: Broker;
  readonly secrets: Secrets;
  readonly masterKey: Uint8Array;
  /** One line; never holds a secret. */
  readonly log: (line: string) => void;
  readonly adapters: Adapters;
  readonly alerts: Alerts;
  readonly policyAlarms: PolicyAlarms;
  readonly beatMs: number;
  /** Who is told what an upstream serves anew: the surface, once there is one. */
  readonly feed: { told: (change: Change) => void };
  close(): Promise<void>;
}

export async function build(options: SystemOptions): Promise<House> {
  const { directory, doors = realDoors(), freshness: bounds } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { credentials = null } = options;
  const place = keyPlace(directory, doors, credentials);
  const masterKey = await settledKey(place, () => keyCheckAt(options));
  const store = await openStore({ ...options, masterKey, doors, soon });
  const withhold = new KnownSecrets();
  for (const form of ['hex', 'base64'] as const)
    withhold.add(Buffer.from(masterKey).toString(form), true);
  const log = (line: string): void => options.log(withhold.text(line));
  const secrets = createSecrets({ store, masterKey, doors, known: withhold });
  await secrets.learn();
  const told = { store, doors, log, alerts: () => alerts };
  const { policies, policyAlarms, shadow } = policiesWith(told);
  const consults = createConsults({ doors, secrets, withhold, log });
  const bundles = bundleSource(store, learning(policies, consults));
  const feed: House['feed'] = { told: () => {} };
  const changed = (change: Change): void => feed.told(change);
  const tag = await tagOf(secrets, masterKey);
  const adapters = createAdapters({ doors, store, secrets, tag, known: withhold, changed });
  const { connectors, inspectors } = adapters;
  const { boundMs, beatMs } = boundsOf(bounds);
  const freshness = new Freshness(store, doors.clock, boundMs);
  const known = { store, doors, log, bundles, freshness, withhold };
  const desks = createDesks({ ...adapters, ...known, secret: (name) => secrets.reveal(name) });
  const alerts: Alerts = desks.alerts;
  const broker: Broker = {
    doors,
    store,
    connectors: new Map(connectors.map((connector) => [connector.kind, connector])),
    inspectors: new Map(inspectors.map((inspector) => [inspector.kind, inspector])),
    credentials: desks.leases,
    grants: desks.grants,
    inputs: createInputCheck(),
    bundles,
    ...{ policies, shadow },
    flights: new Flights(),
    freshness,
    streams: new OpenStreams(),
    local: new LocalGate(),
    lineage: new Lineages({
      ...{ store, bundles, doors },
      isSecret: (text) => withhold.text(text) !== text,
    }),
    alerts,
    consults: consults.desk,
    notices: new Notices(doors.timers),
    withhold,
  };
  let sealing: Awaited<ReturnType<typeof seal>> | null = null;
  const close = async (): Promise<void> => {
    await desks.close();
    await consults.close();
    await adapters.close();
    await sealing?.close();
    await store.close();
  };
  sealing = await seal(broker, { ...options, log }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { broker, secrets, masterKey, log, adapters, feed, alerts, policyAlarms, beatMs, close };
}

/** Seals records as long as it is up, and publishes what was signed. */
async function seal(
  { store, doors, alerts }: Broker,
  options: SystemOptions,
): Promise<{ close(): Promise<void> }> {
  const { checkpoints: file = null, log } = options;
  const publisher = await openPublisher({ file, store, log, clock: doors.clock });
  const sealer = new Sealer({
    store,
    doors,
    log,
    alerts,
    publish: (one) => publisher.publish(one),
  });
  void sealer.seal();
  return {
    async close() {
      await sealer.close();
      await publisher.close();
    },
  };
}
