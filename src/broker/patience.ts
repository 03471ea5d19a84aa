import type { Timers } from '../domain/doors.ts';

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
