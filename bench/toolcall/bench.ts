/**
 * `npm run bench -- toolcall [--json] [--short] [--over mcp|http] [--only memory]`
 *
 * One `tools/call` of an echo, four ways: the echo alone, an SDK-to-SDK proxy without policy, Signalbox with everything
 * on but the loop detectors (which end who asks for the same for ever), and a proxy that only forwards bytes. Each in a
 * process of its own, the load in another, in rounds A B C D A B C D.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneOf, optionsOf } from '../../scripts/options.ts';
import { closeConnections } from '../../test/crash/wire.ts';
import { fsyncTimes } from './fsync.ts';
import {
  type HalfLoad,
  KINDS,
  type Measurement,
  type Memory,
  median,
  type Pace,
  SDK_KINDS,
  type Summary,
  summarise,
} from './summary.ts';
import { Windows } from './windows.ts';

const CONNECTIONS = [1, 64] as const;
const WIDE = 64;

interface Plan {
  readonly rounds: number;
  readonly sdkRounds: number;
  readonly windowMs: number;
  readonly warmUpMs: number;
  readonly fsyncs: number;
  /** Approved writes for each connection of a window. */
  readonly writes: { readonly [connections: number]: number };
  /** Calls after which the memory is looked at. */
  readonly memoryAt: readonly [number, number];
  readonly halfLoad: { readonly windows: number; readonly ms: number };
}

const FULL: Plan = {
  rounds: 5,
  sdkRounds: 2,
  windowMs: 2_000,
  warmUpMs: 3_000,
  fsyncs: 200,
  writes: { 1: 200, 64: 12 },
  memoryAt: [50_000, 200_000],
  halfLoad: { windows: 5, ms: 4_000 },
};
const SHORT: Plan = {
  rounds: 3,
  sdkRounds: 1,
  windowMs: 800,
  warmUpMs: 1_500,
  fsyncs: 100,
  writes: { 1: 40, 64: 3 },
  memoryAt: [8_000, 32_000],
  halfLoad: { windows: 3, ms: 1_000 },
};

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  over: { type: 'string', default: 'mcp' },
  only: { type: 'string' },
});
const over = oneOf('over', ['mcp', 'http'], values.over);
const only = values.only !== undefined && oneOf('only', ['memory'], values.only) === 'memory';

async function run(windows: Windows, plan: Plan, folder: string): Promise<Summary> {
  const { rounds, warmUpMs, windowMs } = plan;
  const measured: Measurement[] = [];
  const fsyncs: number[] = [];
  for (const kind of KINDS) await windows.calls(kind, -1, { connections: 16, ms: warmUpMs });
  const memory = await memoryOf(windows, plan);
  for (let round = 0; round < rounds; round++)
    for (const connections of CONNECTIONS) {
      fsyncs.push(...fsyncTimes(join(folder, 'append'), plan.fsyncs));
      for (const kind of KINDS)
        measured.push(await windows.calls(kind, round, { connections, ms: windowMs }));
      measured.push(await windows.writes(round, connections, plan.writes[connections] ?? 0));
      say(`round ${round + 1} of ${rounds}, ${connections} connections`);
    }
  if (over === 'mcp')
    for (let round = 0; round < plan.sdkRounds; round++)
      for (const kind of SDK_KINDS)
        measured.push(await windows.calls(kind, round, { connections: WIDE, ms: windowMs }));
  const halfLoad = await halfLoadOf(windows, plan, measured);
  const fsyncMs = median(fsyncs);
  return summarise({ windows: measured, connections: CONNECTIONS, fsyncMs, memory, halfLoad });
}

/** What one process holds after so many calls, and after four times as many. */
async function memoryOf(windows: Windows, { memoryAt }: Plan): Promise<Memory> {
  const looks: number[] = [];
  let made = 0;
  for (const at of memoryAt) {
    const shape = { connections: WIDE, ms: 240_000, most: at - made };
    await windows.calls('governed', -1, shape);
    made = at;
    looks.push(await windows.resident());
    say(`memory after ${at} calls`);
  }
  const [first = Number.NaN, second = Number.NaN] = looks;
  return {
    at50k: memoryAt[0] === 50_000 ? first : null,
    at200k: memoryAt[1] === 200_000 ? second : null,
    growth: second / first - 1,
    calls: memoryAt,
  };
}

/** Half of what was answered at most, offered at its own pace; the same to the proxy that forwards tells what the machine does to it. */
async function halfLoadOf(
  windows: Windows,
  plan: Plan,
  measured: readonly Measurement[],
): Promise<HalfLoad[]> {
  const wide = measured.filter((one) => one.kind === 'governed' && one.connections === WIDE);
  const rps = median(wide.map((one) => one.rps)) / 2;
  const halves: HalfLoad[] = [];
  for (let i = 0; i < plan.halfLoad.windows; i++) {
    const shape = { connections: WIDE, ms: plan.halfLoad.ms, rps };
    const forward = pace(await windows.calls('forward', -1, shape));
    halves.push({ rps, ...pace(await windows.calls('governed', -1, shape)), forward });
  }
  say(`half load, ${rps.toFixed(0)} calls a second`);
  return halves;
}

function pace({ p50ms, p99ms }: Measurement): Pace {
  return { p50ms, p99ms, ratio: p99ms / p50ms };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print({ rows, ...rest }: Summary): void {
  console.table(rows);
  console.log(rest);
}

async function main(folder: string): Promise<void> {
  const windows = await Windows.open(folder, over, only);
  try {
    const plan = values.short ? SHORT : FULL;
    if (only) {
      await windows.calls('governed', -1, { connections: 16, ms: plan.warmUpMs });
      console.log(JSON.stringify({ memory: await memoryOf(windows, plan) }));
      return;
    }
    const summary = await run(windows, plan, folder);
    if (values.json) console.log(JSON.stringify(summary));
    else print(summary);
  } finally {
    await windows.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
try {
  await main(folder);
} finally {
  await closeConnections();
  await rm(folder, { recursive: true, force: true });
}
