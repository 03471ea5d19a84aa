import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { AdminDeps } from '../surfaces/admin/deps.ts';
import { adminRoutes } from '../surfaces/admin/routes.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';
import { EXIT } from './exit.ts';
import { optionOf, usageOf } from './help.ts';

const reference = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');

test('docs/reference/cli.md lists the commands, options and exit codes there are', async () => {
  const text = await reference('cli.md');
  const documented = [...text.matchAll(/^### signalbox (.+)$/gm)].map(([, usage]) => usage);
  assert.deepEqual(documented, COMMANDS.map(usageOf));
  const sections = text.split(/^### signalbox .+$/m).slice(1);
  for (const [index, command] of COMMANDS.entries()) {
    const section = sections[index] ?? '';
    const summary = command.summary.charAt(0).toUpperCase() + command.summary.slice(1);
    assert.ok(section.startsWith(`\n\n${summary}.\n`), `the summary of ${command.name}`);
    assert.deepEqual(rows(section), rowsOf(command.options), command.name);
  }
  const common = between(text, '## Options of every command', '##');
  assert.deepEqual(rows(common), rowsOf(GLOBAL_OPTIONS));
  const codes = [...between(text, '## Exit codes', '##').matchAll(/^\| (\d+) \| (.+) \|$/gm)];
  assert.deepEqual(
    codes.map(([, code, meaning]) => [Number(code), meaning]),
    Object.values(EXIT).map(({ code, meaning }) => [code, meaning]),
  );
});

test('docs/reference/admin-api.md lists the routes there are', async () => {
  const text = await reference('admin-api.md');
  const documented = [...text.matchAll(/`(GET|POST) (\/[^`?]*)[^`]*`/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  const routes = adminRoutes({ broker: { doors: {} } } as unknown as AdminDeps);
  assert.deepEqual(
    [...new Set(documented)].sort(),
    routes.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

function rows(text: string): string[][] {
  return [...text.matchAll(/^\| `(.+?)` \| (.+) \|$/gm)].map(([, option = '', summary = '']) => [
    option,
    summary.replaceAll('\\|', '|'),
  ]);
}

function rowsOf(options: typeof GLOBAL_OPTIONS): string[][] {
  return Object.entries(options).map(([name, option]) => [optionOf(name, option), option.summary]);
}

function between(text: string, from: string, to: string): string {
  const start = text.indexOf(from) + from.length;
  return text.slice(start, text.indexOf(`\n${to}`, start));
}
