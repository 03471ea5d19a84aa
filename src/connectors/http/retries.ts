import type { Doors } from '../../domain/doors.ts';
import { type Answer, Lost } from './exchange.ts';

const FIRST_PAUSE_MS = 100;
/** A gateway that could not reach its target, or the target itself that could not answer now. */
const AGAIN: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * Sends again, with the same key, what its target keeps from happening twice: after a lost connection or an answer of a
 * gateway, all within one deadline. What was aborted, a halt included, is never sent again. `retries` is 0 for the rest.
 */
export async function persistently(
  { clock, timers }: Pick<Doors, 'clock' | 'timers'>,
  retries: number,
  timeoutMs: number,
  send: (timeoutMs: number) => Promise<Answer>,
): Promise<Answer> {
  if (retries === 0) return await send(timeoutMs);
  const until = clock.monotonic() + timeoutMs;
  for (let left = retries, pause = FIRST_PAUSE_MS; ; left--, pause *= 2) {
    const remaining = Math.max(1, Math.ceil(until - clock.monotonic()));
    const last = left === 0 || remaining <= pause;
    try {
      const answer = await send(remaining);
      if (last || !AGAIN.has(answer.status)) return answer;
    } catch (error) {
      if (last || !(error instanceof Lost) || error.why !== 'connection') throw error;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    timers.after(pause, resolve);
    await promise;
  }
}
