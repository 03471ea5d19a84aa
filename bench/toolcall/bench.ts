/**
 * `npm run bench -- toolcall [--json] [--short]`
 *
 * One `tools/call` of an echo, four ways: the echo alone, an SDK-to-SDK proxy without policy, Signalbox with everything
 * on, and a proxy that only forwards bytes. Each in a process of its own, the load in another, in rounds A B C D A B C D.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closeConnections } from '../../test/crash/wire.ts';
import { type Desk, openDesk } from './desk.ts';
import { fsyncTimes } from './fsync.ts';
import type { Loaded, Window } from './load.ts';
import { type Part, startPart } from './parts.ts';
import { KINDS, type Kind, type Measurement, median, type Summary, summarise } from './summary.ts';

const CONNECTIONS = [1, 64] as const;
/** Signalbox bounds the calls of one run that are under way, so connections are dealt out over several runs. */
const CONNECTIONS_A_RUN = 16;

interface Plan {
  readonly rounds: number;
  readonly windowMs: number;
  readonly warmUpMs: number;
  readonly fsyncs: number;
  /** Approved writes for each connection of a window. */
  readonly writes: { readonly [connections: number]: number };
}

const FULL: Plan = {
  rounds: 5,
  windowMs: 2_000,
  warmUpMs: 3_000,
  fsyncs: 200,
  writes: { 1: 200, 64: 12 },
};
const SHORT: Plan = {
  rounds: 3,
  windowMs: 900,
  warmUpMs: 2_000,
  fsyncs: 100,
  writes: { 1: 60, 64: 4 },
};

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
  },
});

type Parts = { readonly [K in (typeof KINDS)[number]]: Part };

class Bench {
  readonly #plan: Plan;
  readonly #folder: string;
  readonly #parts: Parts;
  readonly #load: Part;
  readonly #desk: Desk;
  readonly #measured: Measurement[] = [];
  readonly #fsyncs: number[] = [];

  private constructor(plan: Plan, folder: string, parts: Parts, load: Part, desk: Desk) {
    this.#plan = plan;
    this.#folder = folder;
    this.#parts = parts;
    this.#load = load;
    this.#desk = desk;
  }

  static async start(plan: Plan, folder: string): Promise<Bench> {
    const [direct, load] = await Promise.all([startPart('echo'), startPart('load')]);
    const [naive, governed, forward] = await Promise.all([
      startPart('naive', [`${direct.url}/mcp`]),
      startPart('governed', [join(folder, 'signalbox')]),
      startPart('forward', [direct.url]),
    ]);
    const desk = await openDesk(governed, direct.url);
    return new Bench(plan, folder, { direct, naive, governed, forward }, load, desk);
  }

  async run(): Promise<Summary> {
    const { rounds, warmUpMs, windowMs } = this.#plan;
    for (const kind of KINDS) await this.#window(kind, 16, -1, warmUpMs);
    for (let round = 0; round < rounds; round++)
      for (const connections of CONNECTIONS) {
        this.#fsyncs.push(...fsyncTimes(join(this.#folder, 'append'), this.#plan.fsyncs));
        for (const kind of KINDS)
          this.#measured.push(await this.#window(kind, connections, round, windowMs));
        this.#measured.push(await this.#writes(connections, round));
        process.stderr.write(`round ${round + 1} of ${rounds}, ${connections} connections\n`);
      }
    return summarise(this.#measured, median(this.#fsyncs), CONNECTIONS);
  }

  async stop(): Promise<void> {
    for (const part of [this.#load, ...Object.values(this.#parts)]) await part.stop();
  }

  async #window(
    kind: (typeof KINDS)[number],
    connections: number,
    round: number,
    ms: number,
  ): Promise<Measurement> {
    const runs = kind === 'governed' ? await this.#desk.runs(runsFor(connections)) : [];
    const part = this.#parts[kind];
    const url = kind === 'direct' ? `${part.url}/mcp` : part.url;
    const tokens = runs.length === 0 ? [''] : runs.map(({ token }) => token);
    const window = { url, tokens, tool: 'echo', connections, ms, texts: null };
    return this.#measure(kind, round, window, kind === 'governed' ? 'reads' : 'calls');
  }

  /** Proposed and approved before the clock starts; what runs under it is the agents' repeated calls. */
  async #writes(connections: number, round: number): Promise<Measurement> {
    const runs = await this.#desk.runs(runsFor(connections));
    const each = ((this.#plan.writes[connections] ?? 0) * connections) / runs.length;
    const texts = await this.#desk.approvedWrites(runs, each);
    const tokens = runs.map(({ token }) => token);
    const { url } = this.#parts.governed;
    const window = { url, tokens, tool: 'keep', connections, ms: 60_000, texts };
    return this.#measure('write_approved', round, window, 'writes');
  }

  /** One window; the echo must have counted exactly the calls that were answered. */
  async #measure(
    kind: Kind,
    round: number,
    window: Window,
    effect: 'calls' | 'reads' | 'writes',
  ): Promise<Measurement> {
    const part = kind === 'write_approved' ? this.#parts.governed : this.#parts[kind];
    const before = await this.#counted(effect);
    const commits = await this.#commits(kind);
    const cpu = await part.cpu();
    const loaded = await this.#load.ask<Loaded>({ ask: 'load', window });
    const spent = (await part.cpu()) - cpu;
    const effects = (await this.#counted(effect)) - before;
    assert.equal(loaded.faults, 0, `${kind}: ${loaded.firstFault}`);
    assert.equal(effects, loaded.calls, `${kind}: effects at the echo are not the calls made`);
    return {
      kind,
      connections: window.connections,
      round,
      rps: loaded.calls / loaded.seconds,
      p50ms: loaded.p50ms,
      p99ms: loaded.p99ms,
      cpuUs: spent / loaded.calls,
      loadUs: loaded.cpu / loaded.calls,
      commits: ((await this.#commits(kind)) - commits) / loaded.calls,
    };
  }

  async #counted(effect: 'calls' | 'reads' | 'writes'): Promise<number> {
    const counted = await this.#parts.direct.ask<Record<string, number>>({ ask: 'counted' });
    return counted[effect] ?? 0;
  }

  #commits(kind: Kind): Promise<number> | number {
    const governed = kind === 'governed' || kind === 'write_approved';
    return governed ? this.#parts.governed.ask<number>({ ask: 'commits' }) : 0;
  }
}

function runsFor(connections: number): number {
  return Math.ceil(connections / CONNECTIONS_A_RUN);
}

function print({ rows, ...rest }: Summary): void {
  console.table(rows);
  console.log(rest);
}

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
try {
  const bench = await Bench.start(values.short ? SHORT : FULL, folder);
  try {
    const summary = await bench.run();
    if (values.json) console.log(JSON.stringify(summary));
    else print(summary);
  } finally {
    await bench.stop();
  }
} finally {
  await closeConnections();
  await rm(folder, { recursive: true, force: true });
}
