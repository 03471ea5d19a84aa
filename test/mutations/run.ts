import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneOf, optionsOf } from '../../scripts/options.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';

/**
 * Switches controls off, one at a time, in a copy of the sources: some test must turn red each time.
 * `--json` prints one object; `--only NAME`, more than once too, runs those. Exit code 0 only when every mutation was noticed.
 */
const ROOT = join(import.meta.dirname, '../..');

interface Noticed {
  readonly control: string;
  readonly red: boolean;
  readonly by: string;
  readonly ms: number;
}

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  short: { type: 'boolean' },
});
const controls = MUTATIONS.map(({ control }) => control);
const only = values.only?.map((name) => oneOf('only', controls, name));
const chosen = MUTATIONS.filter(({ control, slow }) =>
  only === undefined ? !(values.short && slow) : only.includes(control),
);

const copy = await mkdtemp(join(tmpdir(), 'signalbox-mutations-'));
try {
  for (const part of [
    'src',
    'test',
    'examples',
    'scenarios',
    'scripts',
    'schema',
    'bin',
    'package.json',
    'tsconfig.json',
  ])
    await cp(join(ROOT, part), join(copy, part), { recursive: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      },
    );
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const results: Noticed[] = [];
  const clean = await run([...new Set(chosen.map(({ test }) => test))]);
  if (clean !== 0) throw new Error('the tests are red before anything was switched off');
  for (const mutation of chosen) {
    const noticed = await mutate(mutation);
    results.push(noticed);
    process.stderr.write(
      `${noticed.red ? 'red  ' : 'GREEN'}  ${noticed.control.padEnd(44)} ${noticed.by}  ${noticed.ms} ms\n`,
    );
  }
  const unnoticed = results.filter(({ red }) => !red).map(({ control }) => control);
  if (values.json)
    console.log(JSON.stringify({ ok: unnoticed.length === 0, mutations: results, unnoticed }));
  process.exitCode = unnoticed.length === 0 ? 0 : 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}

async function mutate({ control, file, find, replace, test }: Mutation): Promise<Noticed> {
  const path = join(copy, file);
  const before = await readFile(path, 'utf8');
  if (before.split(find).length !== 2)
    throw new Error(`\`${control}\`: expected its text once in ${file}`);
  await writeFile(
    path,
    before.replace(find, () => replace),
  );
  const started = performance.now();
  try {
    return {
      control,
      red: (await run([test])) !== 0,
      by: test,
      ms: Math.round(performance.now() - started),
    };
  } finally {
    await writeFile(path, before);
  }
}

function run(tests: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--test', '--test-force-exit', '--test-timeout=20000', ...tests],
      {
        cwd: copy,
        stdio: 'ignore',
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      },
    );
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
