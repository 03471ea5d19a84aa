/** What a file may be called, how long it may be, and what must never be written into one. */
import { isCode, isProduct, isTest, matches, type Rule } from './rule.ts';
import type { Source } from './source.ts';

const own = 'test/tidy/';
const vague = [
  'utils',
  'util',
  'helpers',
  'helper',
  'types',
  'manager',
  'service',
  'common',
  'misc',
];
const ours = (path: string): boolean => /^(src|test|scripts|bench|examples|bin)\//.test(path);

const names: Rule = {
  name: 'a name says what is inside',
  reason: 'a file that can hold anything ends up holding everything',
  applies: ours,
  check(file) {
    const parts = file.path.split('/').map((part) => part.replace(/\..*$/, '').toLowerCase());
    return parts
      .filter((part) => vague.includes(part))
      .map((part) => ({ line: 1, message: `\`${part}\` says nothing: name what it holds` }));
  },
  bad: [
    ['src/broker/utils.ts', ''],
    ['src/common/run.ts', ''],
    ['test/helpers.test.ts', ''],
  ],
  good: [
    ['src/domain/run.ts', ''],
    ['examples/nine-seconds/volume-service.ts', ''],
  ],
};

export const softLines = 200;
const hardLines = 400;
const widest = 140;
const widestString = 220;

const length: Rule = {
  name: `files end before line ${hardLines}`,
  reason: `about ${softLines} lines fit into one head; a longer file has two subjects`,
  applies: (path) => ours(path) && isCode(path),
  check: (file) =>
    file.lines.length - 1 > hardLines
      ? [{ line: hardLines, message: `${file.lines.length - 1} lines: split by subject` }]
      : [],
  bad: [['src/broker/act.ts', 'x;\n'.repeat(hardLines + 1)]],
  good: [['src/broker/act.ts', 'x;\n'.repeat(hardLines)]],
};

/** Columns of a line without the text of its strings: a string cannot be broken by the formatter. */
function columns(file: Source, index: number, start: number): number {
  const text = file.lines[index] ?? '';
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const inString =
      file.code[start + at] !== text[at] && file.uncommented[start + at] === text[at];
    if (!inString) count++;
  }
  return count;
}

const width: Rule = {
  name: `lines end before column ${widest}`,
  reason:
    'the formatter keeps code at 100; comments, and strings longer than any screen, are on us',
  applies: (path) => ours(path) && isCode(path),
  check(file) {
    let start = 0;
    return file.lines.flatMap((text, index) => {
      const own = columns(file, index, start);
      start += text.length + 1;
      if (text.includes('https://') || (own <= widest && text.length <= widestString)) return [];
      return [{ line: index + 1, message: `${text.length} columns, ${own} without strings` }];
    });
  },
  bad: [
    ['src/broker/act.ts', `// ${'long '.repeat(30)}`],
    ['src/broker/act.ts', `const text = '${'long '.repeat(60)}';`],
  ],
  good: [
    ['src/broker/act.ts', `// https://example.com/${'a'.repeat(150)}`],
    ['src/surfaces/page.ts', `const style = '${'a'.repeat(150)}';`],
  ],
};

const debts: Rule = {
  name: 'a debt has an issue number',
  reason: 'a note without an issue is a promise that nobody keeps',
  applies: (path) => !path.startsWith(own) && path !== 'package-lock.json',
  check: (file) =>
    matches(
      file.text,
      /\b(?:TODO|FIXME|XXX)\b(?!\s*\(#\d+\))/,
      '`$&`: do it now, or write `$& (#12)` with the number of its issue',
    ),
  bad: [
    ['src/broker/act.ts', '// TODO: later'],
    ['docs/guide/start.md', 'FIXME'],
  ],
  good: [['src/broker/act.ts', '// TODO (#12): later']],
};

const silenced: Rule = {
  name: 'nothing is silenced or left out',
  reason: 'a test that does not run and an error that is not shown look like success',
  applies: (path) => path.endsWith('.ts') && !path.startsWith(own),
  check: (file) => [
    ...matches(
      file.code,
      /\b(?:test|it|describe|suite)\.(?:only|skip|todo)\b|\b(?:only|todo|skip)\s*:\s*true\b/,
      '`$&`: run it, or give `skip` a reason in words',
    ),
    ...matches(file.text, /@ts-(?:ignore|nocheck)\b/, '`$&`: mend the type'),
    ...matches(file.text, /@ts-expect-error\s*$/m, '`$&`: say why on the same line'),
  ],
  bad: [
    ['src/broker/act.test.ts', "test.only('x', () => {});"],
    ['src/broker/act.test.ts', "test('x', { only: true }, () => {});"],
    ['src/broker/act.test.ts', "test.skip('x', () => {});"],
    ['src/broker/act.ts', '// @ts-ignore\nx();'],
    ['src/broker/act.ts', '// @ts-expect-error\nx();'],
  ],
  good: [
    ['src/broker/act.test.ts', "test('x', { skip: noRoot && 'needs root' }, () => {});"],
    [
      'src/broker/act.ts',
      '// @ts-expect-error: the type forbids it, a caller in JavaScript may not',
    ],
  ],
};

const machinePath = /(?<![\w./-])\/(?:work|root|home|Users)\/[\w.-]/;

const machines: Rule = {
  name: 'no path of one machine',
  reason: 'a clone in any folder of any user must work',
  applies: (path) => !path.startsWith(own) && path !== 'package-lock.json',
  check: (file) => matches(file.text, machinePath, '`$&…` exists on one machine only'),
  bad: [
    ['src/broker/act.ts', "const path = '/work/main/x';"],
    ['README.md', 'cd /home/ann/signalbox'],
  ],
  good: [['README.md', 'see https://example.com/home/page, `src/work/x` and `GET /works/1`']],
};

const temporary: Rule = {
  name: 'temporary folders are asked for',
  reason: 'the place differs between systems and users, and a fixed name can be planted by another',
  applies: isProduct,
  check: (file) =>
    matches(file.uncommented, /['"`]\/(?:tmp|var\/tmp)\b/, '`$&`: use `mkdtemp` in `os.tmpdir()`'),
  bad: [['src/broker/act.ts', "const path = '/tmp/x';"]],
  good: [['src/broker/act.ts', '// not in /tmp\nconst path = join(tmpdir(), name);']],
};

const registryHost =
  /\bregistry\.(?:npmjs|yarnpkg)\.\w+|\/\/[^\s"'`)/]*(?:registry|artifactory|nexus|verdaccio|jfrog)[\w.:-]*/i;

const hosts: Rule = {
  name: 'no address of a package registry',
  reason:
    'where packages come from is decided by the npm of whoever installs, never by this repository',
  applies: (path) => !path.startsWith(own),
  check: (file) => matches(file.text, registryHost, '`$&`: leave it out'),
  bad: [
    ['package-lock.json', '"resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz"'],
    ['.npmrc', 'registry=http://nexus.example.com:8081/repository/npm/'],
  ],
  good: [['README.md', 'https://www.npmjs.com/package/undici and https://example.com/registry']],
};

const testPlace: Rule = {
  name: 'tests are found by their name',
  reason: 'a test file that the runner does not match never runs',
  applies: (path) => path.endsWith('.ts') && ours(path) && !path.startsWith(own),
  check: (file) =>
    isTest(file.path) && !/^(src|test|scripts|examples)\//.test(file.path)
      ? [{ line: 1, message: 'tests live in src/, test/, scripts/ and examples/' }]
      : !isTest(file.path) && /\.(spec|tests)\.ts$/.test(file.path)
        ? [{ line: 1, message: 'call it `….test.ts`' }]
        : [],
  bad: [
    ['bench/x.test.ts', ''],
    ['src/broker/act.spec.ts', ''],
  ],
  good: [
    ['src/broker/act.test.ts', ''],
    ['test/crash/run.ts', ''],
  ],
};

export const textRules: readonly Rule[] = [
  names,
  length,
  width,
  debts,
  silenced,
  machines,
  temporary,
  hosts,
  testPlace,
];
