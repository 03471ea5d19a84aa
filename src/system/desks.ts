import type { KnownSecrets } from '../boundary/known-secrets.ts';
import { Webhooks } from '../boundary/webhook.ts';
import { Alerts, tellStuck } from '../broker/alerts.ts';
import type { BundleSource } from '../broker/broker.ts';
import { connectionOf } from '../broker/bundles.ts';
import type { Freshness } from '../broker/freshness.ts';
import { Leases } from '../credentials/leases.ts';
import { Strays } from '../credentials/strays.ts';
import { UserGrants } from '../credentials/user-grants.ts';
import { type Trying, valuesOf } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { Adapters } from './adapters.ts';

interface Given extends Pick<Adapters, 'issuers' | 'oauth'> {
  readonly store: Store;
  readonly doors: Doors;
  readonly log: (line: string) => void;
  readonly bundles: BundleSource;
  readonly freshness: Freshness;
  readonly withhold: KnownSecrets;
  readonly secret: (name: string) => Promise<string>;
}

/** Who ends credentials, those of runs and the grants of users that some are made from, and who tells of it. */
export function createDesks(given: Given) {
  const { issuers, oauth, store, doors, log, bundles, freshness, withhold } = given;
  const connections = async () => (await bundles.active()).connections;
  const strays = new Strays({ store, issuers, connections, doors, log });
  const webhooks = new Webhooks(doors.timers);
  const alerts = new Alerts({
    ...{ doors, store, bundles, log, secret: given.secret },
    redact: (facts) => withhold.json(facts),
    post: (delivery) => webhooks.post(delivery),
  });
  const stuck = (trying: Trying): void => tellStuck(alerts, trying, doors.clock.now());
  const leases = new Leases({
    ...{ store, issuers, doors, log, stuck },
    connection: connectionOf({ bundles, freshness }),
    whoseIsLeft: () => freshness.whoseIsLeft(),
    strays: () => void strays.look(),
    minted: (credential) => {
      for (const value of valuesOf(credential)) withhold.add(value);
    },
  });
  const grants = new UserGrants({ shelf: oauth.grants, store, doors, log, stuck });
  return {
    ...{ leases, grants, alerts },
    async close(): Promise<void> {
      leases.close();
      grants.close();
      alerts.close();
      await webhooks.close();
    },
  };
}
