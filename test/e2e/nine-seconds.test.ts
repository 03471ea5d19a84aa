/** The first minute as a user runs it, and once with a limit taken away: then it has to turn red. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

interface Step {
  readonly step: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
  readonly ms: number;
}
interface Told {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  readonly ok: boolean;
  readonly story: readonly Step[];
}

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/nine-seconds/${name}`, import.meta.url));
const PATIENCE_MS = 110_000;

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-story-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** From another folder than the clone, as nobody in particular. */
function tell(...args: string[]): Promise<Told> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [example('start.ts'), '--exit', '--json', ...args],
      { cwd: folder, timeout: PATIENCE_MS, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const lines = stdout.split('\n').filter((line) => line !== '');
        if (lines.length !== 1) return reject(new Error(`stdout: ${stdout}\nstderr: ${stderr}`));
        const told = JSON.parse(lines[0] ?? '') as Pick<Told, 'ok' | 'story'>;
        resolve({ code: error?.code ?? 0, stdout, stderr, ...told });
      },
    );
  });
}

const red = (told: Told): string[] => told.story.filter(({ ok }) => !ok).map(({ step }) => step);

test('every step of the story holds', { timeout: PATIENCE_MS }, async () => {
  const told = await tell();
  assert.deepEqual(red(told), [], told.stderr);
  assert.equal(told.ok, true);
  assert.equal(told.code, 0);
  for (const { step, expected, got, ms } of told.story) {
    assert.equal(got, expected, step);
    assert.ok(Number.isFinite(ms) && ms >= 0, `${step} took ${ms}`);
  }
  assert.doesNotMatch(told.stdout + told.stderr, /sbx_[a-z]{3}_[0-9A-Za-z]{49}|vol_[\w-]{20}/);
  // The README shows these very steps.
  const readme = await readFile(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const shown = [...readme.matchAll(/^ {2}✓ (.{15}) (.*?) +\S+ m?s$/gm)];
  assert.ok(shown.length > 10, `the README shows ${shown.length} steps`);
  for (const [, label = '', text] of shown)
    assert.equal(told.story.find(({ step }) => step === label.trim())?.got, text, label);
  const page = stripVTControlCharacters(told.stderr).split('\n');
  assert.ok(page.length <= 60, `the story has ${page.length} lines`);
});

test('the story is red when a cap is widened', { timeout: PATIENCE_MS }, async () => {
  const text = await readFile(example('signalbox.yaml'), 'utf8');
  const widened = text
    .replace(
      'cap: { rowsDeleted: 20, rowsWritten: 20 }',
      'cap: { rowsDeleted: 5000, rowsWritten: 5000 }',
    )
    .replace('rowsWritten: 100, rowsDeleted: 100', 'rowsWritten: 9000, rowsDeleted: 9000');
  assert.equal(widened.match(/5000, rowsWritten: 5000|9000, rowsDeleted: 9000/g)?.length, 2);
  const config = join(folder, 'widened.yaml');
  await writeFile(config, widened);
  const told = await tell('--config', config);
  assert.deepEqual(red(told), ['bulk delete', 'production']);
  assert.match(
    told.story.find(({ step }) => step === 'bulk delete')?.got ?? '',
    /1,\d\d\d rows gone/,
  );
  assert.equal(told.ok, false);
  assert.equal(told.code, 1);
});
