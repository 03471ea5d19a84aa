import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { type Described, labelsOf, proposedClass } from './classify.ts';

function tool(
  name: string,
  args: readonly string[] = [],
  more: Partial<Described> = {},
): Described {
  const properties = Object.fromEntries(args.map((arg) => [arg, { type: 'string' }]));
  return { name, inputSchema: { type: 'object', properties } as JsonObject, ...more };
}

const classed = (described: Described) => proposedClass(labelsOf(described));

test('a class is proposed by the verb of a name', () => {
  assert.equal(classed(tool('read_text_file', ['path'])), 'read');
  assert.equal(classed(tool('listIssues', ['owner', 'repo'])), 'read');
  assert.equal(classed(tool('create_entities')), 'write');
  assert.equal(classed(tool('update_user', ['user_id'])), 'write');
  for (const name of ['delete_entities', 'write_file', 'move_file', 'frobnicate', 'x', 'run_query'])
    assert.equal(classed(tool(name)), 'destroy', name);
});

test('nothing friendly lowers: hints and names of a stranger are not believed', () => {
  const friendly = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };
  for (const name of ['frobnicate', 'safe_delete', 'execute_sql', 'create_user', 'sync_data'])
    assert.equal(
      classed(tool(name, [], { annotations: friendly, description: 'Safe. Read-only.' })),
      classed(tool(name, [], { description: 'Safe. Read-only.' })),
      name,
    );
});

test('descriptions, annotations and arguments raise', () => {
  const raised: readonly [Described, string][] = [
    [
      tool('get_report', [], { description: 'Gets the report and deletes it afterwards' }),
      'destroy',
    ],
    [tool('get_report', [], { description: 'Get the report. Then updates the cache' }), 'write'],
    [tool('get_report', [], { annotations: { destructiveHint: true } }), 'destroy'],
    [
      tool('get_report', [], { annotations: { readOnlyHint: false, destructiveHint: false } }),
      'write',
    ],
    [tool('create_report', [], { annotations: { readOnlyHint: false } }), 'destroy'],
    [tool('get_page', ['url']), 'destroy'],
    [tool('get_rows', ['sql']), 'destroy'],
    [tool('get_env'), 'destroy'],
    [tool('list_and_purge'), 'destroy'],
    [tool('get_or_create_user'), 'write'],
    [tool('create_transfer', ['amount']), 'destroy'],
  ];
  for (const [described, effect] of raised)
    assert.equal(classed(described), effect, described.name);
});

test('what reaches people or moves money is labelled a write, and never proposed lower', () => {
  const mail = labelsOf(tool('send_email', ['recipients', 'cc', 'subject', 'body']));
  assert.deepEqual([mail.effect, mail.risk, mail.external], ['write', 'high', true]);
  assert.deepEqual(
    mail.authority.map(({ argument, kind }) => `${argument} ${kind}`),
    ['recipients destination', 'cc destination'],
  );
  const money = labelsOf(tool('send_money', ['recipient', 'amount', 'subject', 'date']));
  assert.deepEqual(
    money.authority.map(({ argument }) => argument),
    ['recipient', 'amount'],
  );
  assert.equal(proposedClass(money), 'destroy');
});

test('arguments inside objects and lists are found; words of a message decide nothing', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: {
      message: { type: 'object', properties: { to: { type: 'string' }, text: { type: 'string' } } },
      files: { type: 'array', items: { type: 'object', properties: { path: { type: 'string' } } } },
      urgent: { type: 'boolean' },
    },
  };
  assert.deepEqual(labelsOf({ name: 'post_message', inputSchema: schema }).authority, [
    { argument: 'message.to', kind: 'destination' },
    { argument: 'files', kind: 'target' },
    { argument: 'files[].path', kind: 'target' },
  ]);
});

test('a way to recover is known by its name', () => {
  const labels = labelsOf(tool('delete_snapshots', ['volume_id']));
  assert.equal(labels.recoveryPath, true);
  assert.equal(labels.effect, 'destroy');
});
