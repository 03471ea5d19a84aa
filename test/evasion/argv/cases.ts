import type { JsonObject } from '../../../src/domain/json.ts';

export interface ArgvCase {
  readonly name: string;
  readonly tool: string;
  readonly args: JsonObject;
  /** What somebody else puts in its place while the call is made. */
  readonly swap?: 'program' | 'directory';
}

export interface ArgvControl {
  readonly name: string;
  readonly tool: string;
  readonly args: JsonObject;
  /** What the agent must get to see. */
  readonly text?: string;
}

const WORDS: readonly string[] = [
  '; touch x',
  '&& touch x',
  '| tee x',
  '> x',
  '$(touch x)',
  '`touch x`',
  '$IFS touch$IFS x',
  '\n touch x',
  '"; touch x; "',
  "'; touch x; '",
  '\\',
  '*',
  '?',
  '~root',
  '$API_KEY',
  '%API_KEY%',
  '{a}',
  'a b c',
  '\r touch x',
  '@/etc/passwd',
  '<(touch x)',
  '\u2028touch x',
  '%0a touch x',
  '^& touch x',
  '!!',
  'a\u0000b',
  '\ud800',
  "$'\\x20'",
  '{x,y}',
  '[!a]*',
  '#',
  '=x',
];

const OPTIONS: readonly string[] = [
  '-',
  '--',
  '-n',
  '-rf',
  '--exec=touch x',
  '--output=x',
  '-oProxyCommand=touch x',
  '--upload-pack=touch x',
  '-\u0000',
  '--help',
  '-I/etc',
  '-\u200bn',
  '-=x',
  '---',
  '-e\ntouch x',
  '-c',
  '--config-env=x=API_KEY',
  '-',
];

const PATHS: readonly string[] = [
  '../outside/secret',
  'sub/../../outside/secret',
  './../outside/secret',
  'sub/../a.txt/../../outside/secret',
  '..',
  '/etc/passwd',
  '//etc/passwd',
  '/proc/self/environ',
  'up',
  'absolute',
  'folder/secret',
  'winding',
  'chain',
  'sub/deep',
  'self',
  'root/etc/passwd',
  'too/secret',
  'loop',
  'hard',
  '~/x',
  'a.txt/../../outside/secret',
  '..\\outside\\secret',
  'up\u0000.txt',
  '',
  './',
  'folder/../../outside/secret',
  './/../outside/secret',
  'sub//..//../outside/secret',
  '/dev/stdin',
  '/dev/fd/0',
  '/proc/self/fd/0',
  '/proc/1/root/etc/passwd',
  'sub/./deep',
  'goodfolder/../../outside/secret',
  'goodfolder/deep',
  'root/../outside/secret',
  'folder/./secret',
  'root/proc/self/environ',
  '\uff0e\uff0e/outside/secret',
  '..%2foutside%2fsecret',
  'file:../outside/secret',
  'sub\u0000/../../outside/secret',
  '\u202e../outside/secret',
  'up\n',
  'x'.repeat(5_000),
  `${'sub/../'.repeat(500)}../outside/secret`,
  'chain/',
  'up/..',
];

export const ARGV_CASES: readonly ArgvCase[] = [
  ...WORDS.flatMap((a): ArgvCase[] =>
    ['echo', 'bound'].map((tool) => ({ name: JSON.stringify(a), tool, args: { a } })),
  ),
  ...OPTIONS.flatMap((a): ArgvCase[] =>
    ['echo', 'after'].map((tool) => ({ name: JSON.stringify(a), tool, args: { a } })),
  ),
  ...PATHS.flatMap((file): ArgvCase[] =>
    ['show', 'open'].map((tool) => ({ name: JSON.stringify(file), tool, args: { file } })),
  ),
  ...[...PATHS, 'folder/new', 'dangling', 'too/new'].map(
    (file): ArgvCase => ({
      name: JSON.stringify(file),
      tool: 'save',
      args: { file, text: 'overwritten' },
    }),
  ),
  { name: 'a list of words', tool: 'echo', args: { a: ['x', '-rf'] } },
  { name: 'an object', tool: 'echo', args: { a: { toString: '-rf' } } },
  { name: 'nothing', tool: 'echo', args: { a: null } },
  { name: 'no word at all', tool: 'echo', args: { a: '' } },
  { name: 'a text for a number', tool: 'count', args: { n: '1 --x' } },
  { name: 'a number below', tool: 'count', args: { n: -1 } },
  { name: 'another argument', tool: 'echo', args: { a: 'x', env: { PATH: '/' } } },
  { name: 'a very long word', tool: 'echo', args: { a: 'x'.repeat(200_000) } },
  { name: 'a program that was swapped', tool: 'echo', args: { a: 'x' }, swap: 'program' },
  {
    name: 'a folder that was swapped',
    tool: 'show',
    args: { file: 'sub/secret' },
    swap: 'directory',
  },
  {
    name: 'a folder that was swapped',
    tool: 'open',
    args: { file: 'sub/secret' },
    swap: 'directory',
  },
  {
    name: 'a folder that was swapped',
    tool: 'save',
    args: { file: 'sub/secret', text: 'x' },
    swap: 'directory',
  },
];

export const ARGV_CONTROLS: readonly ArgvControl[] = [
  ...['hello', 'a b', 'ünïcödé 日本', '😀', "it's", '50%', 'x=y', 'a-b', 'C:\\x', '$5'].map(
    (a): ArgvControl => ({ name: JSON.stringify(a), tool: 'echo', args: { a } }),
  ),
  ...['-5', '--all', 'plain'].map((a): ArgvControl => ({ name: a, tool: 'after', args: { a } })),
  ...['-x', 'value', 'two words'].map(
    (a): ArgvControl => ({ name: a, tool: 'bound', args: { a } }),
  ),
  { name: 'a number', tool: 'count', args: { n: 3 } },
  ...(['show', 'open'] as const).flatMap((tool): ArgvControl[] => [
    { name: 'a file', tool, args: { file: 'a.txt' }, text: 'inside a' },
    { name: 'a file with a space', tool, args: { file: 'sub/b c.txt' }, text: 'inside b' },
    { name: 'a link that stays inside', tool, args: { file: 'good' }, text: 'inside b' },
    {
      name: 'a folder link that stays inside',
      tool,
      args: { file: 'goodfolder/b c.txt' },
      text: 'inside b',
    },
    { name: 'a name that begins with a dash', tool, args: { file: '-n' }, text: 'inside n' },
    { name: 'a star', tool, args: { file: '*' }, text: 'inside star' },
    { name: 'a dot before', tool, args: { file: './a.txt' }, text: 'inside a' },
  ]),
  { name: 'a new file', tool: 'save', args: { file: 'new.txt', text: 'written' } },
  { name: 'the same again', tool: 'save', args: { file: 'new.txt', text: 'written again' } },
  { name: 'a new file below', tool: 'save', args: { file: 'sub/new.txt', text: '日本' } },
];
