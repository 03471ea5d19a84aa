import type { Lease } from '../domain/credential.ts';
import type { Timers } from '../domain/doors.ts';
import type { Broker } from './broker.ts';

/** How long anybody waits here for credentials to be confirmed dead; revocation itself goes on without end. */
export const REVOKED_WITHIN_MS = 10_000;

/** What `work` gives, or null when that takes longer than `ms`; the work goes on, and a later fault of it is its own to report. */
export async function within<T>(timers: Timers, ms: number, work: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = timers.after(ms, () => late.resolve(null));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
    work.catch(() => {});
  }
}

/** Revokes at the source, and waits for it no longer than a caller should. */
export async function revokeSoon(broker: Broker, which: (lease: Lease) => boolean): Promise<void> {
  await within(broker.doors.timers, REVOKED_WITHIN_MS, broker.credentials.revoke(which));
}
