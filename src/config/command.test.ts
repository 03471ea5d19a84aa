import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { createCommandInspector } from '../connectors/command/inspector.ts';
import { EMPTY_BUNDLE } from '../domain/bundle.ts';
import { realDoors } from '../doors.ts';
import { loadConfig } from './load.ts';
import { planBundle } from './plan.ts';
import { ConfigProblems } from './problems.ts';

const PROGRAM = process.execPath;

function fileWith(command: string, more = '', input = '{ a: { type: string } }'): string {
  return `version: 1
organisation: { name: acme }
connections:
  node: { kind: command, program: ${PROGRAM}, directory: ${tmpdir()}, environment: staging }
tools:
  t:
    connection: node
    description: d
    input: ${input}
    command: ${command}
${more}
agents: { bot: { owner: dana@acme.example } }
grants: [{ agent: bot, tools: [t], rung: approve }]
`;
}

const planned = (text: string) =>
  planBundle(loadConfig(text, 'f.yaml'), {
    inspect: 'all',
    active: EMPTY_BUNDLE,
    inspectors: new Map([['command', createCommandInspector()]]),
    timers: realDoors().timers,
  });

async function tool(text: string) {
  const found = (await planned(text)).bundle.tools.t;
  assert.ok(found);
  return found;
}

async function said(text: string): Promise<string> {
  try {
    await planned(text);
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error.problems.map(({ message }) => message).join('\n');
  }
  throw new assert.AssertionError({ message: 'expected a problem' });
}

describe('the class of a command', () => {
  test('is `destroy` unless the operator says otherwise, which is a widening', async () => {
    const unsaid = await tool(fileWith("{ args: ['report.js', '{a}'] }"));
    assert.equal(unsaid.effect, 'destroy');
    const plan = await planned(fileWith("{ args: ['report.js', '{a}'] }", '    effect: read'));
    const { effect, idempotent, binding } = plan.bundle.tools.t ?? {};
    assert.deepEqual([effect, idempotent], ['read', true]);
    assert.match(String(binding?.sha256), /^[0-9a-f]{64}$/);
    const words = plan.widenings.join('\n');
    assert.match(words, /`t` is taken for a `read` on your word: what its program does/);
  });

  test('is raised by what the words say, whatever the file says', async () => {
    assert.match(
      await said(fileWith("{ args: ['-e', '{a}'] }", '    effect: read')),
      /declared `read` and is a `destroy`/,
    );
    const evaluated = await tool(fileWith("{ args: ['-e', '{a}'] }"));
    assert.deepEqual([evaluated.recoveryPath, evaluated.reversibility], [true, 'none']);
  });
});

describe('what is refused', () => {
  const CASES: [string, string, RegExp][] = [
    ['an unknown argument', fileWith("{ args: ['{b}'] }"), /`\{b\}` is no argument/],
    ['an unused argument', fileWith("{ args: ['x'] }"), /`a` is used nowhere/],
    [
      'a list as a word',
      fileWith("{ args: ['{a}'] }", '', '{ a: { type: array, items: { type: string } } }'),
      /cannot be a word of a command/,
    ],
    [
      'a path that stands nowhere',
      fileWith("{ args: ['x'], stdin: '{a}', paths: { a: existing } }"),
      /is a path and stands nowhere/,
    ],
    ['a secret as a word', fileWith("{ args: ['--token={a}'] }"), /would carry a secret/],
    ['parts of text', fileWith("{ args: ['{a}'], select: x }"), /only JSON can be reduced/],
    [
      'a selection that cannot be read',
      fileWith("{ args: ['{a}'], output: json, select: 'x[' }"),
      /the selection cannot be read/,
    ],
    [
      'a program that is not there',
      fileWith("{ args: ['{a}'] }").replace(PROGRAM, '/nonexistent/program'),
      /cannot be started \(ENOENT\)/,
    ],
    [
      'a directory that is not there',
      fileWith("{ args: ['{a}'] }").replace(/directory: [^,]+/, 'directory: /nonexistent'),
      /cannot be entered/,
    ],
    [
      'another digest',
      fileWith("{ args: ['{a}'] }").replace(
        'environment:',
        `sha256: "${'0'.repeat(64)}", environment:`,
      ),
      /has the SHA-256/,
    ],
    [
      'a secret in the environment',
      fileWith("{ args: ['{a}'] }").replace('environment:', 'env: { API_TOKEN: x }, environment:'),
      /would hold a secret/,
    ],
    ['a relative program', fileWith("{ args: ['{a}'] }").replace(PROGRAM, 'node'), /program/],
  ];
  for (const [what, text, says] of CASES)
    test(what, async () => assert.match(await said(text), says));
});
