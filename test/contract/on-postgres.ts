/**
 * `npm run test:postgres -- [--bin DIR] [--store] [--json]`
 *
 * The tests that need a real PostgreSQL, against another version than npm's: `DIR` holds its `postgres` and `initdb`, as
 * `/usr/lib/postgresql/15/bin` does on Debian. `--store` leaves the connector out, which needs PostgreSQL 16. `--json`
 * prints `{ok, version, passed, failed, failing:[…], files}`. Exit code 0 only when all pass.
 */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const STORE = [
  'src/store/migrations/postgres.test.ts',
  'test/contract/store-postgres.test.ts',
  'test/contract/postgres-*.test.ts',
  'test/contract/store-carry.test.ts',
  'test/replicas/postgres.test.ts',
  'test/replicas/outage.test.ts',
];
const CONNECTOR = ['src/connectors/postgres/*.test.ts', 'src/credentials/postgres-role*.test.ts'];

const { values } = parseArgs({
  options: {
    bin: { type: 'string' },
    store: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
// read by examples/acme/postgres-home.ts, in the process of each file
if (values.bin !== undefined) process.env.SIGNALBOX_TEST_POSTGRES_BIN = values.bin;
const version =
  values.bin === undefined
    ? 'as installed by npm'
    : execFileSync(join(values.bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim();
const files = globSync(values.store ? STORE : [...STORE, ...CONNECTOR], { cwd: ROOT })
  .toSorted()
  .map((file) => join(ROOT, file));

let passed = 0;
const failing: string[] = [];
const concurrency = Math.min(2, availableParallelism());
for await (const event of run({ files, concurrency, timeout: 120_000 })) {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
  const { name, details, nesting, file } = event.data;
  // a suite fails with what is in it
  if (details.type === 'suite' || (nesting === 0 && name === file)) continue;
  if (event.type === 'test:pass') passed++;
  else {
    failing.push(name);
    const { error } = event.data.details;
    process.stderr.write(
      `✖ ${name}\n  ${error.cause instanceof Error ? error.cause.message : error.message}\n`,
    );
  }
}
const ok = failing.length === 0 && passed > 0;
const report = { ok, version, passed, failed: failing.length, failing, files: files.length };
if (values.json) console.log(JSON.stringify(report));
else console.log(`${version}: ${passed} passed, ${failing.length} failed in ${files.length} files`);
process.exitCode = ok ? 0 : 1;
