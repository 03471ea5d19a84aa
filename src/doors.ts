import { randomBytes } from 'node:crypto';
import type { Doors } from './domain/doors.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 9;
const RANDOM_DIGITS = 16;

/** The real clock, randomness and timers. Only system.ts and tests open them. */
export function realDoors(): Doors {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    entropy: {
      bytes: (length) => randomBytes(length),
      id: (prefix) => `${prefix}_${sortableId()}`,
    },
    timers: {
      after(ms, run) {
        const timer = setTimeout(run, ms).unref();
        return { cancel: () => clearTimeout(timer) };
      },
      every(ms, run) {
        const timer = setInterval(run, ms).unref();
        return { cancel: () => clearInterval(timer) };
      },
    },
  };
}

/** 45 bits of time in milliseconds, then 80 random bits, in Crockford's base 32: sorts by time of making. */
function sortableId(): string {
  let time = Date.now();
  let digits = '';
  for (let i = 0; i < TIME_DIGITS; i++) {
    digits = ALPHABET[time % 32] + digits;
    time = Math.floor(time / 32);
  }
  for (const byte of randomBytes(RANDOM_DIGITS)) digits += ALPHABET[byte % 32];
  return digits;
}
