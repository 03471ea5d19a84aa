import { execFile } from 'node:child_process';
import { randomBytes, randomFillSync } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Doors } from './domain/doors.ts';
import { HALT_FILE, type HaltFile } from './domain/halt-file.ts';

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

/** Runs it once what came in meanwhile was taken. */
export const soon = (run: () => void): void => void setImmediate(run);

/** The file of local halts in a data directory. It is never seen half made: a new one is linked into its place whole. */
export function haltFile(directory: string): HaltFile {
  const path = join(directory, HALT_FILE);
  const read = (): Promise<string | null> => orMissing(readFile(path, 'utf8'));
  const add = async (line: string): Promise<void> => {
    const text = `${line}\n`;
    while (!(await appended(path, text)) && !(await made(path, text)));
  };
  return {
    read,
    add,
    async clear(text) {
      if ((await read()) !== text) return false;
      const taken = `${path}.${sortableId()}`;
      await rename(path, taken);
      const said = await readFile(taken, 'utf8');
      // what was added while it was being taken is put back
      const more = said.startsWith(text) ? said.slice(text.length) : said;
      for (const line of more.split('\n').filter((each) => each.trim() !== '')) await add(line);
      await rm(taken);
      return more === '';
    },
  };
}

/** False when there is no file to add to. */
async function appended(path: string, text: string): Promise<boolean> {
  const file = await orMissing(open(path, constants.O_WRONLY | constants.O_APPEND));
  if (file === null) return false;
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** False when somebody made one meanwhile. */
async function made(path: string, text: string): Promise<boolean> {
  const beside = `${path}.${sortableId()}`;
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await link(beside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close();
    await rm(beside, { force: true });
  }
}

async function orMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
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

const MOST_TEXT = 65_536;

/** The text of a small file. Throws what the file system throws, and a RangeError for a large one. */
export async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY);
  try {
    if ((await file.stat()).size > MOST_TEXT) throw new RangeError('the file is too large');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

const COMMAND_MS = 30_000;

/** What a program prints, run without a shell. Rejects when it fails, or is not done in half a minute. */
export function outputOf([program = '', ...words]: readonly string[]): Promise<string> {
  const bounds = {
    timeout: COMMAND_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: MOST_TEXT,
    encoding: 'utf8' as const,
  };
  return new Promise((resolve, reject) => {
    execFile(program, words, bounds, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error('the program failed')); // its own words may hold what it was asked for
    });
  });
}
