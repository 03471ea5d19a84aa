import { randomBytes, randomFillSync } from 'node:crypto';
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
  return timeDigits(Date.now()) + randomDigits();
}

let lastTime = 0;
let lastDigits = '';

function timeDigits(now: number): string {
  if (now === lastTime) return lastDigits;
  let digits = '';
  for (let i = 0, time = now; i < TIME_DIGITS; i++) {
    digits = ALPHABET[time % 32] + digits;
    time = Math.floor(time / 32);
  }
  lastTime = now;
  lastDigits = digits;
  return digits;
}

/** Random digits made beforehand, each used once: asking the system for 16 bytes costs more than the rest of an id. */
const pool = Buffer.alloc(256 * RANDOM_DIGITS);
let used = pool.length;

function randomDigits(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    for (let i = 0; i < pool.length; i++) pool[i] = ALPHABET.charCodeAt((pool[i] ?? 0) % 32);
    used = 0;
  }
  used += RANDOM_DIGITS;
  return pool.toString('latin1', used - RANDOM_DIGITS, used);
}
