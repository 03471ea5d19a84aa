import type { Broker } from './broker.ts';
import { finishHalts } from './halt.ts';
import { within } from './patience.ts';
import { type Recovery, recover } from './recover.ts';
import { endExpired, endUndeclared } from './runs.ts';

/** How long anybody waits here for orphaned logins to be confirmed dead; revocation itself goes on without end. */
const SWEPT_WITHIN_MS = 5_000;

/**
 * Takes over what dead replicas left: at start, when one falls silent, and from time to time. Their logins first, so
 * that nothing runs under them any more; then their intents, their undeclared runs, and halts that nobody finished.
 */
export async function takeOver(broker: Broker): Promise<Recovery> {
  await within(broker.doors.timers, SWEPT_WITHIN_MS, broker.credentials.sweep());
  const recovered = await recover(broker);
  await endUndeclared(broker);
  await finishHalts(broker);
  if (broker.freshness.isEldest)
    await broker.grants.sweep(async () =>
      Object.values((await broker.bundles.active()).connections),
    );
  return recovered;
}

/** Ends what is over and takes over what was left, whenever called; one at a time, and once more if called meanwhile. */
export function sweeper(broker: Broker, failed: (error: Error) => void): () => void {
  let busy = false;
  let again = false;
  const sweep = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await Promise.all([endExpired(broker), takeOver(broker)]);
    } catch (error) {
      failed(error as Error);
    }
    busy = false;
    if (!again) return;
    again = false;
    await sweep();
  };
  return () => void sweep();
}
