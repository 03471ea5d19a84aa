/**
 * What the embedded store costs, beside what the disk can do (a plain append and `fdatasync` in the same run): reads whose
 * intent and outcome are one commit, and writes of three (intent, mark, outcome), at 1 and at 64 writers over 4 runs.
 * CPU is of both threads; `callerUs` is the calling one's share of it.
 *
 *   node bench/store.ts [--json] [--short] [--directory DIR]
 *   node bench/store.ts --sealing [--json]    64 writers with and without the sealer beside them, round about
 *   node bench/store.ts --memory [--json]     resident memory from read 50,000 to read 200,000
 */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOf } from '../scripts/options.ts';
import { Sealer } from '../src/broker/sealer.ts';
import { NO_ALERTS } from '../src/domain/alert.ts';
import { EMPTY_BUNDLE } from '../src/domain/bundle.ts';
import { decide } from '../src/domain/decision.ts';
import { digestOf } from '../src/domain/digest.ts';
import { effectVector } from '../src/domain/effect.ts';
import type { ActionAdmit } from '../src/domain/ops.ts';
import type { Settlement } from '../src/domain/proposal.ts';
import type { Store } from '../src/domain/store.ts';
import { realDoors } from '../src/doors.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  memory: { type: 'boolean', default: false },
  sealing: { type: 'boolean', default: false },
  directory: { type: 'string', default: tmpdir() },
});
const ROUND_MS = values.short ? 1_000 : 3_000;
const ROUNDS = values.short ? 2 : 5;
const RUNS = 4;
const LIMIT = 1e12;
const CHECKS = [
  ...['halt', 'run', 'grant', 'input', 'effect'],
  ...['reversibility', 'cap', 'blast-radius', 'repeat', 'approval'],
];
const PASSED = CHECKS.map((check) => ({
  ...{ check, ceiling: 'auto', code: 'OK', reason: 'nothing against it' },
})) as readonly { check: string; ceiling: 'auto'; code: string; reason: string }[];
const READ = decide({ class: 'read', reversibility: 'none', idempotent: true }, 'auto', PASSED);
const WRITE = decide(
  { class: 'write', reversibility: 'exercised', idempotent: true },
  'auto',
  PASSED,
);
const ECHO = JSON.stringify(JSON.stringify({ echo: 'x'.repeat(100), more: [1, 2, 3] }));
const DONE: Settlement = {
  kind: 'done',
  result: { text: '', cut: [], wire: `"content":[{"type":"text","text":${ECHO}}],"isError":false` },
};
const ONE_CALL = effectVector({ calls: 1 });

interface Row {
  readonly kind: 'reads' | 'writes' | 'fdatasync';
  readonly writers: number;
  readonly perSecond: number;
  readonly p50ms: number;
  readonly p99ms: number;
  readonly cpuUs: number;
  readonly callerUs: number;
}

const doors = realDoors();

function admission(writer: number, outcome: ActionAdmit['outcome']): ActionAdmit {
  const run = `run_${writer % RUNS}`;
  const args = { text: 'some words for the echo', writer };
  return {
    kind: 'action.admit',
    action: {
      ...{ id: doors.entropy.id('act'), runId: run, root: run, agent: 'bench', tool: 'echo' },
      ...{ toolDigest: '0'.repeat(64), connection: 'echo', purpose: 'execute', via: 'bench' },
      arguments: args,
      argumentsDigest: digestOf('arguments', args),
      decision: outcome === null ? WRITE : READ,
    },
    stamp: { halt: 0, bundle: EMPTY_BUNDLE.digest },
    scopes: ['all', 'agent:bench', `run:${run}`, 'tool:echo', 'connection:echo'],
    reservations: [
      { key: 'agent:bench', dimension: 'calls', amount: 1, limit: LIMIT },
      { key: `run:${run}`, dimension: 'calls', amount: 1, limit: LIMIT },
    ],
    approvalId: null,
    leaseId: null,
    outcome,
    at: Date.now(),
  };
}

async function read(store: Store, writer: number): Promise<void> {
  const { ok } = await store.commit(admission(writer, { settlement: DONE, posted: ONE_CALL }));
  if (!ok) throw new Error('expected every read to pass');
}

async function write(store: Store, writer: number): Promise<void> {
  const intent = admission(writer, null);
  const { ok } = await store.commit(intent);
  if (!ok) throw new Error('expected every admission to pass');
  const { scopes } = intent;
  const { id: actionId, runId } = intent.action;
  const own = { actionId, runId, at: intent.at } as const;
  const trace = { request: 'sent' };
  await store.commit({ ...own, kind: 'action.mark', trace, measured: null, leaseId: null, scopes });
  const settled = { settlement: DONE, posted: ONE_CALL, measured: null, by: 'act' } as const;
  await store.commit({ ...own, ...settled, kind: 'action.settle' });
}

/** Runs `once` by `writers` at a time for one round. */
async function round(
  kind: Row['kind'],
  writers: number,
  once: (writer: number) => Promise<void> | void,
): Promise<Row> {
  const took: number[] = [];
  const [cpu, caller] = [process.cpuUsage(), process.threadCpuUsage()];
  const started = performance.now();
  const end = started + ROUND_MS;
  const work = async (writer: number): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await once(writer);
      const after = performance.now();
      took.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => work(writer)));
  const ms = performance.now() - started;
  const [all, own] = [process.cpuUsage(cpu), process.threadCpuUsage(caller)];
  took.sort((a, b) => a - b);
  return {
    ...{ kind, writers, perSecond: Math.round((took.length / ms) * 1000) },
    p50ms: rounded(took[took.length >> 1]),
    p99ms: rounded(took[Math.floor(took.length * 0.99)]),
    cpuUs: rounded((all.user + all.system) / took.length, 10),
    callerUs: rounded((own.user + own.system) / took.length, 10),
  };
}

function rounded(value = 0, to = 1_000): number {
  return Math.round(value * to) / to;
}

function plain(directory: string): Promise<Row> {
  const file = openSync(join(directory, 'plain.log'), 'a');
  const line = Buffer.alloc(1_500, 'x');
  return round('fdatasync', 1, () => {
    writeSync(file, line);
    fdatasyncSync(file);
  }).finally(() => closeSync(file));
}

const median = (rows: readonly Row[]): Row =>
  rows.toSorted((a, b) => a.perSecond - b.perSecond)[rows.length >> 1] as Row;

async function speed(store: Store, directory: string): Promise<object> {
  const rounds: Row[][] = [];
  for (let number = 0; number < ROUNDS; number++) {
    process.stderr.write(`round ${number + 1} of ${ROUNDS}\n`);
    const rows = [await plain(directory)];
    for (const writers of [1, 64]) {
      rows.push(await round('reads', writers, (writer) => read(store, writer)));
      rows.push(await round('writes', writers, (writer) => write(store, writer)));
    }
    rounds.push(rows);
  }
  const rows = (rounds[0] ?? []).map((_, index) => median(rounds.map((one) => one[index] as Row)));
  const [disk, one, , many] = rows as [Row, Row, Row, Row];
  const ratios = {
    one_vs_fdatasync: rounded(one.perSecond / disk.perSecond),
    many_vs_fdatasync: rounded(many.perSecond / disk.perSecond),
  };
  if (!values.json) console.table(rows);
  return { rows, ratios };
}

/** Throughput and latency of 64 writers, a round without and a round with the sealer, as often as there are rounds. */
async function sealing(store: Store): Promise<object> {
  const beside = { store, doors, alerts: NO_ALERTS, publish: () => undefined, log: console.error };
  const caughtUp = async (): Promise<void> => {
    const sealer = new Sealer(beside);
    await sealer.seal();
    await sealer.close();
  };
  const rows: { [name: string]: Row[] } = {};
  for (let number = 0; number < ROUNDS; number++) {
    process.stderr.write(`round ${number + 1} of ${ROUNDS}\n`);
    for (const kind of ['reads', 'writes'] as const) {
      const once = kind === 'reads' ? read : write;
      for (const isSealing of number % 2 === 0 ? [false, true] : [true, false]) {
        await caughtUp();
        const sealer = isSealing ? new Sealer(beside) : null;
        const row = await round(kind, 64, (writer) => once(store, writer));
        const name = `${kind} ${isSealing ? 'sealed' : 'plain'}`;
        rows[name] = [...(rows[name] ?? []), row];
        await sealer?.close();
      }
    }
  }
  const medians = Object.entries(rows).map(([name, all]) => ({ ...median(all), name }));
  const of = (name: string): Row => medians.find((one) => one.name === name) as Row;
  const ratio = (kind: string): object => ({
    perSecond: rounded(of(`${kind} sealed`).perSecond / of(`${kind} plain`).perSecond),
    p50: rounded(of(`${kind} sealed`).p50ms / of(`${kind} plain`).p50ms),
    p99: rounded(of(`${kind} sealed`).p99ms / of(`${kind} plain`).p99ms),
    cpu: rounded(of(`${kind} sealed`).cpuUs / of(`${kind} plain`).cpuUs),
  });
  if (!values.json) console.table(medians);
  return { rows: medians, sealed_vs_plain: { reads: ratio('reads'), writes: ratio('writes') } };
}

/** Resident memory after every 50,000 reads, 64 at a time. */
async function memory(store: Store): Promise<object> {
  const residentMb: number[] = [];
  for (let part = 1; part <= 4; part++) {
    const each = async (writer: number): Promise<void> => {
      for (let n = writer; n < 50_000; n += 64) await read(store, writer);
    };
    await Promise.all(Array.from({ length: 64 }, (_, writer) => each(writer)));
    residentMb.push(rounded(process.memoryUsage.rss() / 2 ** 20, 10));
    process.stderr.write(`${part * 50_000} reads: ${residentMb.at(-1)} MB\n`);
  }
  const [first = 0, last = 0] = [residentMb[0], residentMb.at(-1)];
  return { residentMb, growth: rounded(last / first - 1) };
}

const directory = mkdtempSync(join(values.directory, 'signalbox-bench-'));
const store = await openSqliteStore({
  directory: join(directory, 'data'),
  masterKey: doors.entropy.bytes(32),
  doors,
});
try {
  const at = Date.now();
  for (let n = 0; n < RUNS; n++) {
    const id = `run_${n}`;
    const run = {
      ...({ id, root: id, parent: null, depth: 0, agent: 'bench', intent: 'bench' } as const),
      ...({ state: 'live', startedAt: at, expiresAt: at + 8.64e7, endedAt: null } as const),
      ...{ budget: {}, tools: null, actsFor: [] },
    };
    await store.commit({ kind: 'run.begin', run, at });
  }
  const report = values.memory
    ? await memory(store)
    : values.sealing
      ? await sealing(store)
      : await speed(store, directory);
  if (values.json || values.memory || values.sealing) console.log(JSON.stringify(report));
} finally {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}
