import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Bundle, EMPTY_BUNDLE } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { loadConfig } from './load.ts';
import { planBundle } from './plan.ts';
import { ConfigProblems } from './problems.ts';
import { renderPlan, viewOf } from './render-plan.ts';
import { inspectors } from './testing/plans.ts';
import {
  defined,
  fileWith,
  mcpInspector,
  type Offered,
  planned,
  refused,
} from './testing/server.ts';

const offer = (...tools: readonly JsonObject[]): Offered => ({ files: { tools } });

describe('grants', () => {
  const serve = "{ tools: { get: read, put: write, '*': destroy }, resources: true }";
  const offered: Offered = {
    files: { tools: ['get', 'put', 'wipe'].map((name) => defined(name)), resources: true },
  };
  const granting = (...lines: string[]) =>
    fileWith(serve, `grants:\n${lines.map((line) => `  - ${line}\n`).join('')}`);

  test('a pattern gives each tool that begins so, and no resources', async () => {
    const { bundle } = await planned(
      granting("{ agent: coder, tools: ['files_*'], rung: approve }"),
      offered,
    );
    assert.deepEqual(
      bundle.grants,
      ['files_get', 'files_put', 'files_wipe'].map((tool) => ({
        agent: 'coder',
        tool,
        rung: 'approve',
      })),
    );
  });

  test('a tool granted by name is granted by that alone', async () => {
    const { bundle } = await planned(
      granting(
        "{ agent: coder, tools: ['files_*'], rung: read }",
        '{ agent: coder, tools: [files_put, files/resources], rung: approve }',
      ),
      offered,
    );
    assert.deepEqual(
      bundle.grants.map(({ tool, rung }) => `${tool} ${rung}`),
      ['files/resources approve', 'files_get read', 'files_put approve', 'files_wipe read'],
    );
  });

  test('two patterns for one tool, and a name that only the server can refuse', async () => {
    const twice = await refused(
      granting(
        "{ agent: coder, tools: ['files_*'], rung: read }",
        "{ agent: coder, tools: ['files_p*'], rung: approve }",
      ),
      offered,
    );
    assert.match(twice.message, /granted `files_put` twice, by `files_\*` and by `files_p\*`/);
    assert.equal(twice.at, 's.yaml:16:29');
    const unknown = await refused(
      granting('{ agent: coder, tools: [files_gett], rung: read }'),
      offered,
    );
    assert.deepEqual([unknown.at, unknown.help], ['s.yaml:15:29', 'did you mean `files_get`?']);
  });

  test('a pattern for nothing is a warning; a rung that nothing earns is none', async () => {
    const { warnings } = await planned(
      granting("{ agent: coder, tools: ['nix_*'], rung: read }"),
      offered,
    );
    assert.match(warnings.join('\n'), /s\.yaml:15:29 `nix_\*` is the beginning of no tool/);
    const auto = await refused(
      granting("{ agent: coder, tools: ['files_*'], rung: auto }"),
      offered,
    );
    assert.deepEqual([auto.code, auto.at], ['RUNG_NOT_EARNED', 's.yaml:15:47']);
    assert.match(
      auto.render(),
      /`files_put`, which is a `write`[\s\S]*`files_wipe`, which is a `destroy`/,
    );
  });

  test('reads granted on what is no read permit nothing, and it is said', async () => {
    const { warnings } = await planned(
      granting("{ agent: coder, tools: ['files_*'], rung: read }"),
      offered,
    );
    assert.match(
      warnings.join('\n'),
      /grant of `files_wipe` to `coder` on rung `read` permits nothing/,
    );
  });
});

describe('what widens authority', () => {
  const text = fileWith(
    "{ tools: { a: read, b: destroy, '*': write } }",
    'grants:\n  - { agent: coder, tools: [files_a], rung: read }',
  );
  const tools = [defined('a'), defined('b'), defined('c')];
  const first = () => planned(text, offer(...tools));

  test('every class below destroy, and more loudly what `*` lowers', async () => {
    const words = (await first()).widenings.join('\n');
    assert.match(words, /`files_a` is taken for a `read` on your word/);
    assert.match(words, /`files_c` is taken for a `write` by `\*` alone/);
    assert.doesNotMatch(words, /`files_b` is taken/);
  });

  test('nothing, when only the words of a server change; they are shown', async () => {
    const { bundle } = await first();
    const changed = [defined('a', { description: 'Does other' }), ...tools.slice(1)];
    const plan = await planned(text, offer(...changed), bundle, []);
    assert.deepEqual(plan.widenings, []);
    const shown = renderPlan(viewOf(plan));
    assert.match(shown, /description: Does a → Does other/);
    assert.match(shown, /definition at the server: [0-9a-f]{12} → [0-9a-f]{12}\n/);
  });

  test('another input schema, another class, another command', async () => {
    const { bundle } = await first();
    const wider: Json = { type: 'object' };
    const schema = await planned(
      text,
      offer(defined('a', { inputSchema: wider }), ...tools.slice(1)),
      bundle,
      [],
    );
    assert.deepEqual(schema.widenings, [
      'the server of `files_a` takes other arguments than before: read both schemas',
    ]);
    const lowered = await planned(
      text.replace('b: destroy', 'b: write'),
      offer(...tools),
      bundle,
      [],
    );
    assert.match(lowered.widenings.join(), /`files_b` is taken for a `write` on your word/);
    const moved = await planned(text.replace('/srv/files', '/'), offer(...tools), bundle);
    assert.match(moved.widenings.join(), /`files` is started otherwise: `command`/);
  });
});

describe('a file is not followed before somebody has read it', () => {
  const text = fileWith('{ tools: { a: read } }');
  const plan = (asked: string[], active: Bundle, inspect: readonly string[] | 'all', file = text) =>
    planBundle(loadConfig(file, 's.yaml'), {
      active,
      inspectors: inspectors(mcpInspector(offer(defined('a')), asked)),
      inspect,
    });

  test('a new server is not started, unless it is named', async () => {
    const asked: string[] = [];
    await assert.rejects(plan(asked, EMPTY_BUNDLE, ['others']), (error: unknown) => {
      assert.ok(error instanceof ConfigProblems);
      assert.equal(error.code, 'PLAN_INSPECTS');
      assert.match(
        error.message,
        /would start `LANG=C node server\.js \/srv\/files` in `\/` with secret `files-key`/,
      );
      assert.match(error.help, /signalbox plan --inspect files/);
      return true;
    });
    assert.deepEqual(asked, []);
    await plan(asked, EMPTY_BUNDLE, ['files']);
    assert.ok(asked.length > 0);
  });

  test('one that was applied is asked again, and not once it is another', async () => {
    const { bundle } = await plan([], EMPTY_BUNDLE, 'all');
    const asked: string[] = [];
    await plan(asked, bundle, []);
    assert.ok(asked.length > 0);
    asked.length = 0;
    for (const [from, to] of [
      ['/srv/files', '/etc'],
      ['LANG: C', 'NODE_OPTIONS: --require=/tmp/x.js'],
      ['files-key', 'other-key'],
    ] as const)
      await assert.rejects(
        plan(asked, bundle, [], text.replace(from, to)),
        /PLAN_INSPECTS|new or changed/,
      );
    assert.deepEqual(asked, []);
  });
});

test('many tools and grants are told together, and every name is there', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `tool_${String(i).padStart(2, '0')}`);
  const text = fileWith(
    "{ tools: { '*': destroy } }",
    "grants:\n  - { agent: coder, tools: ['files_*'], rung: approve }",
  );
  const shown = renderPlan(
    viewOf(await planned(text, offer(...names.map((name) => defined(name))))),
  );
  assert.match(shown, /\+ tool {10}30 tools {2}destroy, files\n/);
  assert.match(shown, /\+ grant {9}to coder: 30 grants {2}approve\n/);
  assert.match(
    shown,
    /agent `coder` gets each of 30 tools on rung `approve`: a `destroy` at `files`/,
  );
  for (const name of names) assert.equal(shown.split(`files_${name}`).length, 4, name);
  assert.ok(shown.split('\n').every((line) => line.length <= 130));
});
