/**
 * `npm run test:postgres -- [--versions 14,15,16,17,18] [--bin DIR] [--short] [--only PATTERN] [--json]`
 *
 * The tests that need a real PostgreSQL, on one exact release of each major (scripts/postgres/packages.ts, downloaded into
 * node_modules/.cache), or on the `postgres` and `initdb` in `DIR`, such as `/usr/lib/postgresql/15/bin` on Debian. `--short`:
 * of the tests the core, and the oldest alone where no versions are named. `--only`: the files that match. `--json` prints
 * `{ok, versions:[{version, server_version, files, tests, passed, failed, skipped, seconds, failing}]}`. Exit code 0 only when
 * all pass.
 */

import { resolve } from 'node:path';
import { startPostgres } from '../examples/acme/postgres.ts';
import { oneOf, optionsOf } from './options.ts';
import { RELEASES, serverPackage } from './postgres/packages.ts';
import { ALL, CORE, runFiles, runPrograms, type Tally } from './postgres/suite.ts';

interface OnVersion extends Tally {
  readonly version: string;
  readonly server_version: string;
  readonly tests: number;
  readonly seconds: number;
}

const values = optionsOf(import.meta.filename, {
  versions: { type: 'string' },
  bin: { type: 'string' },
  only: { type: 'string' },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const { bin, only, short } = values;
const all = Object.keys(RELEASES).toSorted();
const asked = values.versions?.split(',').map((major) => oneOf('versions', all, major));
const majors = asked?.toSorted() ?? (short ? all.slice(0, 1) : all);

const versions: OnVersion[] = [];
if (bin !== undefined) versions.push(await tryOn(resolve(bin)));
else for (const major of majors) versions.push(await tryOn(await serverPackage(major)));

const ok = versions.every(({ failed, passed }) => failed === 0 && passed > 0);
if (values.json) console.log(JSON.stringify({ ok, versions }));
else for (const { failing: _, ...counts } of versions) console.log(JSON.stringify(counts));
process.exitCode = ok ? 0 : 1;

async function tryOn(folder: string): Promise<OnVersion> {
  // read by examples/acme/postgres-home.ts, in the process of each file
  process.env.SIGNALBOX_TEST_POSTGRES = folder;
  const server_version = await runningVersion();
  tell(`PostgreSQL ${server_version}`);
  const began = performance.now();
  const patterns = only === undefined ? (short ? CORE : ALL) : [only];
  const parts = [await runFiles(patterns, tell)];
  if (only === undefined && !short) parts.push(await runPrograms(tell));
  const sum = (of: (part: Tally) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const counted = {
    files: sum(({ files }) => files),
    tests: sum(({ passed, failed, skipped }) => passed + failed + skipped),
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  };
  const seconds = Math.round((performance.now() - began) / 1_000);
  tell(`PostgreSQL ${server_version}: ${counted.passed} passed, ${counted.failed} failed`);
  const failing = parts.flatMap((part) => part.failing);
  const [version = ''] = server_version.split('.');
  return { version, server_version, ...counted, seconds, failing };
}

/** What a running one says; so the cluster that all others are copied from is made once. */
async function runningVersion(): Promise<string> {
  const server = await startPostgres({ durable: false });
  try {
    const { rows } = await server.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? '';
  } finally {
    await server.stop();
  }
}
