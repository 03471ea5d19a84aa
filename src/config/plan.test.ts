import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Bundle, EMPTY_BUNDLE, type Tool } from '../domain/bundle.ts';
import type { Derived, Inspector } from '../domain/connector.ts';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { loadConfig } from './load.ts';
import { type Plan, planBundle } from './plan.ts';
import { ConfigProblems } from './problems.ts';
import { renderPlan, viewOf } from './render-plan.ts';

/** Stands for a database: it classes by the first word of the statement. */
function inspector(kind: string, over: (draft: Tool) => Partial<Derived> = () => ({})): Inspector {
  return {
    kind,
    async derive(draft) {
      const text = String(draft.binding.sql ?? draft.binding.method).toLowerCase();
      const effect = /^(?:select|get)/.test(text)
        ? 'read'
        : text.startsWith('delete')
          ? 'destroy'
          : 'write';
      return {
        effect,
        recoveryPath: false,
        idempotent: effect === 'read',
        binding: { ...draft.binding, tables: ['t'] },
        derivation: [`it begins with \`${text.split(' ')[0]}\``],
        ...over(draft),
      };
    },
    async prepare() {
      throw new Error('a plan prepares nothing');
    },
  };
}

const inspectors = (...own: Inspector[]) =>
  new Map([inspector('postgres'), inspector('http'), ...own].map((each) => [each.kind, each]));

const BASE = `version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  db: { kind: postgres, host: db.acme.example, database: d, user: u, secret: s }
  api: { kind: http, url: "https://api.elsewhere.example" }
tools:
  get:
    connection: db
    description: one
    sql: select a from t where id = :id
    input: { id: { type: integer, minimum: 1 } }
    cap: { rowsRead: 5 }
    maxResultBytes: 1000
  set:
    connection: db
    description: one
    sql: update t set a = 1
    effect: destroy
  call: { connection: api, description: one, http: { method: GET, path: /x } }
  spare: { connection: db, description: one, sql: select 2 }
agents:
  bot: { owner: dana@acme.example }
  idle: { owner: dana@acme.example }
grants:
  - { agent: bot, tools: [get, call], rung: read }
  - { agent: bot, tools: [set], rung: draft }
limits:
  run: { calls: 200, rowsWritten: 10 }
approvals: { minutes: 30 }
`;

function planOf(text: string, active: Bundle = EMPTY_BUNDLE, given = inspectors()): Promise<Plan> {
  return planBundle(loadConfig(text, 'signalbox.yaml'), { active, inspectors: given });
}

const base = (await planOf(BASE)).bundle;
const edited = (...edits: [string, string][]) =>
  edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, BASE);

async function problemsOf(work: Promise<unknown>): Promise<ConfigProblems> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a refusal' });
}

test('the same file against what is active plans nothing', async () => {
  const plan = await planOf(BASE, base);
  assert.deepEqual(
    [plan.changes, plan.widenings, plan.bundle, plan.base],
    [[], [], base, base.digest],
  );
  assert.match(renderPlan(viewOf(plan)), /^nothing changes/);
});

test('the same file gives the same bytes, whatever the order in it and however slow the answers', async () => {
  const slow = inspector('postgres', () => ({}));
  const derive = slow.derive.bind(slow);
  let turn = 0;
  slow.derive = async (draft, connection) => {
    for (let wait = (turn++ * 7) % 5; wait > 0; wait--) await Promise.resolve();
    return derive(draft, connection);
  };
  const [tools, agents, rest] = [
    BASE.indexOf('tools:'),
    BASE.indexOf('agents:'),
    BASE.indexOf('grants:'),
  ];
  const turned =
    BASE.slice(0, tools) + BASE.slice(agents, rest) + BASE.slice(tools, agents) + BASE.slice(rest);
  const one = await planOf(BASE);
  const other = await planOf(turned, EMPTY_BUNDLE, inspectors(slow));
  // warnings say lines, and those moved
  const bytes = ({ warnings: _, ...plan }: Plan) => JSON.stringify(plan);
  assert.equal(bytes(one), bytes(other));
  assert.equal(one.bundle.digest, other.bundle.digest);
});

test('a first plan adds everything, and every grant widens', async () => {
  const { changes, widenings } = await planOf(BASE);
  assert.ok(changes.every(({ kind }) => kind === 'added'));
  assert.deepEqual(widenings, [
    'agent `bot` gets `call` on rung `read`: a `read` at `api` (production)',
    'agent `bot` gets `get` on rung `read`: a `read` at `db` (production)',
    'agent `bot` gets `set` on rung `draft`: a `destroy` at `db` (production)',
  ]);
});

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

test('a class that understates is refused where it stands', async () => {
  const error = await problemsOf(planOf(edited(['effect: destroy', 'effect: read'])));
  assert.deepEqual([error.code, error.at], ['TOOL_UNDERSTATED', 'signalbox.yaml:18:13']);
  assert.equal(error.message, '`set` is declared `read` and is a `write`: it begins with `update`');
  assert.equal(error.help, 'write `effect: write`, or change what it does');
});

test('a way to recover is a destruction that nothing undoes, whatever is said', async () => {
  const recovering = inspector('postgres', ({ name }) => ({ recoveryPath: name === 'set' }));
  const text = edited(['effect: destroy', 'reversibility: declared']);
  const { bundle, warnings } = await planOf(text, EMPTY_BUNDLE, inspectors(recovering));
  const { effect, reversibility, recoveryPath, cap } = bundle.tools.set ?? (base.tools.get as Tool);
  assert.deepEqual(
    [effect, reversibility, recoveryPath, cap.irreversible],
    ['destroy', 'none', true, 1],
  );
  assert.ok(warnings.some((words) => /its declared undo counts for nothing/.test(words)));
  const denied = edited(['effect: destroy', 'recoveryPath: false']);
  const error = await problemsOf(planOf(denied, EMPTY_BUNDLE, inspectors(recovering)));
  assert.deepEqual([error.code, error.at], ['TOOL_UNDERSTATED', 'signalbox.yaml:18:19']);
  const own = edited(['effect: destroy', 'recoveryPath: true']);
  assert.equal((await planOf(own)).bundle.tools.set?.effect, 'destroy');
});

test('no file makes a change autonomous, also when only its system knows that it is one', async () => {
  const writing = inspector('postgres', ({ name }) => (name === 'get' ? { effect: 'write' } : {}));
  const text = edited(['tools: [get, call], rung: read', 'tools: [get, call], rung: auto']);
  const error = await problemsOf(planOf(text, EMPTY_BUNDLE, inspectors(writing)));
  assert.deepEqual(
    [error.code, error.at, error.problems.length],
    ['RUNG_NOT_EARNED', 'signalbox.yaml:25:45', 1],
  );
  const { bundle } = await planOf(text);
  assert.equal(bundle.grants.find(({ tool }) => tool === 'get')?.rung, 'auto');
});

test('a system that does not answer fails the plan, once and at its connection', async () => {
  const fail = (error: unknown): Inspector => ({
    ...inspector('postgres'),
    derive: async () => {
      throw error;
    },
  });
  const down = new SignalboxError(
    'CONNECTOR_UNREACHABLE',
    'connection refused at `db.acme.example:5432`',
  );
  const error = await problemsOf(planOf(BASE, EMPTY_BUNDLE, inspectors(fail(down))));
  assert.deepEqual(
    [error.code, error.at, error.problems.length],
    ['CONNECTOR_UNREACHABLE', 'signalbox.yaml:4:3', 1],
  );
  const odd = await problemsOf(
    planOf(BASE, EMPTY_BUNDLE, inspectors(fail(new Error('password=hunter2')))),
  );
  assert.equal(
    odd.message,
    'connection `db` could not be inspected, so its tools could not be classed',
  );
  assert.ok(!JSON.stringify(odd).includes('hunter2'));
  const without = new Map([['http', inspector('http')]]);
  assert.equal((await problemsOf(planOf(BASE, EMPTY_BUNDLE, without))).code, 'CONFIG_INVALID');
});

test('faults of tools come together, each at its statement', async () => {
  const picky: Inspector = {
    ...inspector('postgres'),
    derive: async ({ name }) => {
      throw new SignalboxError('TOOL_UNRESOLVED', `table of ${name} does not exist`, {
        help: 'check it',
      });
    },
  };
  const error = await problemsOf(planOf(BASE, EMPTY_BUNDLE, inspectors(picky)));
  assert.deepEqual(
    error.problems.map(({ code, at, message }) => [code, at, message]),
    [
      ['TOOL_UNRESOLVED', 'signalbox.yaml:10:10', '`get`: table of get does not exist'],
      ['TOOL_UNRESOLVED', 'signalbox.yaml:17:10', '`set`: table of set does not exist'],
      ['TOOL_UNRESOLVED', 'signalbox.yaml:20:51', '`spare`: table of spare does not exist'],
    ],
  );
});

test('an inspector that never answers is given up, and no more than eight are asked at once', async () => {
  let asked = 0;
  let most = 0;
  const silent: Inspector = {
    ...inspector('postgres'),
    derive: () => {
      most = Math.max(most, ++asked);
      return new Promise(() => {});
    },
  };
  const pending: (() => void)[] = [];
  const timers: Timers = {
    after(_, run) {
      pending.push(() => {
        asked--;
        run();
      });
      return { cancel() {} };
    },
    every: () => ({ cancel() {} }),
  };
  const tools = Array.from(
    { length: 20 },
    (_, i) => `  t${i}: { connection: db, description: d, sql: select ${i} }`,
  );
  const text = BASE.replace('tools:', `tools:\n${tools.join('\n')}`);
  const config = loadConfig(text, 'signalbox.yaml');
  const planning = problemsOf(
    planBundle(config, { active: EMPTY_BUNDLE, inspectors: inspectors(silent), timers }),
  );
  let over = false;
  void planning.finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise((done) => setImmediate(done));
    for (const expire of pending.splice(0)) expire();
  }
  assert.equal((await planning).code, 'CONNECTOR_TIMEOUT');
  assert.equal(most, 8);
});

test('a grant that permits nothing is worth a look', async () => {
  const { warnings } = await planOf(edited(['rung: draft', 'rung: read']));
  assert.ok(
    warnings.includes('grant of `set` to `bot` on rung `read` permits nothing: it is a `destroy`'),
  );
});

test('a plan reads calmly', async () => {
  const text = edited(
    ['select a from t where id = :id', 'select *\\nfrom t where id = :id'],
    ['calls: 200', 'calls: 300'],
    ['  spare: { connection: db, description: one, sql: select 2 }\n', ''],
  );
  const plan = await planOf(text, base);
  assert.equal(
    renderPlan(viewOf(plan)),
    `3 changes, 2 widenings

! ~ tool   get        
      binding.sql: select a from t where id = :id → select *\\nfrom t where id = :id
  - tool   spare      goes
! ~ limit  run calls  
      limit: 200 → 300

widens authority (an owner must apply it):
  ! what \`get\` does is no longer the same (\`sql\`): it is now a \`read\`; read both versions
  ! the limit on \`calls\` per run rises from \`200\` to \`300\`

worth a look:
  - signalbox.yaml:22:3 agent \`idle\` holds no grant

bundle ${plan.bundle.digest.slice(0, 12)} would replace ${base.digest.slice(0, 12)}`.replaceAll(
      / +$/gm,
      '',
    ),
  );
});
