import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_BUNDLE, type Tool } from '../domain/bundle.ts';
import type { Inspector } from '../domain/connector.ts';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { loadConfig } from './load.ts';
import { type Plan, planBundle } from './plan.ts';
import { ConfigProblems } from './problems.ts';
import { renderPlan, viewOf } from './render-plan.ts';
import { BASE, base, edited, inspector, inspectors, planOf } from './testing/plans.ts';

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
