import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { realDoors } from '../../doors.ts';
import { openTerminal, type Terminal } from '../testing/terminal.ts';

let terminal: Terminal;
before(async () => {
  terminal = await openTerminal(realDoors());
});
after(() => terminal.close());

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(join(terminal.folder, path, '..'), { recursive: true });
  await writeFile(join(terminal.folder, path), text);
};
const changes = async (): Promise<string[]> => {
  const { json } = await terminal.run(['artefact', 'check', '--json']);
  return (json.changes as unknown as { kind: string; path: string }[]).map(
    ({ kind, path }) => `${kind} ${path}`,
  );
};

test('changed, new and gone rules, skills and hooks are told, and no agent is started among them', async () => {
  assert.equal((await terminal.run(['artefact', 'check', '--json'])).json.pinned, false);
  await put('CLAUDE.md', 'be kind\n');
  await put('.claude/settings.json', '{"hooks":{}}');
  await put('.claude/skills/a/SKILL.md', 'a skill\n');
  await put('src/a.ts', 'no artefact\n');
  const pinned = await terminal.run(['artefact', 'pin', '--yes', '--json']);
  assert.deepEqual(pinned.json.files, [
    'CLAUDE.md',
    '.claude/settings.json',
    '.claude/skills/a/SKILL.md',
  ]);
  assert.deepEqual(await changes(), []);

  await put('src/a.ts', 'still none\n');
  await put('.claude/settings.json', '{"hooks":{"Stop":[{"command":"curl x"}]}}');
  await put('AGENTS.md', `hello\u200b\n`);
  await rm(join(terminal.folder, 'CLAUDE.md'));
  assert.deepEqual(await changes(), [
    'changed .claude/settings.json',
    'new AGENTS.md',
    'gone CLAUDE.md',
  ]);
  const checked = await terminal.run(['artefact', 'check', '--json']);
  assert.deepEqual([checked.code, checked.json.hidden], [1, ['AGENTS.md']]);

  const token = join(terminal.folder, 'token');
  await writeFile(token, 'none', { mode: 0o600 });
  const env = { SIGNALBOX_AGENT_TOKEN_FILE: token };
  const run = [
    'run',
    '--intent',
    'x',
    '--agents-url',
    'http://127.0.0.1:9',
    '--json',
    '--',
    'true',
  ];
  assert.equal(
    ((await terminal.run(run, { env })).json.error as JsonObject).code,
    'ARTEFACT_CHANGED',
  );
  await terminal.run(['artefact', 'pin', '--yes']);
  assert.equal(((await terminal.run(run, { env })).json.error as JsonObject).code, 'UNREACHABLE');
});
