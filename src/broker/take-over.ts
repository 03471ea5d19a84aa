import type { Broker } from './broker.ts';
import { finishHalts } from './halt.ts';
import { within } from './patience.ts';
import { type Recovery, recover } from './recover.ts';
import { endUndeclared } from './runs.ts';

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
  return recovered;
}
