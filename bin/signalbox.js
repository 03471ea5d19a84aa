#!/usr/bin/env node
// Old syntax on purpose: this file must parse on the Nodes it refuses, so that a user of one is told
// what to do instead of being shown a stack trace.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

const major = Number(process.versions.node.split('.')[0]);
const source = new URL('../src/main.ts', import.meta.url);
// A checkout always runs its source, so that an old build left in dist/ is never taken for it.
const checkout = existsSync(fileURLToPath(source));

if (!(major >= 24)) {
  console.error(`signalbox needs Node 24 or newer; this is Node ${process.versions.node}`);
  console.error(
    checkout
      ? 'help: `npm ci`, then `npm run signalbox -- <command>`: that uses the Node pinned here'
      : 'help: install Node 24 (an LTS release) from https://nodejs.org/ and run this again',
  );
  process.exit(1);
}

// What stays and serves gets a young generation of fixed size, and collects the old one before it has grown by much: less
// memory, and none that grows (bench/toolcall).
const heap = ['--min-semi-space-size=16', '--max-semi-space-size=16', '--heap-growing-percent=10'];
if (
  process.argv[2] === 'up' &&
  process.platform !== 'win32' &&
  process.execve !== undefined &&
  !process.execArgv.includes(heap[0])
) {
  const again = [...process.execArgv, ...heap, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.execPath, ...again], process.env);
}

// Calls are gone before a second collection; V8 is not to take a few that were not for a rule, and make all of their kind old.
if (process.argv[2] === 'up') v8.setFlagsFromString('--no-allocation-site-pretenuring');

// A checkout strips its types at every start, most of a second; beside the code nobody can write who cannot write the code.
if (checkout && process.env.NODE_COMPILE_CACHE === undefined) {
  const folder = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
  process.env.NODE_COMPILE_CACHE = folder;
  module.enableCompileCache?.(folder);
}

const entry = checkout ? source : new URL('../dist/main.js', import.meta.url);
import(entry.href)
  .then((program) => program.main(process.argv.slice(2)))
  .then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      console.error(`signalbox stopped: ${error instanceof Error ? error.message : error}`);
      if (process.argv.includes('--debug')) console.error(error);
      process.exitCode = 70;
    },
  );
