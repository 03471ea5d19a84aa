import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { askKey } from '../../src/domain/approval.ts';
import type { EventDraft } from '../../src/ledger/events.ts';
import { wrappingKey } from '../../src/ledger/seal.ts';
import { Chains } from '../../src/store/sqlite/chains.ts';
import { BUNDLE_1, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';
import { type Value, Victim } from './victim.ts';

const APPROVAL_BINDING: readonly string[] = [
  ...['runId', 'tool', 'toolDigest', 'argumentsDigest', 'target', 'preState', 'halt'],
  ...['expiresAt', 'nonce', 'more'],
];

describe('verify', () => {
  let victim: Victim;
  before(async () => {
    victim = await Victim.open();
  });
  after(() => victim.core.close());

  test('an untouched ledger holds, with and without the master key', async () => {
    const whole = await victim.verify();
    assert.deepEqual(whole.problems, []);
    assert.equal(whole.ok, true);
    assert.equal(whole.chains, 4);
    assert.deepEqual(whole.erasedRuns, ['run_c']);
    assert.equal(whole.payloadsErased, 4);
    assert.equal(whole.payloadsUnchecked, 0);
    assert.ok(whole.payloadsChecked > 30);
    assert.ok(whole.rowsCompared > 30);
    const outside = await victim.verify(null);
    assert.equal(outside.ok, true);
    assert.equal(outside.payloadsUnchecked, whole.payloadsChecked);
    await assert.rejects(victim.verify(new Uint8Array(32)), { code: 'MASTER_KEY' });
  });

  test('any edited value of any record is found', async () => {
    let tried = 0;
    for (const row of victim.rows('events')) {
      for (const [column, value] of Object.entries(row)) {
        for (const changed of changes(value)) {
          const sql = `UPDATE events SET ${column} = ? WHERE id = ?`;
          const evidence = await victim.during(sql, changed, Number(row.id));
          tried++;
          assert.notEqual(evidence?.ok, true, `${column} of ${row.chain} ${row.seq}`);
        }
      }
    }
    assert.ok(tried > 1_000);
  });

  test('a name that no store would write is found', async () => {
    const odd = [`'run_a' || char(10) || '1'`, `''`, `'x' || char(0)`, `char(55296)`];
    for (const column of ['chain', 'type', 'previous', 'body']) {
      for (const name of odd) {
        const sql = `UPDATE events SET ${column} = ${name} WHERE id = 20`;
        assert.notEqual((await victim.during(sql))?.ok, true, sql);
      }
    }
  });

  test('the first break of each chain is named, with what differs', async () => {
    const evidence = await victim.during(
      `UPDATE events SET body = replace(body, 'set_plan', 'get_plan') WHERE type = 'action.intent'`,
    );
    assert.deepEqual(
      evidence?.breaks.map(({ chain, fault }) => [chain, fault]),
      [
        ['run_a', 'hash'],
        ['run_b', 'hash'],
      ],
    );
    assert.match(
      evidence?.problems[0] ?? '',
      /^chain `run_a` at record \d+: hash: expected [0-9a-f]{64}/,
    );
  });

  const removals: readonly [string, string][] = [
    ['a record', `DELETE FROM events WHERE chain = 'run_a' AND seq = 4`],
    ['the end of a chain', `DELETE FROM events WHERE chain = 'run_b' AND seq > 6`],
    ['a whole chain', `DELETE FROM events WHERE chain = 'run_a'`],
    ['the system chain', `DELETE FROM events WHERE chain = 'system'`],
    ['the newest record', 'DELETE FROM events WHERE id = (SELECT max(id) FROM events)'],
    ['a payload', 'DELETE FROM payloads WHERE id = (SELECT min(id) FROM payloads)'],
    ['a key', `DELETE FROM chain_keys WHERE chain = 'run_a'`],
    ['the erasure', `DELETE FROM events WHERE type = 'ledger.erased'`],
  ];
  for (const [what, sql] of removals) {
    test(`without ${what} it does not hold`, async () => {
      assert.equal((await victim.during(sql))?.ok, false);
    });
  }

  test('a payload changed, moved or added does not hold', async () => {
    for (const { id, sealed } of victim.rows('payloads')) {
      for (const changed of changes(sealed as Uint8Array)) {
        const sql = 'UPDATE payloads SET sealed = ? WHERE id = ?';
        assert.equal((await victim.during(sql, changed, id as number))?.ok, false);
      }
    }
    const swap = `UPDATE payloads SET sealed = (SELECT sealed FROM payloads ORDER BY id LIMIT 1)
      WHERE id = (SELECT max(id) FROM payloads)`;
    assert.equal((await victim.during(swap))?.ok, false);
    const bare = victim.rows('events LEFT JOIN payloads USING (id)').find((row) => !row.sealed);
    const added = await victim.during(
      'INSERT INTO payloads SELECT ?, sealed FROM payloads LIMIT 1',
      bare?.id as number,
    );
    assert.equal(added?.ok, false);
  });
});

describe('tables', () => {
  let victim: Victim;
  before(async () => {
    victim = await Victim.open();
  });
  after(() => victim.core.close());

  const lies: readonly string[] = [
    `UPDATE control SET halt = halt + 1`,
    `UPDATE control SET halt = 1 << 60`,
    `UPDATE usage SET posted = 1 << 60`,
    `UPDATE tokens SET expires_at = 1 << 60`,
    `UPDATE runs SET budget = 'no JSON'`,
    `UPDATE control SET bundle = 'mine'`,
    `UPDATE runs SET state = 'live' WHERE id = 'run_a'`,
    `UPDATE runs SET expires_at = expires_at + 1 WHERE id = 'run_a'`,
    `UPDATE runs SET agent = 'root' WHERE id = 'run_b'`,
    `UPDATE runs SET budget = '{"calls":9}' WHERE id = 'run_a'`,
    `UPDATE runs SET tools = '["drop"]' WHERE id = 'run_a'`,
    `UPDATE runs SET acts_for = '[{"run":"run_b","agent":"root","budget":{}}]' WHERE id = 'run_a'`,
    `UPDATE runs SET erased = 0 WHERE id = 'run_c'`,
    `UPDATE runs SET erased = 1 WHERE id = 'run_a'`,
    `INSERT INTO runs SELECT 'run_z', root, parent, depth, agent, state, started_at, expires_at,
       ended_at, budget, actions, refused, erased, replica, tools, acts_for,
       subject FROM runs WHERE id = 'run_a'`,
    `DELETE FROM runs WHERE id = 'run_b'`,
    `UPDATE actions SET state = 'failed' WHERE state = 'unknown'`,
    `UPDATE actions SET tool = 'other' WHERE id = 'act_4'`,
    `DELETE FROM actions WHERE id = 'act_6'`,
    `UPDATE usage SET posted = 0`,
    `UPDATE usage SET pending = pending + 1`,
    `DELETE FROM usage`,
    `INSERT INTO usage VALUES ('agent:x', 'calls', 0, 0)`,
    `UPDATE approvals SET state = 'approved' WHERE state = 'used'`,
    `UPDATE approvals SET expires_at = expires_at + 1`,
    ...['agent', 'tool', 'tool_digest', 'connection', 'arguments_digest', 'ask_key', 'digest'].map(
      (column) => `UPDATE approvals SET ${column} = 'other' WHERE id = 'ask_1'`,
    ),
    ...APPROVAL_BINDING.map(
      (field) => `UPDATE approvals SET binding = json_set(binding, '$.${field}', 'other')`,
    ),
    `UPDATE approvals SET binding = 'no JSON'`,
    `UPDATE bundles SET body = json_set(body, '$.approvalMinutes', 9999)`,
    `UPDATE bundles SET body = json_set(body, '$.digest', 'mine')`,
    `UPDATE bundles SET body = 'no JSON'`,
    `INSERT INTO bundles SELECT 'mine', body, applied_at FROM bundles`,
    `DELETE FROM bundles`,
    `UPDATE approvals SET answered_by = 'olga' WHERE answered_by = 'dana'`,
    `DELETE FROM approvals WHERE id = 'ask_3'`,
    `UPDATE halts SET state = 'gated'`,
    `DELETE FROM halts`,
    `UPDATE leases SET state = 'live'`,
    `UPDATE operators SET role = 'operator'`,
    `INSERT INTO operators VALUES ('mallory', 'owner', 0)`,
    `UPDATE secrets SET version = 7`,
    `INSERT INTO tokens VALUES ('mine', 'operator', 'dana', 9999999999999, 0)`,
    `UPDATE tokens SET subject = 'run_b' WHERE hash = 'hash_run_a'`,
    `UPDATE tokens SET revoked = 0 WHERE hash = 'hash_run_b'`,
    `UPDATE tokens SET revoked = 0 WHERE hash = 'hash_run_a'`,
    `UPDATE tokens SET revoked = 0 WHERE kind = 'setup'`,
    `UPDATE tokens SET expires_at = expires_at + 1 WHERE kind = 'operator'`,
    `UPDATE tokens SET expires_at = expires_at + 1 WHERE hash = 'hash_run_a'`,
    `DELETE FROM tokens WHERE kind = 'agent'`,
  ];
  test('an approval pointed elsewhere throughout is found, also without the master key', async () => {
    const { database } = victim.core;
    const digest = 'a'.repeat(64);
    database.raw.exec('BEGIN');
    database.run(
      `UPDATE approvals SET arguments_digest = ?1, ask_key = ?2,
         binding = json_set(binding, '$.argumentsDigest', ?1) WHERE id = 'ask_1'`,
      digest,
      askKey('run_a', 'set_plan', digest),
    );
    const outside = await victim.verify(null);
    const inside = await victim.verify();
    database.raw.exec('ROLLBACK');
    assert.match(outside.problems.join(), /approval `ask_1`: its binding is not the one of digest/);
    assert.match(inside.problems.join(), /approval `ask_1`: `argumentsDigest`/);
  });

  for (const sql of lies) {
    test(`${sql.replace(/\s+/g, ' ').slice(0, 80)} is found`, async () => {
      const evidence = await victim.during(sql);
      assert.equal(evidence?.ok, false);
      assert.deepEqual(evidence?.breaks, [], 'the chains themselves hold');
      assert.ok((evidence?.problems.length ?? 0) > 0);
    });
  }
});

describe('a ledger that contradicts itself', () => {
  const forged: readonly [string, EventDraft][] = [
    [
      'a second outcome',
      draft('action.outcome', { action: 'act_4', outcome: 'failed', by: 'act' }),
    ],
    [
      'an answer to what was answered',
      draft('approval.answered', { approval: 'ask_1', answer: 'refused' }),
    ],
    ['a void of what was used', draft('approval.voided', { approval: 'ask_1' })],
    ['a mark of what is over', draft('action.marked', { action: 'act_4', lease: null })],
    ['a proposal of an ended run', draft('action.denied', { action: 'act_z', verdicts: [] })],
    ['a second end', draft('run.ended', {})],
    ['an intent without its parts', draft('action.outcome', {})],
  ];
  for (const [what, record] of forged) {
    test(`${what}, properly linked by whoever has the key, is found`, async () => {
      const victim = await Victim.open();
      const { bytes } = stillDoors('forger').entropy;
      const { database } = victim.core;
      new Chains(database, wrappingKey(MASTER_KEY), bytes).append(record);
      const { breaks, problems } = await victim.verify();
      assert.deepEqual(breaks, []);
      assert.ok(
        problems.some((problem) => problem.includes(record.type)),
        problems.join('\n'),
      );
      victim.core.close();
    });
  }

  test('an intent decided on what was no longer in force is found', async () => {
    const victim = await Victim.open();
    const { bytes } = stillDoors('forger').entropy;
    const stale = draft('action.intent', {
      ...{ action: 'act_z', verdicts: [], reservations: [], approval: null },
      stamp: { halt: 0, bundle: BUNDLE_1 },
    });
    new Chains(victim.core.database, wrappingKey(MASTER_KEY), bytes).append(stale);
    const [first] = (await victim.verify()).breaks;
    assert.equal(first?.fault, 'reference');
    victim.core.close();
  });
});

function draft(type: EventDraft['type'], body: EventDraft['body']): EventDraft {
  return { chain: 'run_a', type, at: T0, body };
}

/** Other values of the same type: each end and the middle changed by one bit or one step. */
function changes(value: Value | undefined): Value[] {
  if (typeof value === 'number') return [value + 1, value - 1, value + 1_000, 2 ** 62];
  if (typeof value === 'string')
    return places(value.length).map(
      (at) =>
        value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1),
    );
  if (value instanceof Uint8Array)
    return places(value.length).map((at) => value.with(at, (value[at] ?? 0) ^ 1));
  return [];
}

function places(length: number): number[] {
  return length === 0 ? [] : [...new Set([0, length >> 1, length - 1])];
}
