/** The clients of others live in a folder of their own: installed from its lockfile, without running their scripts. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FOLDER = import.meta.dirname;
const LOCK = join(FOLDER, 'package-lock.json');
const STAMP = join(FOLDER, 'node_modules', '.installed-from');

/** Says what it does; nothing when the lockfile is the one that was installed. */
export function install(say: (text: string) => void): void {
  const lock = readFileSync(LOCK, 'utf8');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return;
  say('installing test/clients from its lockfile, scripts ignored');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const done = spawnSync('npm', args, { cwd: FOLDER, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`npm ci failed in test/clients: ${done.stderr}`);
  writeFileSync(STAMP, lock);
}

const resolve = createRequire(join(FOLDER, 'package.json'));

/** A module of that folder; the house itself is checked without it. */
export async function clientModule<Module>(name: string): Promise<Module> {
  const entry = resolve.resolve(name);
  return (await import(pathToFileURL(entry).href)) as Module;
}
