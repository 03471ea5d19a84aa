import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import type { Timers } from '../domain/doors.ts';
import { Joined } from '../domain/joined.ts';

/** In the environment of every child, and so of whatever it starts; the value is this child's own. */
export const MARK = 'SIGNALBOX_CHILD';

/** A process as Linux shows it. `started`: clock ticks since boot; with the pid it names one process for ever. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly started: number;
  readonly over: boolean;
  /** The mark in its environment; undefined until somebody asks, null when it has none or is another user's, or `UNSAID`. */
  mark?: string | null;
}

export interface Root {
  readonly pid: number;
  readonly mark: string;
  /** Ticks at which the child itself started; null where the system does not tell. */
  readonly started: number | null;
}

/** Nothing is in its environment at this moment: it is becoming another program, or on its way out. */
const UNSAID = '';
/** They have none. */
const KERNEL = 2;

const ROUNDS = 24;
/** So often is looked again because of them alone. */
const UNSAID_ROUNDS = 4;
/** What was killed is gone within a few milliseconds, but for on a machine that has much else to do. */
const PAUSE_MS = { soon: 10, later: 50 };
const SOON_ROUNDS = 8;
/** Processes that are looked at in one go, about a millisecond's worth: a halt has more to do meanwhile. */
const AT_ONCE = 32;

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
  let { found, unsaid } = await kinOf(root, killed);
  for (let round = 0; round < ROUNDS; round++) {
    if (found.length === 0 && (!unsaid || round >= UNSAID_ROUNDS)) break;
    for (const one of found) {
      killed.set(one.pid, one.started);
      kill(one);
    }
    const pause = Promise.withResolvers<void>();
    timers.after(round < SOON_ROUNDS ? PAUSE_MS.soon : PAUSE_MS.later, pause.resolve);
    await pause.promise;
    ({ found, unsaid } = await kinOf(root, killed));
  }
  return found.map(({ pid }) => pid);
}

/** A look at all processes is shared by all children that are ended side by side. */
const looks = new Joined(processes);

interface Look {
  readonly found: readonly Process[];
  /** There are some of which it cannot be told at this moment. */
  readonly unsaid: boolean;
}

/** `killed`: when each of those began; one that is on its way out has no environment any more. */
async function kinOf(root: Root, killed: ReadonlyMap<number, number>): Promise<Look> {
  const all = await looks.ask();
  const first = all.get(root.pid);
  // a number that went to another process says nothing; while anybody is in the session it is not given away
  const taken = first !== undefined && first.started !== root.started;
  const kin = new Map<number, Process>();
  let unsaid = false;
  for (const one of all.values()) {
    if (one.over || one.pid === process.pid) continue;
    if (one.started < (root.started ?? 0)) continue;
    const inSession = !taken && one.session === root.pid;
    if (inSession || killed.get(one.pid) === one.started || markOf(one) === root.mark)
      kin.set(one.pid, one);
    else if (one.mark === UNSAID && one.parent !== KERNEL) unsaid = true;
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const one of all.values()) {
      if (one.over || kin.has(one.pid) || !kin.has(one.parent)) continue;
      kin.set(one.pid, one);
      grown = true;
    }
  }
  return { found: [...kin.values()], unsaid };
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

async function processes(): Promise<Map<number, Process>> {
  const all = new Map<number, Process>();
  try {
    for await (const { name } of await opendir('/proc', { bufferSize: AT_ONCE })) {
      const one = /^\d+$/.test(name) ? read(Number(name)) : null;
      if (one !== null) all.set(one.pid, one);
    }
  } catch {
    // there is none, or it cannot be read
  }
  return all;
}

/** `pid (name) state parent group session …`; the name may hold anything, so what follows its last bracket is read. */
function read(pid: number): Process | null {
  try {
    const text = firstOf(`/proc/${pid}/stat`);
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

/** What one read brings: the whole of a file that is always short, at half the price. */
const page = Buffer.alloc(4_096);

function firstOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    return page.toString('latin1', 0, readSync(file, page, 0, page.length, null));
  } finally {
    closeSync(file);
  }
}

function markOf(one: Process): string | null {
  if (one.mark === undefined) one.mark = readMark(one.pid);
  return one.mark;
}

function readMark(pid: number): string | null {
  try {
    const set = `${MARK}=`;
    const text = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (text === '') return UNSAID;
    const words = text.split('\0');
    return words.find((word) => word.startsWith(set))?.slice(set.length) ?? null;
  } catch {
    return null; // another user's
  }
}
