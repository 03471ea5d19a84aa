import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SignalboxError } from '../domain/errors.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { ConfigProblems } from './problems.ts';
import { starterConfig } from './starter.ts';
import { HOSTILE_MCP } from './testing/hostile-mcp.ts';
import { HOSTILE_MEANING } from './testing/hostile-meaning.ts';
import { HOSTILE_TEXT } from './testing/hostile-text.ts';

function refused(text: string): ConfigProblems {
  try {
    loadConfig(text, 'signalbox.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `expected a refusal of\n${text}` });
}

function placeOf(marked: string): { text: string; at: string } {
  const offset = marked.indexOf('§');
  assert.ok(offset >= 0 && marked.indexOf('§', offset + 1) < 0, `one mark in\n${marked}`);
  const before = marked.slice(0, offset).split('\n');
  return {
    text: marked.replace('§', ''),
    at: `signalbox.yaml:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`,
  };
}

describe('hostile files are refused at the place of the fault', () => {
  for (const { name, text: marked, code, says, help } of [
    ...HOSTILE_TEXT,
    ...HOSTILE_MEANING,
    ...HOSTILE_MCP,
  ])
    test(name, () => {
      const { text, at } = placeOf(marked);
      const { problems } = refused(text);
      const found = problems.find((problem) => problem.at === at && says.test(problem.message));
      assert.ok(found, `nothing at ${at} that says ${says}, but\n${refused(text).render()}`);
      assert.equal(found.code, code);
      if (help !== undefined) assert.match(found.help, help);
      for (const { message, help: mend } of problems) {
        assert.match(message, /^[^A-Z\n]/, 'messages begin small and have one line');
        assert.ok(!/[.\n]$/.test(message), message);
        assert.ok(mend.length > 0);
        assert.ok(!/hunter2|a1B2a1B2|a8f9e2c4/.test(`${message}${mend}`), 'no secret is repeated');
      }
    });
});

test('a file of more than a mebibyte is refused before it is read', () => {
  const error = refused(`# ${'x'.repeat(1024 * 1024)}`);
  assert.deepEqual([error.code, error.at], ['CONFIG_TOO_LARGE', 'signalbox.yaml:1:1']);
});

test('all faults of a file are told together, in its order', () => {
  const error = refused(`version: 2
organisation: { name: acme }
tools:
  a: { connection: nowhere, description: d, sql: select 1 }
  b: { connection: nowhere, descripton: d, sql: select 1 }
grants:
  - { agent: nobody, tools: [a], rung: king }
`);
  assert.ok(error instanceof SignalboxError);
  assert.deepEqual(
    [error.code, error.at, error.message],
    ['CONFIG_INVALID', 'signalbox.yaml:1:10', '`version`: expected `1`, got `2`'],
  );
  const places = error.problems.map(({ at }) => at.replace('signalbox.yaml:', ''));
  assert.deepEqual(places, ['1:10', '4:20', '5:3', '5:20', '5:29', '7:14', '7:40']);
  assert.equal(error.toJSON().problems.length, 7);
  assert.match(error.render(), /^signalbox\.yaml:1:10 CONFIG_INVALID .*\n {2}→ /);
});

test('a thousand faults are counted, fifty are listed', () => {
  const lines = Array.from({ length: 1_000 }, (_, i) => `  x${i}: 1`).join('\n');
  const error = refused(`version: 1\norganisation:\n  name: a\n${lines}\n`);
  assert.equal(error.problems.length, 50);
  assert.equal(error.unlisted, 950);
  assert.match(error.render(), /and 950 more$/);
});

const HEAVY: [string, string][] = [
  ['keys', Array.from({ length: 60_000 }, (_, i) => `x${i}: 1`).join('\n')],
  ['tools', `tools:\n${Array.from({ length: 40_000 }, (_, i) => `  t${i}: {}`).join('\n')}`],
  [
    'faults of references',
    `grants:\n${'  - { agent: a, tools: [t], rung: auto }\n'.repeat(20_000)}`,
  ],
  ['brackets', `a: ${'['.repeat(500_000)}`],
  ['words that look like keys', `# ${'a.'.repeat(500_000)}`],
  ['halves of tokens', `# ${'-eyJaaaaaaaaaaaa'.repeat(60_000)}`],
];

for (const [what, text] of HEAVY)
  test(`a file heavy with ${what} is answered in time`, () => {
    const started = performance.now();
    try {
      loadConfig(`version: 1\norganisation: { name: a }\n${text}\n`, 'signalbox.yaml');
    } catch (error) {
      assert.ok(error instanceof ConfigProblems, String(error));
    }
    assert.ok(performance.now() - started < 15_000);
  });

const WHOLE = `# yaml-language-server: $schema=./schema.json
version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  acme-db:
    kind: postgres
    host: db.acme.example
    database: acme
    user: signalbox_broker
    secret: acme-db-broker
  volumes:
    kind: http
    environment: staging
    url: http://127.0.0.1:9100/v1/
    allowPrivate: true
    secret: volumes-token
    header: X-Api-Key
tools:
  get_customer:
    connection: acme-db
    description: One customer by id
    sql: |
      select id, name from customers
      where id = :id
    input:
      id: { type: integer }
      note: { type: string, optional: true, description: why }
    cap: { rowsRead: 50 }
  delete_backup:
    connection: volumes
    description: Remove one backup
    http: { method: DELETE, path: "/volumes/{volume}/backups/{backup}", query: { force: true } }
    input: { volume: { type: string }, backup: { type: string, maxLength: 40 } }
    effect: destroy
    recoveryPath: true
agents:
  support: { owner: dana@acme.example }
  auditor: { owner: kim@elsewhere.example }
grants:
  - { agent: support, tools: [get_customer, delete_backup], rung: approve }
limits:
  run: { calls: 200 }
`;

describe('a whole file', () => {
  const config: Config = loadConfig(WHOLE, 'signalbox.yaml');

  test('has every default in place', () => {
    assert.equal(config.approvalMinutes, 60);
    assert.deepEqual(config.connections['acme-db'], {
      name: 'acme-db',
      kind: 'postgres',
      environment: 'production',
      settings: {
        host: 'db.acme.example',
        port: 5432,
        database: 'acme',
        user: 'signalbox_broker',
        tls: 'verify',
      },
      secret: 'acme-db-broker',
      issuer: 'postgres-role',
    });
    assert.deepEqual(config.connections.volumes?.settings, {
      url: 'http://127.0.0.1:9100/v1',
      allowPrivate: true,
      inside: false,
      header: 'x-api-key',
      prefix: '',
    });
    assert.deepEqual(config.limits, { run: { calls: 200 } });
  });

  test('has closed input schemas', () => {
    assert.deepEqual(config.tools.get_customer?.inputSchema, {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        note: { maxLength: 10_000, type: 'string', description: 'why' },
      },
      required: ['id'],
      additionalProperties: false,
    });
  });

  test('has its requests as data, and one grant for each agent and tool', () => {
    assert.deepEqual(config.tools.delete_backup?.binding, {
      method: 'DELETE',
      path: '/volumes/{volume}/backups/{backup}',
      query: { force: 'true' },
      headers: {},
    });
    assert.deepEqual(config.grants, [
      { agent: 'support', tool: 'delete_backup', rung: 'approve' },
      { agent: 'support', tool: 'get_customer', rung: 'approve' },
    ]);
  });

  test('knows its places, and says what is probably not meant', () => {
    assert.equal(config.at('/tools/get_customer/sql'), 'signalbox.yaml:22:10');
    assert.equal(config.at('/agents/support', 'key'), 'signalbox.yaml:37:3');
    assert.equal(config.grantAt('support', 'get_customer', 'rung'), 'signalbox.yaml:40:67');
    assert.deepEqual(config.warnings, [
      'signalbox.yaml:38:3 agent `auditor` holds no grant',
      'signalbox.yaml:38:21 the owner of `auditor` is outside the organisation’s domains',
    ]);
  });
});

test('what `init` writes loads, grants nothing, and loads with every example uncommented', () => {
  const config = loadConfig(starterConfig(), 'signalbox.yaml');
  assert.deepEqual([config.grants, config.tools], [[], {}]);
  const text = starterConfig();
  const lines = text
    .slice(text.indexOf('version:'))
    .split('\n')
    .map((line) => line.replace(/^(\w+): (?:\{\}|\[\])$/, '$1:').replace(/^#(?= {2})/, ''));
  const filled = loadConfig(lines.join('\n'), 'signalbox.yaml');
  assert.deepEqual(filled.grants, [{ agent: 'support', tool: 'get_customer', rung: 'read' }]);
});
