import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Office, openOffice } from '../surfaces/admin/testing/office.ts';
import { openTerminal, type Terminal } from './testing/terminal.ts';

let office: Office;
let terminal: Terminal;
before(async () => {
  office = await openOffice();
  terminal = await openTerminal(office.doors);
  await terminal.run(['login', '--key-stdin', '--url', office.url], { stdin: office.key });
});
after(async () => {
  await terminal.close();
  await office.close();
});

async function said(...argv: string[]): Promise<string> {
  const { code, out, err } = await terminal.run(argv);
  assert.equal(code, 0, err);
  assert.equal(err, '');
  return out;
}

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
bound to   ${ask?.approval.binding.target}
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
        `halting run:${run} reaches, right now:\n  1 live run\n  0 actions in flight, aborted\n  1 waiting approval, made void\n  0 live credentials\n\nHalt run:${run}? [y/N] `,
      ),
      asked.err,
    );
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
    const report = await said('halt', 'run', run, '--reason', 'a drill', '--yes');
    assert.match(
      report,
      /^halted +run:run_\d+\nnothing new runs after +\d+ ms\naborted in flight +0\nstreams closed +0\napprovals made void +1\nevery credential confirmed dead after +\d+ ms\n$/,
    );
    const doctor = await terminal.run(['doctor', '--json']);
    assert.match(doctor.out, new RegExp(`in force: run:${run} \\(inert\\)`));
    assert.match(
      await said('halt', 'list'),
      new RegExp(`^run:${run} {2}inert {2}.* by olga: a drill\\n$`),
    );
    assert.equal(
      await said('resume', 'run', run, '--reason', 'over'),
      `resumed run:${run}; agents go on with new runs\n`,
    );
  });
});

describe('halt --local', () => {
  test('writes the halt file of a data directory, needs no server, asks first', async () => {
    const at = ['--local', '--data-dir', terminal.folder, '--url', 'http://127.0.0.1:1'];
    const asked = await terminal.run(['halt', 'all', '--reason', 'x', ...at], { lines: ['no'] });
    assert.equal(asked.code, 1);
    for (const [scope, name] of [['agent', 'support'], ['all']])
      await said(
        'halt',
        scope ?? '',
        ...(name === undefined ? [] : [name]),
        '--reason',
        'runs\taway',
        '--yes',
        ...at,
      );
    const text = await readFile(join(terminal.folder, 'HALT'), 'utf8');
    assert.equal(text, 'agent:support runs away\nall runs away\n');
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
    assert.match(shown, /action\.read look done\n +\{"id":7\}/);
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

test('policies that the two engines see otherwise are red in doctor, and in the ledger', async () => {
  const finding = async () => {
    const { code, out } = await terminal.run(['doctor', '--json']);
    const { findings } = JSON.parse(out) as { findings: { name: string; state: string }[] };
    return { code, state: findings.find(({ name }) => name === 'policies')?.state };
  };
  assert.equal((await finding()).state, 'ok');
  const { digest: bundle } = await office.broker.bundles.active();
  office.policyAlarms.told({ kind: 'disagreed', bundle, tool: 'rename', why: 'at `auto`' });
  assert.deepEqual(await finding(), { code: 1, state: 'bad' });
  const events = await office.broker.store.timeline('system', 0, 1_000);
  const note = events.find(({ body }) => body.includes('policy.disagreed'));
  assert.match(note?.body ?? '', /"tool":"rename"/);
  await office.activate({ approvalMinutes: 59 });
  assert.equal((await finding()).state, 'ok', 'another bundle, without that');
});

test('without a candidate there is none to tell of', async () => {
  assert.match(await said('policy', 'shadow'), /^there is no candidate: `policies.candidate`/);
});

describe('proofs', () => {
  test('exit code 0 when all is proven, 1 for what can be; questions that make no sense are told', async () => {
    const proven = await said('policy', 'prove', '--tool', 'rename', '--above', 'approve');
    assert.match(proven, /^proven {3}reach: can any agent reach rename above `approve`\?/);
    const { code, out } = await terminal.run([
      ...['policy', 'prove', '--agent', 'support', '--tool', 'rename', '--above', 'read', '--json'],
    ]);
    assert.equal(code, 1);
    const { ok, proofs } = JSON.parse(out);
    assert.equal(ok, false);
    assert.deepEqual(
      [proofs[0].answer, proofs[0].counterexample.agent, proofs[0].counterexample.mode],
      ['counterexample', 'support', 'approve'],
    );
    const odd = async (...argv: string[]) => (await terminal.run(['policy', 'prove', ...argv])).err;
    assert.match(await odd('--above', 'auto'), /expected `above` to be one of read, draft/);
    assert.match(await odd('nothing'), /there is no invariant `nothing`/);
    assert.match(await odd('--when', 'context.'), /`when`: /);
    assert.match(await odd('--tool', 'nothing'), /there is no tool `nothing`/);
  });
});
