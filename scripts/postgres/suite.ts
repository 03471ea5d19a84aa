/** The tests that need a real PostgreSQL, and what came of them on one server. */
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import { run } from 'node:test';

const ROOT = path.join(import.meta.dirname, '../..');

/** What a server that is not npm's is most likely to break; under a minute. */
export const CORE: readonly string[] = [
  'src/store/migrations/postgres.test.ts',
  'test/contract/store-postgres.test.ts',
  'src/connectors/postgres/{escape,function,grants,verify}.test.ts',
  'src/credentials/postgres-role.test.ts',
];

export const ALL: readonly string[] = [
  ...CORE,
  'src/connectors/postgres/*.test.ts',
  'src/credentials/{leases,vault/vault}.test.ts',
  'src/cli/store/store.test.ts',
  'test/contract/postgres-*.test.ts',
  'test/contract/store-carry.test.ts',
  'test/replicas/{outage,postgres}.test.ts',
  'test/properties/agent_never_holds_credentials.test.ts',
  'test/scenarios/scenarios.test.ts',
  'test/e2e/{halt-under-load,readme}.test.ts',
  'examples/acme/{postgres,schema}.test.ts',
];

export interface Tally {
  files: number;
  passed: number;
  failed: number;
  skipped: number;
  failing: string[];
}

const FILE_LIMIT_MS = 120_000;
const PROGRAM_LIMIT_MS = 400_000;

/** Each test file in a process of its own; `tell` hears of every failure. */
export async function runFiles(
  patterns: readonly string[],
  tell: (line: string) => void,
): Promise<Tally> {
  const files = [...new Set(globSync([...patterns], { cwd: ROOT }))].toSorted();
  const tally: Tally = { files: files.length, passed: 0, failed: 0, skipped: 0, failing: [] };
  const stream = run({
    files: files.map((file) => path.join(ROOT, file)),
    concurrency: Math.min(2, availableParallelism()),
    timeout: FILE_LIMIT_MS,
    execArgv: ['--import', path.join(ROOT, 'scripts/compiled.js')],
  });
  for await (const event of stream) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, details, nesting, file = '', skip } = event.data;
    // a suite, or a file, fails with what is in it
    const isWhole = details.type === 'suite' || (nesting === 0 && name === file);
    if (event.type === 'test:pass') {
      if (!isWhole) tally[skip === undefined ? 'passed' : 'skipped']++;
      continue;
    }
    const { error } = event.data.details;
    const { failureType } = error as { failureType?: string };
    if (isWhole && failureType === 'subtestsFailed') continue;
    const what = `${path.relative(ROOT, file)}: ${name}`;
    fail(tally, what);
    if (failureType === 'cancelledByParent') continue;
    const why = error.cause instanceof Error ? error.cause.message : error.message;
    tell(`✖ ${what}\n  ${why.replaceAll('\n', '\n  ')}`);
  }
  return tally;
}

interface Evasion {
  readonly cases: number;
  readonly escaped: readonly string[];
  readonly controls: { readonly tried: number; readonly passed: number };
  readonly refusedControls: readonly string[];
}

interface Drill {
  readonly ok: boolean;
  readonly runs: number;
  readonly problems: readonly string[];
}

/** Programs that count at the target themselves: the ways around SQL tools, and a short drill without judging its times. */
export async function runPrograms(tell: (line: string) => void): Promise<Tally> {
  const tally: Tally = { files: 2, passed: 0, failed: 0, skipped: 0, failing: [] };
  const groups = 'sql-arguments,sql-function,sql-query';
  const evasion = await program<Evasion>('test/evasion/run.ts', ['--only', groups], tell);
  const bad = [
    ...(evasion?.escaped ?? ['evasion: no answer']),
    ...(evasion?.refusedControls ?? []),
  ];
  tally.passed +=
    (evasion?.cases ?? 0) + (evasion?.controls.passed ?? 0) - (evasion?.escaped.length ?? 0);
  const drill = await program<Drill>('test/drill/run.ts', ['--untimed', '--runs', '2'], tell);
  if (drill?.ok === true) tally.passed += drill.runs;
  else bad.push(...(drill?.problems ?? ['drill: no answer']));
  for (const one of bad) {
    fail(tally, one);
    tell(`✖ ${one}`);
  }
  return tally;
}

/** Its one object on stdout; null when there is none, and why is told. */
function program<T>(
  script: string,
  args: readonly string[],
  tell: (line: string) => void,
): Promise<T | null> {
  const words = ['--import', './scripts/compiled.js', script, '--json', ...args];
  return new Promise((resolve) => {
    const options = { cwd: ROOT, timeout: PROGRAM_LIMIT_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, words, options, (_, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as T);
      } catch {
        tell(stderr.slice(-2_000));
        resolve(null);
      }
    });
  });
}

function fail(tally: Tally, what: string): void {
  tally.failed++;
  tally.failing.push(what);
}
