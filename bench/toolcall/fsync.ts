/** What this disk asks for one small durable append, in the run in which everything else is measured. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';

const RECORD = Buffer.alloc(1_024, 0x61);

/** Milliseconds of each of `times` appends of 1 KB followed by fdatasync. */
export function fsyncTimes(file: string, times: number): number[] {
  const fd = openSync(file, 'a', 0o600);
  try {
    return Array.from({ length: times }, () => {
      writeSync(fd, RECORD);
      const started = performance.now();
      fdatasyncSync(fd);
      return performance.now() - started;
    });
  } finally {
    closeSync(fd);
  }
}
