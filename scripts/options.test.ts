import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';

const OPTIONS = join(import.meta.dirname, 'options.ts');
const HELP = 'help: the same command with `--help`\n';

function said(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('a script that is asked for what it does not know says so in a line and does nothing', () => {
  const unknown = said(join(import.meta.dirname, 'check.ts'), '--nonsense');
  const nonsense = `unknown option \`--nonsense\`\n${HELP}`;
  assert.deepEqual(unknown, { status: 2, stdout: '', stderr: nonsense });
  for (const text of ['many', '', '-1', '1.5', '0']) {
    const code = `(await import(${JSON.stringify(OPTIONS)})).wholeOf('runs', ${JSON.stringify(text)}, 1)`;
    const expected = `expected a whole number from 1 on after \`--runs\`, got \`${text}\`\n${HELP}`;
    const wrong = said('--input-type=module', '-e', code);
    assert.deepEqual(wrong, { status: 2, stdout: '', stderr: expected });
  }
});

test('a script tells by its own head what it does', () => {
  const { status, stdout } = said(join(import.meta.dirname, 'check.ts'), '--help');
  assert.equal(status, 0);
  assert.match(stdout, /^`npm run check`: the whole list\./);
});
