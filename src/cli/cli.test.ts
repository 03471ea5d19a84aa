import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Office, openOffice } from '../surfaces/admin/testing/office.ts';
import { openTerminal, type Terminal } from './testing/terminal.ts';

let office: Office;
let terminal: Terminal;
before(async () => {
  office = await openOffice();
  terminal = await openTerminal(office.doors);
});
after(async () => {
  await terminal.close();
  await office.close();
});

const url = (): string[] => ['--url', office.url];

async function said(...argv: string[]): Promise<string> {
  const { code, out, err } = await terminal.run(argv);
  assert.equal(code, 0, err);
  assert.equal(err, '');
  return out;
}

describe('before anybody is known', () => {
  test('commands say how to log in, with the code for it', async () => {
    const refused = await terminal.run(['approvals', ...url()]);
    assert.equal(refused.code, 4);
    assert.equal(refused.out, '');
    assert.match(
      refused.err,
      /^OPERATOR_UNKNOWN: nobody is logged in here\nhelp: .*signalbox login/,
    );
  });

  test('a Signalbox that is not there is said to be so', async () => {
    const closed = await openOffice();
    await closed.close();
    const gone = ['--url', closed.url];
    const lost = await terminal.run(['login', '--key-stdin', ...gone], { stdin: office.key });
    assert.equal(lost.code, 3);
    assert.equal(
      lost.err.split('\n')[0],
      `UNREACHABLE: no answer from \`${closed.url}\` (ECONNREFUSED)`,
    );
  });

  test('keys are not sent over plain HTTP to another machine', async () => {
    const sent = await terminal.run(['login', '--key-stdin', '--url', 'http://box.example'], {
      stdin: office.key,
    });
    assert.equal(sent.code, 2);
    assert.match(sent.err, /expected an https address/);
  });

  test('a key is kept for its user alone, and refused once others can read it', async () => {
    const login = await terminal.run(['login', '--key-stdin', ...url(), '--json'], {
      stdin: `${office.key}\n`,
    });
    assert.equal(login.code, 0, login.err);
    const file = join(terminal.home, 'operator.json');
    assert.deepEqual(login.json, { operator: 'olga', role: 'owner', url: office.url, file });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await chmod(file, 0o644);
    const unsafe = await terminal.run(['approvals']);
    assert.equal(unsafe.code, 4);
    assert.match(unsafe.err, /FILE_UNSAFE: .*0644\nhelp: chmod 600/);
    await chmod(file, 0o600);
    const elsewhere = await terminal.run(['approvals', '--url', 'http://127.0.0.1:9']);
    assert.equal(elsewhere.code, 4, 'a key goes to the address it was made for only');
  });
});

describe('the command line', () => {
  test('what is mistyped is answered with what was meant', async () => {
    for (const [argv, message] of [
      [
        ['aprove', 'x'],
        'USAGE: unknown command `aprove`\nhelp: did you mean `signalbox approve`?\n',
      ],
      [['run', 'lst'], /USAGE: expected a command|USAGE: expected `signalbox run/],
      [
        ['ledger', 'verfy'],
        'USAGE: unknown command `ledger verfy`\nhelp: `signalbox ledger` takes `verify`, `erase`\n',
      ],
      [
        ['halt', 'all', '--reson', 'x'],
        'USAGE: unknown option `--reson`\nhelp: did you mean `--reason`?\n',
      ],
      [['why'], 'USAGE: expected `signalbox why ID`\nhelp: `signalbox help why`\n'],
      [['halt', 'planet', 'x', '--reason', 'x'], /USAGE: expected all \| run ID/],
      [['halt', 'all'], /USAGE: expected `--reason/],
      [['plan', '--', 'x'], /takes nothing after `--`/],
    ] as const) {
      const { code, out, err } = await terminal.run(argv);
      assert.equal(code, 2, argv.join(' '));
      assert.equal(out, '');
      if (typeof message === 'string') assert.equal(err, message);
      else assert.match(err, message);
    }
  });

  test('with --json errors are one object on stdout too', async () => {
    const { code, json, err } = await terminal.run(['why', 'nothing', '--json']);
    assert.equal(code, 1);
    assert.equal(err, '');
    assert.equal((json.error as { code: string }).code, 'NOT_FOUND');
  });

  test('help lists every command and its options', async () => {
    const help = await said('help');
    assert.match(help, / {2}run --agent NAME --intent TEXT -- COMMAND … /);
    assert.match(await said('help', 'halt'), /--reason TEXT/);
    assert.equal(await said('halt', '--help'), await said('help', 'halt'));
    assert.match(await said('--version'), /^signalbox 0\.0\.0-test \(Node \d/);
  });
});

describe('approvals', () => {
  test('are listed, shown whole, asked about, and approved by the digest that was shown', async () => {
    const run = await office.begin('rename Ada\u001b[2J');
    const id = await office.park(run);
    const listed = await said('approvals');
    assert.equal(
      listed,
      `APPROVAL  STATE    TOOL    TARGET           AGENT    ASKED  EXPIRES  WOULD CHANGE
${id}  pending  rename  production/shop  support  now    in 1 h   1 row written, 0 deleted
`,
    );
    const { code, out, err } = await terminal.run(['approve', id, '--because', 'asked by Ada'], {
      lines: ['yes'],
    });
    assert.equal(code, 0, err);
    const ask = await office.broker.store.ask(id);
    assert.equal(
      err,
      `approval   ${id}
state      pending
tool       rename  (write, undo declared, never tried)
target     production/shop
agent      support, answerable: dana@acme.example
run        ${run}
asked      2026-11-22 09:00:00Z
expires    2026-11-22 10:00:00Z (in 1 h)
digest     ${ask?.approval.digest}
pre-state  ${ask?.approval.binding.preState}

What will run
update customers set name = :name
where id = :id

Arguments, exactly
{"id":7,"name":"Ada L."}

What it would change (run, measured and cancelled: nothing has happened yet)
TABLE      INSERTED  UPDATED  DELETED
customers  0         1        0
update customers
    id: 7
  - name: "Ada"
  + name: "Ada L."
    plan: "basic"
the rows shown are all that would change (1 row)

What the run says it is for (the agent’s words, not checked)
> rename Ada⟦U+001B⟧[2J

Approve exactly this? [y/N] `,
    );
    assert.equal(
      out,
      `approved ${id} (rename at production/shop); it runs when its agent asks again, judged once more\n`,
    );
    assert.equal(ask?.approval.state, 'approved');
    assert.equal(ask?.approval.answeredBy, 'olga');
  });

  test('without a yes nothing is approved', async () => {
    const id = await office.park(await office.begin(), 'No');
    for (const typed of [{ lines: ['n'] }, { lines: [''] }, { lines: [] }, {}]) {
      const { code, err } = await terminal.run(['approve', id], typed);
      assert.equal(code, 1);
      assert.match(err, /NOT_CONFIRMED: /);
    }
    assert.equal((await office.broker.store.ask(id))?.approval.state, 'pending');
    assert.match(await said('refuse', id, '--because', 'no'), /^refused /);
    assert.equal((await office.broker.store.ask(id))?.approval.state, 'refused');
  });
});

describe('halt', () => {
  test('shows its reach, asks, reports with times; resume lifts it', async () => {
    const run = await office.begin('to be halted');
    await office.park(run, 'Gone');
    const asked = await terminal.run(['halt', 'run', run, '--reason', 'a drill'], {
      lines: ['no'],
    });
    assert.equal(asked.code, 1);
    assert.ok(
      asked.err.startsWith(
        `halting run:${run} reaches, right now: 1 live run, 0 actions in flight, 1 waiting approval, 0 live credentials\n\nHalt run:${run}? [y/N] `,
      ),
      asked.err,
    );
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
    const report = await said('halt', 'run', run, '--reason', 'a drill', '--yes');
    assert.match(
      report,
      /^halted +run:run_\d+\nnothing new runs after +\d+ ms\naborted in flight +0\napprovals made void +1\nevery credential confirmed dead after +\d+ ms\n$/,
    );
    const doctor = await terminal.run(['doctor', '--json']);
    assert.match(doctor.out, new RegExp(`in force: run:${run} \\(inert\\)`));
    assert.equal(
      await said('resume', 'run', run, '--reason', 'over'),
      `resumed run:${run}; agents go on with new runs\n`,
    );
  });
});

describe('runs', () => {
  test('are listed and shown with what was decided and why', async () => {
    const run = await office.begin('look around');
    await office.propose(run, 'look', { id: 7 });
    await office.propose(run, 'nothing_like_it', { a: 1 });
    assert.match(
      await said('run', 'list', '--live'),
      new RegExp(`${run} +support +live +2 +1 +0 .* look around`),
    );
    const shown = await said('run', 'show', run);
    assert.match(shown, /intent +look around {2}\(its own words\)/);
    assert.match(shown, /action\.intent look auto\n +\{"id":7\}/);
    assert.match(shown, /action\.outcome done/);
    assert.match(shown, /action\.denied nothing_like_it deny\n +\{"a":1\}\n +\w+: /);
    const why = await said('why', run);
    assert.match(why, /look around/);
    const lost = await terminal.run(['run', 'show', 'run_nothing']);
    assert.equal(lost.code, 1);
    assert.match(lost.err, /^RUN_NOT_FOUND: /);
  });

  test('erasing asks, and the ledger still verifies', async () => {
    const run = await office.begin('to be forgotten');
    await office.broker.store.commit({
      kind: 'run.end',
      runId: run,
      why: 'over',
      at: office.clock.at,
    });
    assert.match(
      await said('ledger', 'erase', run, '--reason', 'asked to', '--yes'),
      /^erased \d payloads? of run_/,
    );
    const verified = await said('ledger', 'verify');
    assert.match(verified, /^the ledger holds\nrecords +\d+\nchains +\d+\npayloads checked +\d+\n/);
    const json = await terminal.run(['ledger', 'verify', '--json']);
    assert.equal(json.json.ok, true);
  });
});

const CONFIG = `version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  volumes: { kind: http, environment: production, url: https://volumes.acme.example }
tools:
  list_volumes:
    connection: volumes
    description: List the volumes
    http: { method: GET, path: /volumes }
agents:
  support: { owner: dana@acme.example }
grants:
  - { agent: support, tools: [list_volumes], rung: read }
`;

describe('the configuration', () => {
  test('init writes one that plans, and never over another', async () => {
    assert.match(await said('init'), /^wrote signalbox\.yaml/);
    const again = await terminal.run(['init']);
    assert.equal(again.code, 1);
    assert.match(again.err, /^FILE_EXISTS: /);
    const planned = await terminal.run(['plan', '--json']);
    assert.equal(planned.code, 0, planned.out);
    assert.equal((await terminal.run(['plan', 'nothing.yaml'])).code, 1);
  });

  test('plan shows, apply asks and applies what was shown', async () => {
    const file = join(terminal.folder, 'acme.yaml');
    await writeFile(file, CONFIG);
    const shown = await said('plan', 'acme.yaml');
    assert.match(shown, /widens authority/);
    const { code, err, out } = await terminal.run(['apply', 'acme.yaml'], { lines: ['y'] });
    assert.equal(code, 0, err);
    assert.equal(err, `${shown}\nApply this? [y/N] `);
    assert.match(out, /^applied \d+ changes: bundle [0-9a-f]{12} is active\n$/);
    assert.match(await said('apply', 'acme.yaml', '--yes'), /nothing changes/);
    await office.activate();
  });

  test('every fault has its place and its mend', async () => {
    await writeFile(
      join(terminal.folder, 'bad.yaml'),
      CONFIG.replace('kind: http', 'kind: ftp').replace('version: 1', 'version: 9'),
    );
    const { code, err } = await terminal.run(['plan', 'bad.yaml']);
    assert.equal(code, 1);
    assert.ok(
      (err.match(/^CONFIG_INVALID: bad\.yaml:\d+:\d+ .*\nhelp: /gm) ?? []).length >= 2,
      err,
    );
  });
});

describe('secrets and agents', () => {
  test('a secret comes from stdin and is never shown', async () => {
    const set = await terminal.run(['secret', 'set', 'shop-db'], { stdin: 'hunter2-hunter2\n' });
    assert.equal(set.code, 0, set.err);
    assert.equal(set.out, 'shop-db is set, version 1\n');
    assert.equal(
      await said('secret', 'list'),
      'NAME     VERSION  SET\nshop-db  1        2026-11-22 09:00:00Z\n',
    );
    const none = await terminal.run(['secret', 'set', 'shop-db'], { stdin: '\n' });
    assert.equal(none.code, 2);
    assert.equal((await terminal.run(['secret', 'set', 'shop-db', 'hunter2'])).code, 2);
  });

  test('an agent secret is shown once, or kept for run', async () => {
    const shown = await said('agent', 'enrol', 'support');
    assert.match(shown, /^sbx_agt_\w+\n/);
    const saved = await terminal.run(['agent', 'enrol', 'support', '--save']);
    assert.doesNotMatch(saved.out, /sbx_agt_/);
    const file = join(terminal.home, 'agents', 'support.json');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(await readFile(file, 'utf8'), /sbx_agt_/);
    const odd = await terminal.run(['agent', 'enrol', '../../x']);
    assert.equal(odd.code, 1);
  });
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

describe('doctor', () => {
  test('finds what is wrong with a data directory and says how to mend it', async () => {
    const directory = join(terminal.folder, 'data');
    await mkdir(directory, { mode: 0o755 });
    await writeFile(join(directory, 'master.key'), 'x', { mode: 0o644 });
    const bad = await terminal.run(['doctor', '--data-dir', directory]);
    assert.equal(bad.code, 1);
    assert.match(
      bad.out,
      new RegExp(
        `bad {3}data directory +${directory} is 0755, expected 0700.*\\n +chmod 700 ${directory}`,
      ),
    );
    assert.match(bad.out, /bad {3}key file .* is 0644/);
    assert.match(bad.out, /mind {2}secret boundary .*no secret boundary/);
    await chmod(directory, 0o700);
    await chmod(join(directory, 'master.key'), 0o600);
    const good = await terminal.run(['doctor', '--data-dir', directory, '--json']);
    assert.equal(good.code, 0, good.out);
    assert.equal(good.json.ok, true);
  });
});
