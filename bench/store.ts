/**
 * Durable admissions a second through the embedded store, at 1 and at 64 writers, beside what the disk can do: a plain
 * append and `fdatasync` in the same run. An admission is one intent on one hot limit and one of its run's.
 *
 *   node bench/store.ts [--json] [--short] [--directory DIR]
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EMPTY_BUNDLE } from '../src/domain/bundle.ts';
import { decide } from '../src/domain/decision.ts';
import { digestOf } from '../src/domain/digest.ts';
import type { ActionAdmit } from '../src/domain/ops.ts';
import type { Store } from '../src/domain/store.ts';
import { realDoors } from '../src/doors.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    directory: { type: 'string', default: tmpdir() },
  },
});
const ROUND_MS = values.short ? 1_000 : 3_000;
const ROUNDS = values.short ? 2 : 5;
const LIMIT = Number.MAX_SAFE_INTEGER;

interface Row {
  readonly kind: 'admissions' | 'fdatasync';
  readonly writers: number;
  readonly perSecond: number;
  readonly p50ms: number;
  readonly p99ms: number;
  readonly cpuUs: number;
}

let made = 0;

function admission(run: string): ActionAdmit {
  const args = { id: made };
  return {
    kind: 'action.admit',
    action: {
      id: `act_${String(made++).padStart(12, '0')}`,
      runId: run,
      root: run,
      agent: 'bench',
      tool: 'get_customer',
      toolDigest: '0'.repeat(64),
      connection: 'acme-db',
      arguments: args,
      argumentsDigest: digestOf('arguments', args),
      purpose: 'execute',
      via: 'bench',
      decision: decide(
        { class: 'read', reversibility: 'none', idempotent: true },
        'auto',
        ['halt', 'grant', 'input', 'effect', 'reversibility', 'blast-radius', 'calls'].map(
          (check) => ({
            check,
            ceiling: 'auto',
            code: 'OK',
            reason: 'nothing against it',
          }),
        ),
      ),
    },
    stamp: { halt: 0, bundle: EMPTY_BUNDLE.digest },
    scopes: ['all', 'agent:bench', `run:${run}`, 'tool:get_customer', 'connection:acme-db'],
    reservations: [
      { key: 'agent:bench', dimension: 'calls', amount: 1, limit: LIMIT },
      { key: `run:${run}`, dimension: 'rowsRead', amount: 50, limit: LIMIT },
    ],
    approvalId: null,
    leaseId: null,
    outcome: null,
    at: Date.now(),
  };
}

/** Runs `once` by `writers` at a time for one round. */
async function round(
  kind: Row['kind'],
  writers: number,
  once: (writer: number) => Promise<void> | void,
): Promise<Row> {
  const took: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const end = started + ROUND_MS;
  const write = async (writer: number): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await once(writer);
      const after = performance.now();
      took.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  took.sort((a, b) => a - b);
  return {
    kind,
    writers,
    perSecond: Math.round((took.length / ms) * 1000),
    p50ms: rounded(took[took.length >> 1]),
    p99ms: rounded(took[Math.floor(took.length * 0.99)]),
    cpuUs: Math.round((user + system) / took.length),
  };
}

function rounded(ms = 0): number {
  return Math.round(ms * 1000) / 1000;
}

async function admissions(store: Store, writers: number): Promise<Row> {
  return round('admissions', writers, async (writer) => {
    const { ok } = await store.commit(admission(`run_${writer}`));
    if (!ok) throw new Error('expected every admission to pass');
  });
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

const directory = mkdtempSync(join(values.directory, 'signalbox-bench-'));
const doors = realDoors();
const store = await openSqliteStore({
  directory: join(directory, 'data'),
  masterKey: doors.entropy.bytes(32),
  doors,
});
try {
  const at = Date.now();
  for (let n = 0; n < 64; n++) {
    const id = `run_${n}`;
    const run = { id, root: id, parent: null, depth: 0, agent: 'bench', intent: 'bench' } as const;
    await store.commit({
      kind: 'run.begin',
      run: {
        ...run,
        state: 'live',
        startedAt: at,
        expiresAt: at + 8.64e7,
        endedAt: null,
        budget: {},
      },
      at,
    });
  }
  const rounds: Row[][] = [];
  for (let number = 0; number < ROUNDS; number++) {
    process.stderr.write(`round ${number + 1} of ${ROUNDS}\n`);
    rounds.push([await plain(directory), await admissions(store, 1), await admissions(store, 64)]);
  }
  const rows = [0, 1, 2].map((index) => median(rounds.map((one) => one[index] as Row)));
  const [disk, one, many] = rows as [Row, Row, Row];
  const report = {
    rows,
    ratios: {
      one_vs_fdatasync: rounded(one.perSecond / disk.perSecond),
      many_vs_fdatasync: rounded(many.perSecond / disk.perSecond),
    },
  };
  if (values.json) console.log(JSON.stringify(report));
  else console.table(rows);
} finally {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}
