import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import { canonical, type JsonObject } from '../../domain/json.ts';
import { checkLaunch, launchOf } from './launch.ts';

let folder = '';
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-launch-')));
});
after(() => rm(folder, { recursive: true, force: true }));

async function put(files: { readonly [path: string]: string }): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const started = async (command: readonly string[], env: JsonObject = {}): Promise<string> =>
  canonical(await launchOf({ settings: { command, env, cwd: folder } } as unknown as Connection));

const node = process.execPath;
const PARTS: readonly (readonly [
  what: string,
  swapped: string,
  command: string[],
  env?: JsonObject,
])[] = [
  ['the script', 'app/main.mjs', [node, 'app/main.mjs']],
  ['another module of its package', 'app/lib/part.mjs', [node, 'app/main.mjs']],
  ['what its manifest says', 'app/package.json', [node, 'app/main.mjs']],
  ['what is loaded before it', 'hook.mjs', [node, '--import', './hook.mjs', 'app/main.mjs']],
  [
    'the script behind what is loaded',
    'app/main.mjs',
    [node, '--import', './hook.mjs', 'app/main.mjs'],
  ],
  ['what is loaded, in one word', 'hook.mjs', [node, '--require=./hook.mjs', 'app/main.mjs']],
  [
    'what the environment loads',
    'hook.mjs',
    [node, 'app/main.mjs'],
    { NODE_OPTIONS: '--no-warnings --import=./hook.mjs' },
  ],
  [
    'a library that the environment loads',
    'evil.so',
    [node, 'app/main.mjs'],
    { LD_PRELOAD: './evil.so' },
  ],
  ['the package that a folder is', 'app/lib/part.mjs', [node, 'app']],
  ['a script without an ending', 'bare', [node, 'bare', 'x']],
  ['the package behind a program', 'app/lib/part.mjs', ['./linked']],
];

for (const [what, swapped, command, env] of PARTS)
  test(`${what} is part of what is started`, async () => {
    await rm(folder, { recursive: true, force: true });
    await put({
      'app/package.json': '{"name":"app","version":"1.0.0","main":"main.mjs"}',
      'app/main.mjs': 'import "./lib/part.mjs";',
      'app/lib/part.mjs': '',
      'hook.mjs': '',
      'evil.so': '',
      bare: '',
      'data/report.mjs': '',
      'data/notes.md': '',
    });
    await symlink('app/main.mjs', join(folder, 'linked'));
    const words = [...command, 'data/report.mjs', 'data/notes.md', 'data'];
    const accepted = await started(words, env);
    assert.equal(await started(words, env), accepted);
    // what stands behind the script is its data
    await put({ 'data/report.mjs': 'changed', 'data/notes.md': 'changed', 'app/state.json': '{}' });
    assert.equal(await started(words, env), accepted);
    await put({
      [swapped]: swapped.endsWith('.json') ? '{"name":"app","version":"6.6.6"}' : '// swapped',
    });
    assert.notEqual(await started(words, env), accepted);
  });

test('another program earlier on the path is another launch', async () => {
  await put({ 'bin/tool': 'one', 'first/other': 'x' });
  const env = { PATH: `${join(folder, 'first')}:${join(folder, 'bin')}` };
  const accepted = await started(['tool'], env);
  await put({ 'first/tool': 'one' });
  assert.notEqual(await started(['tool'], env), accepted);
});

test('a refusal says what moved', async () => {
  const settings = {
    command: [node, '--import', './hook.mjs', 'app/main.mjs'],
    env: {},
    cwd: folder,
  };
  const connection = { name: 'files', settings } as unknown as Connection;
  const begin = {
    'app/package.json': '{"name":"app","version":"1.0.0"}',
    'app/main.mjs': '1',
    'hook.mjs': '1',
  };
  const cases: readonly (readonly [path: string, text: string, why: RegExp])[] = [
    ['app/package.json', '{"name":"ppa","version":"1.0.0"}', /its package is `ppa`, `app` was/],
    ['app/package.json', '{"name":"app","version":"1.1.0"}', /of version `1.1.0`, `1.0.0` was/],
    ['app/package.json', '{"name":"app","version":"1.0.0","main":"x"}', /its code has changed/],
    ['app/more.mjs', '', /files of code in its package: `2`, `1` was accepted/],
    ['app/main.mjs', '2', /accepted: its code has changed; it was not started/],
    ['hook.mjs', '2', /what is loaded before its code has changed/],
  ];
  for (const [path, text, why] of cases) {
    await rm(folder, { recursive: true, force: true });
    await put(begin);
    const launch = await launchOf(connection);
    const pinned = { ...connection, pins: { launch } } as unknown as Connection;
    await checkLaunch(pinned);
    await put({ [path]: text });
    await assert.rejects(checkLaunch(pinned), why);
  }
});
