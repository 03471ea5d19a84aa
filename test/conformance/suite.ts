/** Runs the pinned conformance suite as a process of its own and reads what it found. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { SUITE_PROGRAM } from './requirements.ts';

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** What the suite found in one scenario; it fails a scenario by a failed check, not by a warning. */
export interface Found {
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** By scenario. A scenario that left nothing behind did not run. */
export type Findings = ReadonlyMap<string, Found>;

const INSIDE = 'SIGNALBOX_CONFORMANCE_SUITE';
const STAMP = /-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z$/;

export async function runSuite(args: readonly string[], patienceMs: number): Promise<Findings> {
  // a client under test that starts the suite starts all clients, each of which starts the suite
  if (process.env[INSIDE] !== undefined) throw new Error('the suite is not started from within it');
  const out = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'));
  try {
    await run([...args, '-o', out], patienceMs);
    return readFindings(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Its exit code says less than its files, so only its not ending at all is a fault here. */
function run(args: readonly string[], patienceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const suite = spawn(process.execPath, [SUITE_PROGRAM, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { ...process.env, [INSIDE]: '1' },
    });
    const endAll = (): void => {
      if (suite.pid !== undefined && suite.exitCode === null) process.kill(-suite.pid, 'SIGKILL');
    };
    // a suite whose starter is gone would go on with all its clients
    const stopped = (): void => process.exit(1);
    process.once('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stopped);
    let said = '';
    suite.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const patience = setTimeout(() => {
      endAll();
      reject(new Error(`the suite did not end within ${patienceMs} ms: ${said}`));
    }, patienceMs);
    suite.on('error', reject);
    suite.on('close', () => {
      clearTimeout(patience);
      process.off('exit', endAll);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stopped);
      resolve();
    });
  });
}

function readFindings(out: string): Findings {
  const found = new Map<string, Found>();
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'checks.json') continue;
    const name = relative(out, entry.parentPath)
      .replace(/^server-/, '')
      .replace(STAMP, '');
    const checks = JSON.parse(readFileSync(join(entry.parentPath, entry.name), 'utf8')) as Check[];
    found.set(name, { failures: of(checks, 'FAILURE'), warnings: of(checks, 'WARNING') });
  }
  return found;
}

function of(checks: readonly Check[], status: Check['status']): string[] {
  return checks
    .filter((check) => check.status === status)
    .map(({ id, errorMessage }) => `${id}: ${errorMessage ?? 'no reason given'}`);
}
