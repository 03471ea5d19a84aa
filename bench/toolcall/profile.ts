/**
 * `npm run bench -- profile [--connections N] [--seconds N] [--writes] [--over mcp|http] [--json]`
 *
 * Where Signalbox spends its processor time on a call: samples both of its threads under load, and adds the samples up by
 * function, and by the innermost function of our own on the stack. Microseconds a call.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneOf, optionsOf, wholeOf } from '../../scripts/options.ts';
import { closeConnections } from '../../test/crash/wire.ts';
import { openDesk } from './desk.ts';
import type { Loaded, Window } from './load.ts';
import { startPart } from './parts.ts';
import { type CpuProfile, costsOf } from './samples.ts';

const SHOWN = 30;
const RUNS = 4;

const values = optionsOf(import.meta.filename, {
  connections: { type: 'string', default: '64' },
  seconds: { type: 'string', default: '10' },
  writes: { type: 'boolean', default: false },
  over: { type: 'string', default: 'mcp' },
  json: { type: 'boolean', default: false },
});
const connections = wholeOf('connections', values.connections, 1);
const seconds = wholeOf('seconds', values.seconds, 1);
const over = oneOf('over', ['mcp', 'http'], values.over);

async function sample(folder: string): Promise<{ calls: number; cpuUs: number }> {
  const watched = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
  const [echo, load] = await Promise.all([startPart('echo'), startPart('load')]);
  const governed = await startPart('governed', [join(folder, 'signalbox')], watched);
  try {
    const desk = await openDesk(governed, over, {
      echo: echo.url,
      sdk: null,
    });
    const runs = await desk.runs(Math.min(RUNS, connections));
    const texts = values.writes ? await desk.approvedWrites(runs, 250) : null;
    const window: Window = {
      url: governed.url,
      tokens: runs.map(({ token }) => token),
      tool: values.writes ? 'keep' : 'echo',
      connections,
      ms: seconds * 1_000,
      texts,
    };
    const before = await governed.cpu();
    const { calls, faults, firstFault } = await load.ask<Loaded>({ ask: 'load', window });
    if (faults > 0) throw new Error(`a call failed: ${firstFault}`);
    return { calls, cpuUs: ((await governed.cpu()) - before) / calls };
  } finally {
    for (const part of [load, governed, echo]) await part.stop();
    await closeConnections();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'signalbox-profile-'));
try {
  const { calls, cpuUs } = await sample(folder);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const threads = await Promise.all(
    files.map(async (name) => {
      const profile = JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile;
      return { thread: name, ...costsOf(profile, calls, SHOWN) };
    }),
  );
  if (values.json) console.log(JSON.stringify({ calls, cpuUs, threads }));
  else {
    console.log(`${calls} calls, ${cpuUs.toFixed(0)} µs of processor time a call`);
    for (const { thread, busyUs, bySelf, byOwn } of threads) {
      console.log(`\n${thread}: ${busyUs.toFixed(0)} µs a call`);
      console.log('by the innermost function of our own');
      for (const [name, us] of byOwn) console.log(`  ${us.toFixed(1).padStart(8)}  ${name}`);
      console.log('by function');
      for (const [name, us] of bySelf) console.log(`  ${us.toFixed(1).padStart(8)}  ${name}`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
