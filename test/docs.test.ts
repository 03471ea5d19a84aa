/** The pages against the code: what they list is what there is, and what they name can be found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONSULT_CODES } from '../src/domain/consult.ts';
import { ERRORS } from '../src/domain/errors.ts';
import { EVENTS, type EventKind } from '../src/ledger/events.ts';
import { unknownCalls } from './docs/commands.ts';
import { destination, house, page, pageOf, pages, places, table } from './docs/pages.ts';

const bare = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '').trim();
const listed = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((span) => span[1] ?? '');
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

function none(problems: readonly string[]): void {
  assert.equal(problems.length, 0, `\n${problems.join('\n')}`);
}

/** Codes that the product's own files under `folder` say in one of these ways. */
function codesIn(folder: string, patterns: readonly RegExp[]): string[] {
  return house
    .filter(({ path }) => path.startsWith(folder) && !path.endsWith('.test.ts'))
    .flatMap(({ uncommented }) =>
      patterns.flatMap((pattern) => [...uncommented.matchAll(pattern)].map((hit) => hit[1] ?? '')),
    );
}

test('errors.md lists every error with its status and help, and no other', () => {
  const rows = table('docs/reference/errors.md', 'Errors').map(([code, status, , help]) => ({
    code: bare(code),
    status: Number(status),
    help,
  }));
  const known = Object.entries(ERRORS).map(([code, { status, fix }]) => ({
    code,
    status,
    help: fix,
  }));
  assert.deepEqual(rows, known);
});

test('errors.md lists every verdict code that a check can give, and no other', () => {
  const rows = table('docs/reference/errors.md', 'Verdicts').map(([code]) => bare(code));
  const code = [/\bcode: '([A-Z_]+)'/g];
  // the checks `policy` and `loops` pass on what the policies and the detectors were found to say
  const folders = ['src/judge/', 'src/policy/', 'src/limits/loops/'];
  const found = new Set<string>([
    ...folders.flatMap((folder) => codesIn(folder, code)),
    ...Object.values(CONSULT_CODES),
  ]);
  const given = [...found].filter((one) => one !== 'OK');
  assert.deepEqual(sorted(rows), sorted(given));
});

test('errors.md lists every failure that a connector throws; each is an error of the table', () => {
  const rows = table('docs/reference/errors.md', 'Failures').map(([code]) => bare(code));
  const thrown = codesIn('src/connectors/', [
    /new ConnectorFailure\(\s*'([A-Z_]+)'/g,
    /: \['([A-Z_]+)', '/g,
  ]);
  none(thrown.filter((code) => !rows.includes(code)).map((code) => `not listed: ${code}`));
  none(rows.filter((code) => !Object.hasOwn(ERRORS, code)).map((code) => `no error: ${code}`));
});

test('ledger.md lists every kind of record with its codes and fields, and no other', () => {
  const rows = table('docs/reference/ledger.md', 'Catalogue').map(
    ([type, , codes, fields, payload]) => ({
      type: bare(type),
      codes: listed(codes),
      fields: listed(fields),
      payload: listed(payload),
    }),
  );
  const kinds: [string, EventKind][] = Object.entries(EVENTS);
  const catalogue = kinds.map(([type, { code, byField, fields, payload }]) => ({
    type,
    codes: byField === undefined ? [code] : Object.values(byField.codes),
    fields: [...fields],
    payload: [...payload],
  }));
  assert.deepEqual(rows, catalogue);
});

test('ledger.md explains every fault that verification can name', () => {
  const rows = table('docs/reference/ledger.md', 'Broken chain').flatMap(([fault]) =>
    listed(fault),
  );
  const source = house.find(({ path }) => path === 'src/ledger/verify.ts')?.text ?? '';
  const declared = /export type Fault =([^;]+);/.exec(source)?.[1] ?? '';
  assert.deepEqual(sorted(rows), sorted([...declared.matchAll(/'(\w+)'/g)].map((f) => f[1] ?? '')));
});

test('ARCHITECTURE.md fits on its pages, and lists every room of src and no other', () => {
  const { text } = page('ARCHITECTURE.md');
  assert.ok(text.split('\n').length <= 201, `${text.split('\n').length - 1} lines of at most 200`);
  const rows = table('ARCHITECTURE.md', 'Rooms').flatMap(([room]) => listed(room));
  const rooms = house
    .map(({ path }) => /^src\/([^/]+\/|[^/]+\.ts$)/.exec(path)?.[0])
    .filter((room) => room !== undefined);
  assert.deepEqual(sorted(rows), sorted(rooms));
});

test('the steps of ARCHITECTURE.md stand in act.ts in the same order', () => {
  const act = house.find(({ path }) => path === 'src/broker/act.ts')?.code ?? '';
  const bodyOf = (name: string): string =>
    act.slice(act.indexOf(`function ${name}(`)).split('\n}\n', 1)[0] ?? '';
  const steps: { readonly [branch: string]: readonly string[] } = {
    act: ['gather(', 'judge(', 'consulted(', 'stepFor('],
    read: ['inject(', '.begin(', '.finish(', 'judge(', 'recordRead('],
    effect: ['recordIntent(', 'inject(', '.begin(', 'judge(', 'recordMark(', '.finish(', 'settle('],
    preview: ['recordIntent(', 'inject(', '.begin(', '.cancel(', 'settle(', 'judge(', 'park('],
  };
  const drawn = page('ARCHITECTURE.md').code.map(({ text }) => text);
  for (const [branch, calls] of Object.entries(steps)) {
    let at = 0;
    for (const call of calls) {
      at = bodyOf(branch).indexOf(call, at);
      assert.notEqual(at, -1, `\`${branch}\` of act.ts no longer calls ${call}…) in this order`);
      const word = call.replace(/^\.|\($/g, '');
      if (word === 'stepFor') continue;
      assert.ok(
        drawn.some((line) => line.includes(word)),
        `the diagram has no ${word}`,
      );
    }
  }
});

test('every link between pages leads somewhere', () => {
  none(
    pages.flatMap(({ path, links }) =>
      links.flatMap(({ target, line }) => {
        const to = destination(path, target);
        if (to === null) return [];
        if (!places.has(to.path)) return [`${path}:${line} ${target}: no such file`];
        const there = pages.find((other) => other.path === to.path);
        if (to.anchor === '' || there === undefined || there.anchors.has(to.anchor)) return [];
        return [`${path}:${line} ${target}: no such heading`];
      }),
    ),
  );
});

test('every file that a page or a message names is there', () => {
  const named = /^(?:src|test|docs|scripts|examples|scenarios|bench|schema)\/[\w./-]+$/;
  const inPages = pages.flatMap(({ path, code }) =>
    code
      .filter(({ text }) => named.test(text) && !places.has(text.replace(/\/$/, '')))
      .map(({ text, line }) => `${path}:${line} ${text}`),
  );
  const inCode = house
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\bdocs\/[\w./-]+\.md\b/g)]
        .filter(([file]) => !places.has(file))
        .map(([file]) => `${path} ${file}`),
    );
  none([...inPages, ...inCode]);
});

const scripts: ReadonlySet<string> = new Set(
  Object.keys(
    (
      JSON.parse(house.find(({ path }) => path === 'package.json')?.text ?? '{}') as {
        scripts: object;
      }
    ).scripts,
  ),
);

test('every command that a page names exists, with its options', () => {
  none(
    pages.flatMap(({ path, code }) =>
      code.flatMap(({ text, line }) =>
        unknownCalls(text, scripts).map((problem) => `${path}:${line} ${problem}`),
      ),
    ),
  );
});

test('these tests can fail', () => {
  const wrong = [
    'npm run nothing',
    'signalbox dance',
    'npx signalbox dance',
    'signalbox ledger forget RUN',
    'signalbox plan --force',
    'signalbox run --agent a --intent "x" --quick -- make --all',
  ];
  for (const call of wrong) assert.equal(unknownCalls(call, scripts).length, 1, call);
  const right = [
    'npm run scenarios -- --update',
    'npm start -- --exit',
    'signalbox help plan',
    'npx signalbox up --data-dir DIR',
    'signalbox ledger verify|erase',
    'signalbox run --agent a --intent "x" -- make --all',
    'signalbox_broker',
  ];
  for (const call of right) none(unknownCalls(call, scripts));
  const made = pageOf(
    'docs/a/b.md',
    '# One: two\n\n| h | i |\n|---|---|\n| `x` | 1 |\n\n[l](../c.md#d) `[no](x)`\n```\n[no](y)\n```\n',
  );
  assert.deepEqual(made.links, [{ target: '../c.md#d', line: 7 }]);
  assert.deepEqual(destination(made.path, '../c.md#d'), { path: 'docs/c.md', anchor: 'd' });
  assert.deepEqual([...made.anchors], ['one-two']);
  assert.deepEqual(made.tables.get('One: two'), [['`x`', '1']]);
});
