/** Looks at the store and at the processes while they work: limits that were passed, memory that grows. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from '../drill/deployment.ts';
import { LIMITS } from './limits.ts';

export interface Watched {
  readonly samples: number;
  /** Lines of usage that stood above their limit, in words. */
  readonly passed: readonly string[];
  /** Of the replica that is never killed, in MiB: the median of the first and the last third. */
  readonly memory: { readonly firstMiB: number; readonly lastMiB: number; readonly growth: number };
}

const EVERY_MS = 500;
const PAGE = 4_096;
const USAGE = 'SELECT key, dimension, posted, pending FROM usage WHERE posted + pending > 0';

interface Line {
  readonly key: string;
  readonly dimension: string;
  readonly posted: string;
  readonly pending: string;
}

export async function watch(d: Deployment, until: number, warmMs: number): Promise<Watched> {
  const passed = new Set<string>();
  const resident: number[] = [];
  const warm = Date.now() + warmMs;
  let samples = 0;
  while (Date.now() < until) {
    await sleep(EVERY_MS);
    if (Date.now() > warm) resident.push(await residentMiB(d.replicas[0]?.pid ?? 0));
    const rows = await d.store.query<Line>(USAGE, [], 'signalbox').catch(() => null);
    if (rows === null) continue;
    samples++;
    for (const line of rows.rows) if (isAbove(line)) passed.add(`${line.key} ${line.dimension}`);
  }
  const third = Math.max(1, Math.floor(resident.length / 3));
  const [firstMiB, lastMiB] = [median(resident.slice(0, third)), median(resident.slice(-third))];
  return {
    samples,
    passed: [...passed],
    memory: { firstMiB, lastMiB, growth: lastMiB / firstMiB - 1 },
  };
}

function isAbove({ key, dimension, posted, pending }: Line): boolean {
  const limits: Readonly<Record<string, number>> = key.startsWith('run:')
    ? LIMITS.run
    : LIMITS.agentDay;
  const limit = limits[dimension];
  return limit !== undefined && Number(posted) + Number(pending) > limit;
}

async function residentMiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '0 0');
  return (Number(text.split(' ')[1]) * PAGE) / 1_048_576;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 10) / 10;
}
