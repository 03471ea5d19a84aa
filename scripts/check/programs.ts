import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Finding } from './report.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Runs a program on this very Node, without a shell or a search of PATH. */
export function runNode(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Runs the script of an installed development tool. */
export function runTool(script: string, args: readonly string[]): Promise<Ran> {
  const path = `${root}node_modules/${script}`;
  if (!existsSync(path)) throw new Error(`\`${script}\` is not installed: run \`npm ci\``);
  return runNode([path, ...args]);
}

function verdict(ran: Ran, good: string): Finding {
  if (ran.code === 0) return { detail: good, problems: [] };
  const lines = ran.output.split('\n').filter((text) => text.trim() !== '');
  return { detail: `exit code ${ran.code}`, problems: lines.length > 0 ? lines : ['no output'] };
}

export async function types(): Promise<Finding> {
  const ran = await runTool('typescript/bin/tsc', ['--noEmit', '-p', '.', '--pretty', 'false']);
  return verdict(ran, 'tsc: no errors');
}

export async function lint(): Promise<Finding> {
  const args = ['ci', '--colors=off', '--error-on-warnings', '.'];
  const ran = await runTool('@biomejs/biome/bin/biome', args);
  const files = /Checked (\d+) files?/.exec(ran.output)?.[1] ?? '?';
  return verdict(ran, `biome: ${files} files linted and formatted`);
}

export async function tidy(): Promise<Finding> {
  const ran = await runNode(['--test', '--test-reporter=dot', 'test/tidy.test.ts']);
  return verdict(ran, 'the rules of the house hold');
}

export async function unused(): Promise<Finding> {
  const ran = await runTool('knip/bin/knip.js', ['--no-progress']);
  return verdict(ran, 'knip: no unused files, exports or dependencies');
}
