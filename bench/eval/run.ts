/** `npm run eval -- <name> [--json] [--short] …`: one program per evaluation, each in a folder of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const PROGRAMS: Readonly<Record<string, string>> = {
  adopt: 'adopt/adopt.ts',
  agentdojo: 'agentdojo/agentdojo.ts',
  loops: 'loops/loops.ts',
};

const [name = '', ...rest] = process.argv.slice(2);
const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
if (program === undefined) {
  const known = Object.keys(PROGRAMS).join(', ');
  process.stderr.write(`expected the name of an evaluation (${known}), got \`${name}\`\n`);
  process.exitCode = 2;
} else {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...rest], {
    stdio: 'inherit',
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
