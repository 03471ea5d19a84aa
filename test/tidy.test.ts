/**
 * The rules of the house as tests. Every rule first proves on its own examples that it can fail,
 * then the house is held to it. To bend a rule, change its table and say why beside it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { doorRules } from './tidy/doors.ts';
import { importRules } from './tidy/imports.ts';
import type { Rule } from './tidy/rule.ts';
import { scan } from './tidy/scan.ts';
import { readHouse, source } from './tidy/source.ts';
import { softLines, textRules } from './tidy/text.ts';

const rules: readonly Rule[] = [...importRules, ...doorRules, ...textRules];
const house = readHouse();

function complaints(rule: Rule, path: string, text: string): string[] {
  if (!rule.applies(path)) return [];
  return rule
    .check(source(path, text))
    .map((problem) => `${path}:${problem.line} ${problem.message}`);
}

for (const rule of rules) {
  describe(rule.name, () => {
    test('finds what it is for', () => {
      for (const [path, text] of rule.bad) {
        assert.notDeepEqual(complaints(rule, path, text), [], `${path}: ${text.slice(0, 80)}`);
      }
    });

    test('leaves the rest alone', () => {
      for (const [path, text] of rule.good) {
        assert.ok(rule.applies(path), `the rule does not even look at ${path}`);
        assert.deepEqual(complaints(rule, path, text), []);
      }
    });

    test('the house keeps it', () => {
      const found = house
        .filter((file) => rule.applies(file.path))
        .flatMap((file) => rule.check(file).map((p) => `${file.path}:${p.line} ${p.message}`));
      assert.equal(found.length, 0, `\n${found.join('\n')}\nwhy: ${rule.reason}`);
    });
  });
}

test('the house is read', (t) => {
  const paths = house.map((file) => file.path);
  assert.ok(paths.includes('package.json'));
  assert.ok(paths.includes('src/domain/doors.ts'));
  assert.ok(paths.includes('test/tidy.test.ts'));
  assert.ok(!paths.some((path) => path.includes('node_modules/')));
  const long = house.filter((f) => f.path.startsWith('src/') && f.lines.length > softLines + 1);
  if (long.length > 0) {
    const list = long.map((f) => `${f.path} (${f.lines.length - 1})`).join(', ');
    t.diagnostic(`over ${softLines} lines: ${list}`);
  }
});

test('the scanner tells code from text', () => {
  const same = (text: string, code: string): void => assert.equal(scan(text).code, code);
  same("a('b') // c", 'a(   )     ');
  same('a /* b\nc */ d', 'a     \n     d');
  same('`a ${b} c` + d', '     b     + d');
  same('`${a ? `x${b}` : { c }}` + d', '   a ?     b   : { c }   + d');
  same("a / b / c + 'x'", 'a / b / c +    ');
  same("x = /'/g; y", 'x =    g; y');
  same("return /[/']/.test(s)", 'return       .test(s)');
  same("'a\\'b' + c", '       + c');
  assert.equal(scan("a('b') // c").uncommented, "a('b')     ");
});
