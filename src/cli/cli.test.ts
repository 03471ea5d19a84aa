import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CONFIG } from '../surfaces/admin/testing/config.ts';
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
        'USAGE: unknown command `ledger verfy`\nhelp: `signalbox ledger` takes `verify`, `key`, `checkpoint`, `prove`, `erase`\n',
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
      'NAME     VERSION  SET                   AGE  USED BY\nshop-db  1        2026-11-22 09:00:00Z  0 d  nobody\n',
    );
    const none = await terminal.run(['secret', 'set', 'shop-db'], { stdin: '\n' });
    assert.equal(none.code, 2);
    assert.equal((await terminal.run(['secret', 'set', 'shop-db', 'hunter2'])).code, 2);
    const word = await terminal.run(['secret', 'set', 'a-word'], { stdin: 'postgres\n' });
    assert.match(word.out, /^a-word is set, version 1\nnote: it may be an ordinary word/);
  });

  test('a secret is typed unseen or read from a file, and rotated when it is there', async () => {
    const typed = await terminal.run(['secret', 'set', 'typed-one'], { lines: ['typed-value'] });
    assert.equal(typed.out, 'typed-one is set, version 1\n');
    assert.ok(!(typed.out + typed.err).includes('typed-value'));
    const file = join(terminal.home, 'new-value');
    await writeFile(file, 'a-new-value\n');
    const rotated = await terminal.run(['secret', 'rotate', 'typed-one', '--file', file]);
    assert.equal(rotated.code, 0, rotated.err);
    assert.match(rotated.out, /^typed-one is rotated, version 2\nnothing here uses the old value/);
    const missing = await terminal.run(['secret', 'rotate', 'no-such'], { stdin: 'x-value' });
    assert.match(missing.err, /SECRET_MISSING: there is no secret `no-such` to rotate/);
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
