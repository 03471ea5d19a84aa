import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Office, openOffice } from '../../surfaces/admin/testing/office.ts';
import { openTerminal, type Terminal } from '../testing/terminal.ts';

let office: Office;
let terminal: Terminal;
before(async () => {
  office = await openOffice();
  terminal = await openTerminal(office.doors);
  await terminal.run(['login', '--key-stdin', '--url', office.url], { stdin: office.key });
  await terminal.run(['agent', 'enrol', 'support', '--save']);
});
after(async () => {
  await terminal.close();
  await office.close();
});

describe('run', () => {
  const base = ['run', '--agent', 'support', '--intent', 'sort the shelf'];

  test('hands the command its run and nothing else, and ends the run with it', async () => {
    let env: { readonly [name: string]: string | undefined } = {};
    const { code, err } = await terminal.run(
      [...base, '--budget', 'calls=3,rowsDeleted=0', '--', 'agent', '--fast'],
      {
        env: { PATH: '/bin', SIGNALBOX_AGENT_TOKEN_FILE: 'x', SIGNALBOX_URL: office.url },
        spawn: async (command, given) => {
          assert.deepEqual(command, ['agent', '--fast']);
          env = given;
          const run = await office.broker.store.run(String(given.SIGNALBOX_RUN));
          assert.equal(run?.state, 'live');
          assert.deepEqual(run?.budget, { calls: 3, rowsDeleted: 0 });
          return { code: 7, signal: null };
        },
      },
    );
    assert.equal(code, 7, err);
    assert.deepEqual(Object.keys(env).sort(), [
      'PATH',
      'SIGNALBOX_MCP_URL',
      'SIGNALBOX_RUN',
      'SIGNALBOX_TOKEN',
    ]);
    assert.match(String(env.SIGNALBOX_TOKEN), /^sbx_run_/);
    assert.equal(env.SIGNALBOX_MCP_URL, `${office.agentsUrl}/mcp`);
    const run = await office.broker.store.run(String(env.SIGNALBOX_RUN));
    assert.equal(run?.state, 'ended');
    assert.equal(run?.intent, 'sort the shelf');
    assert.match(
      err,
      /^warning: no secret boundary: .* operator key.*\nrun run_\d+ of support\nrun run_\d+ over after /,
    );
    assert.doesNotMatch(err, /sbx_/);
  });

  test('what its principal says is told to the run by whoever has the secret, as hooks do', async () => {
    let id = '';
    await terminal.run([...base, '--', 'agent'], {
      spawn: async (_, { SIGNALBOX_RUN: run }) => {
        id = String(run);
        const hook = { stdin: JSON.stringify({ session: 'x', prompt: 'tell dora' }) };
        const said = await terminal.run(['run', 'say', '--agent', 'support', id], hook);
        assert.equal(said.code, 0, said.err);
        assert.match(said.out, /^said in run_\d+\n$/);
        return { code: 0, signal: null };
      },
    });
    const events = await office.broker.store.timeline(id);
    const words = events.find(({ type }) => type === 'run.said')?.payload;
    assert.deepEqual(words, { text: 'tell dora' });
    for (const [argv, stdin, code] of [
      [['run', 'say', '--agent', 'support'], 'x', 2],
      [['run', 'say', '--agent', 'support', id], ' ', 2],
      [['run', 'say', '--agent', 'support', id], 'x', 1],
    ] as const)
      assert.equal((await terminal.run(argv, { stdin })).code, code, `${argv} < ${stdin}`);
  });

  test('stdout is the command’s own; the summary goes to stderr', async () => {
    const { out, err, code } = await terminal.run([...base, '--json', '--', 'agent']);
    assert.equal(code, 0);
    assert.equal(out, '');
    const { run, warnings, ...summary } = JSON.parse(err) as {
      run: string;
      ms: number;
      warnings: string[];
    };
    assert.equal(warnings.length, 1);
    assert.match(run, /^run_\d+$/);
    assert.deepEqual({ ...summary, ms: 0 }, { agent: 'support', exit: 0, signal: null, ms: 0 });
  });

  test('a command that cannot be started ends the run', async () => {
    const before = (await office.broker.store.runs({ limit: 1 }))[0]?.run.id;
    const { code, err } = await terminal.run([...base, '--', 'nothing-like-it'], {
      spawn: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' })),
    });
    assert.equal(code, 2);
    assert.match(err, /USAGE: `nothing-like-it` cannot be started \(ENOENT\)/);
    const newest = (await office.broker.store.runs({ limit: 1 }))[0]?.run;
    assert.notEqual(newest?.id, before);
    assert.equal(newest?.state, 'ended');
  });

  test('says what is missing before anything is started', async () => {
    for (const [argv, code, message] of [
      [['run', '--agent', 'support', '--', 'x'], 2, /--intent/],
      [[...base], 2, /expected a command after `--`/],
      [[...base, '--budget', 'calls', '--', 'x'], 2, /expected limits such as/],
      [[...base, '--budget', 'cows=1', '--', 'x'], 2, /expected limits such as/],
      [['run', '--agent', 'nobody', '--intent', 'x', '--', 'x'], 1, /no secret of `nobody`/],
      [[...base, '--agents-url', 'http://127.0.0.1:9', '--', 'x'], 4, /was enrolled at/],
    ] as const) {
      const ended = await terminal.run(argv);
      assert.equal(ended.code, code, argv.join(' '));
      assert.match(ended.err, message);
    }
  });

  test('a token file that others can read is refused', async () => {
    const file = join(terminal.folder, 'token');
    await writeFile(file, 'sbx_agt_x', { mode: 0o644 });
    const { code, err } = await terminal.run(['run', '--intent', 'x', '--', 'x'], {
      env: { SIGNALBOX_AGENT_TOKEN_FILE: file },
    });
    assert.equal(code, 4);
    assert.match(err, /FILE_UNSAFE/);
    assert.doesNotMatch(err, /sbx_agt_x/);
  });
});
