import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Proven } from '../broker/prove.ts';
import { realDoors } from '../doors.ts';
import { CONFIG } from '../surfaces/admin/testing/config.ts';
import { startSystem } from '../system.ts';
import { machine } from './door.ts';
import { type Ended, openTerminal, type Terminal } from './testing/terminal.ts';

const doors = realDoors();
let terminal: Terminal;
let up: Promise<Ended>;
let stop: (signal: string) => void;
let announced: { agentsUrl: string; operatorsUrl: string; setupCode: string; directory: string };

before(async () => {
  terminal = await openTerminal(doors);
  const said = Promise.withResolvers<string>();
  const stopped = Promise.withResolvers<string>();
  stop = stopped.resolve;
  up = terminal.run(['up', '--agents-port', '0', '--operators-port', '0', '--json'], {
    parts: { start: startSystem },
    stop: stopped.promise,
    onOut: said.resolve,
  });
  announced = JSON.parse(await Promise.race([said.promise, up.then(({ err }) => err)]));
});
after(async () => {
  stop('SIGTERM');
  await up;
  await terminal.close();
});

test('from nothing to an agent that runs: up, login, apply, enrol, run', async () => {
  const { operatorsUrl, setupCode, agentsUrl, directory } = announced;
  assert.equal(directory, join(terminal.home, 'data'));
  const url = ['--url', operatorsUrl];
  const onArgv = await terminal.run(['login', '--code', setupCode, '--name', 'eve', ...url]);
  assert.equal(onArgv.code, 2, 'any local process can read an argument');
  const nobody = await terminal.run(['login', '--name', 'eve', ...url]);
  assert.equal(nobody.code, 2);
  const lines = [setupCode];
  const login = await terminal.run(['login', '--name', 'olga', ...url], { lines });
  assert.equal(login.code, 0, login.err);
  assert.match(login.out, /^logged in as olga \(owner\)/);
  const twice = await terminal.run(['login', '--code-stdin', '--name', 'eve', ...url], {
    stdin: `${setupCode}\n`,
  });
  assert.equal(twice.code, 4);
  assert.match(twice.err, /^SETUP_CODE: /);
  await writeFile(join(terminal.folder, 'signalbox.yaml'), CONFIG);
  for (const argv of [
    ['apply', '--yes'],
    ['agent', 'enrol', 'support', '--save'],
  ]) {
    const { code, err } = await terminal.run(argv);
    assert.equal(code, 0, err);
  }
  const child =
    'const e = process.env; process.exit(e.SIGNALBOX_RUN.startsWith("run_") && e.SIGNALBOX_MCP_URL.endsWith("/mcp") ? 42 : 1)';
  const run = await terminal.run(
    ['run', '--agent', 'support', '--intent', 'a child', '--', process.execPath, '-e', child],
    { spawn: machine(doors).spawn },
  );
  assert.equal(run.code, 42, run.err);
  assert.match(run.err, /no secret boundary.*operator key/);
  const listed = await terminal.run(['run', 'list', '--json']);
  const [summary] = listed.json.runs as unknown as { run: { intent: string; state: string } }[];
  assert.deepEqual([summary?.run.intent, summary?.run.state], ['a child', 'ended']);
  const when = 'context.run.depth == 2 && context.run.ageSeconds > 5';
  const proof = await terminal.run(['policy', 'prove', '--when', when, '--json']);
  const [found] = proof.json.proofs as unknown as Proven[];
  assert.equal(proof.code, 1, proof.err);
  assert.equal(found?.counterexample?.run.depth, 2, JSON.stringify(found));
  const invariants = await terminal.run(['policy', 'prove']);
  assert.equal(invariants.code, 0, invariants.out);
  const doctor = await terminal.run(['doctor', '--json']);
  assert.equal(doctor.code, 0, doctor.out);
  assert.ok(doctor.out.includes(agentsUrl));
});

test('the page of the running system asks who is there', async () => {
  const answer = await fetch(`${announced.operatorsUrl}/`, { redirect: 'manual' });
  assert.equal(answer.status, 303);
});

test('a second one on the same data is refused', async () => {
  const second = await terminal.run(['up', '--agents-port', '0', '--operators-port', '0'], {
    parts: { start: startSystem },
  });
  assert.equal(second.code, 1);
  assert.match(second.err, /^STORE_LOCKED: /);
  const odd = await terminal.run(['up', '--agents-port', '70000']);
  assert.equal(odd.code, 2);
});
