/** `npm run bench -- <name> [--json] [--short]`: one program per benchmark, each in its own file or folder. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAMS: Readonly<Record<string, string>> = {
  toolcall: 'toolcall/bench.ts',
  profile: 'toolcall/profile.ts',
  store: 'store.ts',
  replicas: 'replicas/bench.ts',
  'store-postgres': 'store-postgres.ts',
  tools: 'tools/bench.ts',
  judge: 'judge/bench.ts',
};

const [name = '', ...rest] = process.argv.slice(2);
const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
const path = join(import.meta.dirname, program ?? '');
if (program === undefined || !existsSync(path)) {
  const known = Object.keys(PROGRAMS).join(', ');
  process.stderr.write(`expected the name of a benchmark (${known}), got \`${name}\`\n`);
  process.exitCode = 2;
} else {
  const child = spawn(process.execPath, [path, ...rest], { stdio: 'inherit' });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
