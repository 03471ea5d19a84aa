import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BASE, base, edited, planOf } from './testing/plans.ts';

const WIDENINGS: [string, [string, string][], string[]][] = [
  [
    'a new grant',
    [['tools: [get, call]', 'tools: [get, call, spare]']],
    ['agent `bot` gets `spare` on rung `read`: a `read` at `db` (production)'],
  ],
  [
    'a grant to another agent',
    [['grants:', 'grants:\n  - { agent: idle, tools: [get], rung: read }']],
    ['agent `idle` gets `get` on rung `read`: a `read` at `db` (production)'],
  ],
  [
    'a higher rung',
    [['rung: draft', 'rung: approve']],
    ['agent `bot` rises from rung `draft` to `approve` on `set`'],
  ],
  [
    'a lower class',
    [['    effect: destroy\n', '']],
    ['`set` is classed lower: `write` instead of `destroy`'],
  ],
  [
    'a class that may change rows',
    [['cap: { rowsRead: 5 }', 'cap: { rowsRead: 5 }\n    effect: write']],
    ['`get` may write 1 row in one call, 0 before'],
  ],
  [
    'a declared undo',
    [['effect: destroy', 'effect: destroy\n    reversibility: declared']],
    ['`set` counts as reversible (`declared`)'],
  ],
  [
    'a larger cap',
    [['rowsRead: 5', 'rowsRead: 50']],
    ['`get` may read 50 rows in one call, 5 before'],
  ],
  [
    'a cap no longer named',
    [['    cap: { rowsRead: 5 }\n', '']],
    ['`get` may read 100 rows in one call, 5 before'],
  ],
  [
    'more result',
    [['maxResultBytes: 1000', 'maxResultBytes: 2000']],
    ['`get` hands 2000 bytes of result to the agent, 1000 before'],
  ],
  [
    'another statement',
    [['select a from', 'select * from']],
    ['what `get` does is no longer the same (`sql`): it is now a `read`; read both versions'],
  ],
  [
    'another request',
    [['path: /x', 'path: /y']],
    ['what `call` does is no longer the same (`path`): it is now a `read`; read both versions'],
  ],
  [
    'a looser argument',
    [['minimum: 1', 'minimum: 0']],
    ['`get` accepts arguments that it refused before'],
  ],
  [
    'one more argument',
    [
      [
        'id: { type: integer, minimum: 1 }',
        'id: { type: integer, minimum: 1 }, b: { type: string }',
      ],
    ],
    ['`get` accepts arguments that it refused before'],
  ],
  [
    'a larger limit',
    [['calls: 200', 'calls: 300']],
    ['the limit on `calls` per run rises from `200` to `300`'],
  ],
  [
    'a limit removed',
    [[', rowsWritten: 10', '']],
    ['the limit on `rowsWritten` per run is gone, `10` before'],
  ],
  [
    'all limits removed',
    [['limits:\n  run: { calls: 200, rowsWritten: 10 }\n', '']],
    [
      'the limit on `calls` per run is gone, `200` before',
      'the limit on `rowsWritten` per run is gone, `10` before',
    ],
  ],
  [
    'longer approvals',
    [['minutes: 30', 'minutes: 60']],
    ['an approval stays usable for 60 minutes, 30 before'],
  ],
  [
    'another owner',
    [['bot: { owner: dana@', 'bot: { owner: kim@']],
    ['another human answers for agent `bot`: `kim@acme.example` instead of `dana@acme.example`'],
  ],
  [
    'no longer production',
    [['secret: s }', 'secret: s, environment: staging }']],
    ['`db` no longer counts as production but as `staging`'],
  ],
  [
    'another host',
    [['host: db.acme', 'host: db2.acme']],
    ['`db` leads elsewhere: `host` is `db2.acme.example`, `db.acme.example` before'],
  ],
  ['another user', [['user: u', 'user: v']], ['`db` leads elsewhere: `user` is `v`, `u` before']],
  ['another secret', [['secret: s', 'secret: t']], ['`db` is used with secret `t` instead of `s`']],
  [
    'no TLS',
    [['secret: s }', 'secret: s, tls: off }']],
    ['`db` is reached with less protection: TLS `off` instead of `verify`'],
  ],
  [
    'private addresses',
    [['elsewhere.example" }', 'elsewhere.example", allowPrivate: true }']],
    ['`api` may reach private addresses'],
  ],
  [
    'another URL',
    [['api.elsewhere.example', 'www.elsewhere.example']],
    [
      '`api` leads elsewhere: `url` is `https://www.elsewhere.example`, `https://api.elsewhere.example` before',
    ],
  ],
  [
    'a domain that counts as inside',
    [['[acme.example]', '[acme.example, elsewhere.example]']],
    [
      '`elsewhere.example` counts as inside the organisation: what is sent there no longer leaves it',
      'what is sent to `api` no longer counts as leaving the organisation',
    ],
  ],
  [
    'a credential where there was none',
    [['elsewhere.example" }', 'elsewhere.example", secret: x }']],
    [
      '`api` is used with secret `x` instead of nothing',
      'credentials for `api` are made by `static-secret` instead of nothing',
      '`api` leads elsewhere: `header` is `authorization`, nothing before',
      '`api` leads elsewhere: `prefix` is `Bearer `, nothing before',
    ],
  ],
];

describe('what widens is flagged', () => {
  for (const [what, edits, widenings] of WIDENINGS)
    test(what, async () => {
      const plan = await planOf(edited(...edits), base);
      assert.deepEqual(plan.widenings, widenings);
      assert.ok(plan.changes.length > 0);
      const back = await planOf(BASE, plan.bundle);
      assert.equal(back.changes.length, plan.changes.length, 'the way back shows the same changes');
    });
});

const NARROWINGS: [string, [string, string][]][] = [
  ['a grant removed', [['tools: [get, call]', 'tools: [get]']]],
  ['a lower rung', [['rung: draft', 'rung: read']]],
  ['a smaller cap', [['rowsRead: 5', 'rowsRead: 1']]],
  ['a tighter argument', [['minimum: 1', 'minimum: 1, maximum: 9']]],
  ['a smaller limit', [['calls: 200', 'calls: 100']]],
  ['a new limit', [['calls: 200', 'calls: 200, rowsDeleted: 0']]],
  ['shorter approvals', [['minutes: 30', 'minutes: 5']]],
  ['another description', [['description: one', 'description: two']]],
  [
    'a new tool that nobody holds',
    [['  spare:', '  more: { connection: db, description: m, sql: delete from t }\n  spare:']],
  ],
  ['a changed tool that nobody holds', [['sql: select 2', 'sql: delete from t']]],
  [
    'a new agent that holds nothing',
    [['agents:', 'agents:\n  other: { owner: kim@acme.example }']],
  ],
  ['another owner of an agent that holds nothing', [['idle: { owner: dana', 'idle: { owner: kim']]],
  ['another name of the organisation', [['name: acme', 'name: acme2']]],
];

describe('what only narrows, or gives nobody anything, is not', () => {
  for (const [what, edits] of NARROWINGS)
    test(what, async () => {
      const plan = await planOf(edited(...edits), base);
      assert.deepEqual(plan.widenings, []);
      assert.ok(plan.changes.length > 0);
    });
});
