import type { Io } from './io.ts';

const FIRST_MS = 1_000;

/** Says on stderr what is awaited, once it takes more than a second, and that it still is. */
export async function progress<T>(io: Io, what: string, work: Promise<T>): Promise<T> {
  const began = io.doors.clock.monotonic();
  let said = false;
  const say = (): void => {
    const seconds = Math.round((io.doors.clock.monotonic() - began) / 1_000);
    if (io.err.terminal) io.err.write(`\r${what} … ${seconds} s`);
    else if (!said || seconds % 10 === 0) io.err.write(`${what} … ${seconds} s\n`);
    said = true;
  };
  const timer = io.doors.timers.every(FIRST_MS, say);
  try {
    return await work;
  } finally {
    timer.cancel();
    if (said && io.err.terminal) io.err.write(`\r${' '.repeat(what.length + 12)}\r`);
  }
}
