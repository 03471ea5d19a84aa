import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import type { Timers } from '../domain/doors.ts';
import { Joined } from '../domain/joined.ts';
import { kinAmong, type Look, type Process, type Root, UNSAID } from './kin-among.ts';

/** In the environment of every child, and so of whatever it starts; the value is this child's own. */
export const MARK = 'SIGNALBOX_CHILD';

/** `mark`: undefined until somebody asks. */
interface Seen extends Process {
  mark?: string | null;
}

const ROUNDS = 24;
/** So often is looked again because of them alone. */
const UNSAID_ROUNDS = 4;
/** What was killed is gone within a few milliseconds, but for on a machine that has much else to do. */
const GONE_WITHIN_MS = 40;
const GLANCE_MS = 2;
const UNSAID_MS = 10;
/** Processes that are looked at in one go, about five milliseconds' worth: a halt has more to do meanwhile. */
const AT_ONCE = 256;

const LEAST_PRIORITY = 19;
const GIVES_WAY = 10;

/** What tools run gives way to what could stop it: a child that computes on every core does not hold up its own halt. */
export function giveWay(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.min(LEAST_PRIORITY, getPriority() + GIVES_WAY));
  } catch {
    // it has ended already
  }
}

export function startOf(pid: number): number | null {
  return read(pid)?.started ?? null;
}

/**
 * Kills what a child started and that is no longer in its process group: by its session, by descent, and by the mark in
 * its environment, again until a look finds nothing. Answers with the pids that are still there. A process that left
 * session, parent and environment behind is not found; where there is no `/proc`, none is.
 */
export async function killKin(root: Root, timers: Timers): Promise<readonly number[]> {
  const killed = new Map<number, number>();
  let { found, unsaid } = await kinOf(root, killed, timers);
  for (let round = 0; round < ROUNDS; round++) {
    if (found.length === 0 && (!unsaid || round >= UNSAID_ROUNDS)) break;
    for (const one of found) {
      killed.set(one.pid, one.started);
      kill(one);
    }
    if (found.length === 0) await paused(timers, UNSAID_MS);
    else await gone(found, timers);
    ({ found, unsaid } = await kinOf(root, killed, timers));
  }
  return found.map(({ pid }) => pid);
}

/** Of these alone, which costs next to nothing: what is dying needs the processor more than another look at everybody. */
async function gone(killed: readonly Process[], timers: Timers): Promise<void> {
  for (let waited = 0; waited < GONE_WITHIN_MS; waited += GLANCE_MS) {
    await paused(timers, GLANCE_MS);
    if (!killed.some(isThere)) return;
  }
}

function isThere({ pid, started }: Process): boolean {
  const now = read(pid);
  return now !== null && now.started === started && !now.over;
}

/** A look at all processes is shared by all children that are ended side by side, whose timers are the same. */
const looks = new WeakMap<Timers, Joined<Map<number, Seen>>>();

async function kinOf(
  root: Root,
  killed: ReadonlyMap<number, number>,
  timers: Timers,
): Promise<Look> {
  const look = looks.get(timers) ?? new Joined(() => processes(timers));
  looks.set(timers, look);
  return kinAmong(await look.ask(), { root, killed, self: process.pid, markOf });
}

/** Only when the number still means the process that was looked at. */
function kill({ pid, started }: Process): void {
  if (read(pid)?.started !== started) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself, or is another user's: the next look tells
  }
}

function paused(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(ms, resolve);
  });
}

/** Read at once where it runs: handed to other threads, each piece would wait its turn on a machine that has much to do. */
async function processes(timers: Timers): Promise<Map<number, Seen>> {
  const all = new Map<number, Seen>();
  const pids = pidsNow();
  for (const [place, pid] of pids.entries()) {
    if (place > 0 && place % AT_ONCE === 0) await paused(timers, 0);
    const one = read(pid);
    if (one !== null) all.set(pid, one);
  }
  return all;
}

function pidsNow(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return []; // there is none, or it cannot be read
  }
}

/** `pid (name) state parent group session …`; the name may hold anything, so what follows its last bracket is read. */
function read(pid: number): Seen | null {
  try {
    const text = textOf(`/proc/${pid}/stat`);
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = 'X', parent, , session] = rest;
    return {
      pid,
      parent: Number(parent),
      session: Number(session),
      started: Number(rest[19]),
      over: state === 'Z' || state === 'X',
    };
  } catch {
    return null;
  }
}

/** What one read brings: mostly the whole of a file, at half the price. */
const page = Buffer.alloc(16_384);

function textOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    for (let text = ''; ; ) {
      const bytes = readSync(file, page, 0, page.length, null);
      text += page.toString('latin1', 0, bytes);
      if (bytes < page.length) return text;
    }
  } finally {
    closeSync(file);
  }
}

function markOf(one: Seen): string | null {
  if (one.mark === undefined) one.mark = readMark(one.pid);
  return one.mark;
}

function readMark(pid: number): string | null {
  try {
    const set = `${MARK}=`;
    const text = textOf(`/proc/${pid}/environ`);
    if (text === '') return UNSAID;
    const words = text.split('\0');
    return words.find((word) => word.startsWith(set))?.slice(set.length) ?? null;
  } catch {
    return null; // another user's
  }
}
