import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, link, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ConnectorFailure } from '../../domain/connector.ts';
import { HALT_ABORT } from '../../domain/halt.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type CommandSite, openSite } from './testing/site.ts';

let site: CommandSite;
before(async () => {
  site = await openSite();
});
after(() => site.close());

const UNSENT = new ConnectorFailure('CONNECTOR_ABORTED', 'nothing was begun', 'none');

async function failure(work: Promise<unknown>): Promise<ConnectorFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ConnectorFailure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a failure' });
}

describe('words', () => {
  const HOSTILE = [
    '; touch x',
    '$(touch x)',
    '`touch x`',
    '| cat',
    '> x',
    '*',
    '~',
    '$HOME',
    'a b',
    'a\nb',
    '"',
    "'",
    '\\',
    '&&',
    '%PATH%',
    '\u202e',
    'ä😀',
  ];
  for (const value of HOSTILE)
    test(`${JSON.stringify(value)} is one word and nothing else`, async () => {
      const tool = await site.tool({ args: ['words', '{a}', 'x={a}y', 'end'] });
      const { text } = await site.run(tool, { a: value });
      assert.deepEqual(JSON.parse(text), [value, `x=${value}y`, 'end']);
    });

  const OPTIONS = ['-', '--', '-rf', '--exec=sh', '-\n', '--upload-pack=x'];
  for (const value of OPTIONS)
    test(`${JSON.stringify(value)} becomes no option`, async () => {
      const tool = await site.tool({ args: ['words', '{a}'] });
      const starts = (await site.told()).length;
      const failed = await failure(site.run(tool, { a: value }));
      assert.deepEqual([failed.code, failed.effect], ['CONNECTOR_REFUSED', 'none']);
      assert.ok(!failed.message.includes(value) || value.length < 3, failed.message);
      assert.equal((await site.told()).length, starts, 'nothing was started');
      const bound = await site.tool({ args: ['words', '--name={a}', '--', '{a}'] });
      const { text } = await site.run(bound, { a: value });
      assert.deepEqual(JSON.parse(text), [`--name=${value}`, '--', value]);
    });

  test('two arguments together make no option either', async () => {
    const tool = await site.tool({ args: ['words', '{a}{b}'] });
    await failure(site.run(tool, { a: '', b: '-x' }));
    await failure(site.run(tool, { a: '', b: '' }));
  });

  test('what no command can be given is refused', async () => {
    const tool = await site.tool({ args: ['words', '{a}'] });
    for (const a of ['', 'a\0b', '\ud800', 'x'.repeat(40_000), ['a'], { a: 1 }])
      assert.equal((await failure(site.run(tool, { a } as JsonObject))).effect, 'none');
  });

  test('a group is left out as a whole', async () => {
    const tool = await site.tool({ args: ['words', ['--by', '{a}'], '{b}'] });
    assert.equal((await site.run(tool, { b: 'x' })).text, '["x"]\n');
    assert.equal((await site.run(tool, { a: 'me', b: 'x' })).text, '["--by","me","x"]\n');
  });
});

describe('surroundings', () => {
  test('nothing of our environment is inherited, and secrets are never words', async () => {
    const tool = await site.tool({ args: ['env'] });
    const value = 'fixture/secret=42';
    const connection = site.connection({ env: { LANG: 'C' }, secrets: { KEY: 'name' } });
    const credential = { kind: 'environment', leaseId: 'l', values: { KEY: value } } as const;
    const { text } = await site.run(tool, {}, { connection, credential });
    const { SIGNALBOX_CHILD, ...env } = JSON.parse(text);
    assert.match(SIGNALBOX_CHILD, /^child_/);
    assert.deepEqual(env, { LANG: 'C', KEY: '[secret withheld]' });
    const missing = await failure(site.run(tool, {}, { connection }));
    assert.equal(missing.code, 'CREDENTIAL_FAILED');
    const failing = await site.tool({ args: ['exit', '1'] });
    const failed = await failure(site.run(failing, {}, { connection, credential }));
    assert.match(failed.message, /ended with code 1: because of \[secret withheld\]$/);
  });

  test('it reads what it is given and nothing else', async () => {
    const tool = await site.tool({ args: ['stdin'], stdin: { note: '{a}' } });
    assert.equal((await site.run(tool, { a: '"}' })).text, '{"note":"\\"}"}');
    const text = await site.tool({ args: ['stdin'], stdin: 'say {a}' });
    assert.equal((await site.run(text, { a: 'x' })).text, 'say x');
    assert.equal((await site.run(await site.tool({ args: ['stdin'] }))).text, '');
  });

  test('a program that was swapped is not started', async () => {
    const tool = await site.tool({ args: ['words'] });
    const original = await readFile(site.program);
    await appendFile(site.program, '\n// another one\n');
    const starts = (await site.told()).length;
    assert.equal((await failure(site.run(tool))).code, 'TOOL_CHANGED');
    assert.equal((await site.told()).length, starts);
    await writeFile(site.program, original);
    assert.equal((await site.run(tool)).text, '[]\n');
  });

  test('binaries and what is no program', async () => {
    const connection = site.connection({ program: process.execPath });
    const tool = await site.tool({ args: ['-p', '6*7'] });
    const binding = { ...tool.binding, sha256: '0'.repeat(64) };
    const wrong = await failure(site.run({ ...tool, binding }, {}, { connection }));
    assert.equal(wrong.code, 'TOOL_CHANGED');
    for (const program of [site.directory, join(site.directory, 'none'), '/dev/null'])
      assert.equal(
        (await failure(site.run(tool, {}, { connection: site.connection({ program }) }))).effect,
        'none',
      );
  });
});

describe('paths', () => {
  before(async () => {
    await mkdir(join(site.directory, 'sub'));
    await writeFile(join(site.directory, 'in.txt'), 'inside');
    await writeFile(join(site.directory, 'sub', 'deep.txt'), 'deep');
    await writeFile(join(site.directory, '-dash'), 'dash');
    await writeFile(join(site.outside, 'out.txt'), 'outside');
    await symlink('../outside/out.txt', join(site.directory, 'up'));
    await symlink(join(site.outside, 'out.txt'), join(site.directory, 'absolute'));
    await symlink(site.outside, join(site.directory, 'folder'));
    await symlink('sub/deep.txt', join(site.directory, 'good'));
    await symlink(join(site.directory, 'sub'), join(site.directory, 'goodfolder'));
    await symlink('loop', join(site.directory, 'loop'));
    await symlink('sub/../../outside/out.txt', join(site.directory, 'winding'));
    await symlink('/proc/self/root/etc/passwd', join(site.directory, 'proc'));
    await link(join(site.outside, 'out.txt'), join(site.directory, 'hard'));
    const makeFifo = 'mkfifo';
    execFileSync(makeFifo, [join(site.directory, 'fifo')]);
  });
  const ESCAPES = [
    '../outside/out.txt',
    'sub/../../outside/out.txt',
    '/etc/passwd',
    '//etc/passwd',
    '~/x',
    '..',
    'sub/..',
    'up',
    'absolute',
    'folder/out.txt',
    './folder/out.txt',
    'loop',
    'winding',
    'proc',
    'hard',
    'fifo',
    'none',
    '',
    'in.txt/x',
    'in.txt\0',
    '..\\outside',
    'a/'.repeat(3_000),
  ];
  for (const use of ['existing', 'descriptor'])
    for (const value of ESCAPES)
      test(`${use}: ${JSON.stringify(value.slice(0, 40))} is refused unstarted`, async () => {
        const tool = await site.tool({ args: ['read', '{file}'], paths: { file: use } });
        const starts = (await site.told()).length;
        const failed = await failure(site.run(tool, { file: value }));
        assert.deepEqual([failed.code, failed.effect], ['CONNECTOR_REFUSED', 'none']);
        assert.equal((await site.told()).length, starts);
      });
  const INSIDE: [string, string][] = [
    ['in.txt', 'inside'],
    ['./in.txt', 'inside'],
    ['sub//deep.txt', 'deep'],
    ['good', 'deep'],
    ['goodfolder/deep.txt', 'deep'],
    ['-dash', 'dash'],
  ];
  for (const use of ['existing', 'descriptor'])
    for (const [value, text] of INSIDE)
      test(`${use}: \`${value}\` is read`, async () => {
        const tool = await site.tool({ args: ['read', '{file}'], paths: { file: use } });
        assert.equal((await site.run(tool, { file: value })).text, text);
      });

  test('a new file is written inside and nowhere else', async () => {
    const write = { args: ['write', '{file}', '{text}'], paths: { file: 'new' } };
    const tool = await site.tool(write, { effect: 'write' });
    await site.run(tool, { file: 'sub/new.txt', text: 'new' });
    assert.equal(await readFile(join(site.directory, 'sub/new.txt'), 'utf8'), 'new');
    for (const file of ['../outside/new.txt', 'folder/new.txt', 'none/new.txt', 'up', '/tmp/x'])
      await failure(site.run(tool, { file, text: 'x' }));
    await assert.rejects(stat(join(site.outside, 'new.txt')));
    assert.equal(await readFile(join(site.outside, 'out.txt'), 'utf8'), 'outside');
  });

  test('an open file is the one that was looked at, whatever its name leads to later', async () => {
    const tool = await site.tool({ args: ['read', '{file}'], paths: { file: 'descriptor' } });
    const { binding } = tool;
    assert.deepEqual(binding.paths, { file: 'descriptor' });
    await site.run(tool, { file: 'in.txt' });
    const words = (await site.told()).at(-1)?.words;
    assert.deepEqual(words, ['read', '/dev/fd/3']);
  });
});

describe('ends', () => {
  test('what it prints is cut at the cap, and it may finish', async () => {
    const tool = await site.tool({ args: ['flood'] }, { maxResultBytes: 1_000, timeoutMs: 400 });
    assert.equal((await failure(site.run(tool))).code, 'CONNECTOR_TIMEOUT');
    const read = await site.tool(
      { args: ['read', '{file}'], paths: { file: 'existing' } },
      { maxResultBytes: 10 },
    );
    await writeFile(join(site.directory, 'long'), 'ä'.repeat(500_000));
    const { text, cut } = await site.run(read, { file: 'long' });
    assert.equal(text, 'äääää');
    assert.deepEqual(cut, ['the output was cut after 10 bytes']);
  });

  test('exit codes mean what the tool says', async () => {
    const exits = { done: [0, 3], nothing: [4] };
    const as = (code: number, effect: 'read' | 'write') =>
      site.tool({ args: ['exit', String(code)], exits }, { effect });
    assert.equal((await site.run(await as(3, 'write'))).text, '');
    assert.equal((await failure(site.run(await as(4, 'write')))).effect, 'none');
    assert.equal((await failure(site.run(await as(5, 'write')))).effect, 'unknown');
    assert.equal((await failure(site.run(await as(5, 'read')))).effect, 'none');
  });

  test('JSON is reduced to what the tool names', async () => {
    const tool = await site.tool({ args: ['json'], output: 'json', project: ['/items/*/id'] });
    assert.deepEqual((await site.run(tool)).structured, { items: [{ id: 1 }, { id: 2 }] });
    const select = await site.tool({ args: ['json'], output: 'json', select: 'items[?secret].id' });
    assert.equal((await site.run(select)).text, '[1]');
  });

  for (const [why, timeoutMs, code] of [
    ['its deadline', 700, 'CONNECTOR_TIMEOUT'],
    ['a halt', 10_000, 'CONNECTOR_ABORTED'],
  ] as const)
    test(`${why} kills it with the grandchildren that left its group`, async () => {
      const trace = join(site.directory, `trace-${code}`);
      const size = async () => (await stat(trace).catch(() => ({ size: 0 }))).size;
      const controller = new AbortController();
      // a machine that has much to do starts nothing in so short a time
      const flight = { ms: timeoutMs as number, over: true, end: failure(Promise.reject(UNSENT)) };
      for (; flight.over; flight.ms *= 2) {
        await rm(trace, { force: true });
        const tool = await site.tool(
          { args: ['sleep', trace] },
          { timeoutMs: flight.ms, effect: 'write' },
        );
        flight.over = false;
        flight.end = failure(site.run(tool, {}, { signal: controller.signal })).finally(() => {
          flight.over = true;
        });
        while (!flight.over && (await size()) === 0) await pause(10);
      }
      const runs = new Set<string>();
      assert.equal(site.connector.children?.('all', runs), 1);
      assert.equal(site.connector.children?.('connection:other', runs), 0);
      if (code === 'CONNECTOR_ABORTED') controller.abort(HALT_ABORT);
      const failed = await flight.end;
      assert.deepEqual([failed.code, failed.effect], [code, 'unknown']);
      const last = await size();
      await pause(200);
      assert.equal(await size(), last, 'nothing of it lives');
      assert.equal(site.connector.children?.('all', runs), 0);
    });

  test('cut ends what runs in the scope', async () => {
    const trace = join(site.directory, 'trace-cut');
    const tool = await site.tool({ args: ['sleep', trace] });
    const running = failure(site.run(tool));
    while ((await stat(trace).catch(() => null)) === null) await pause(10);
    assert.deepEqual(await site.connector.cut?.('connection:teller', new Set()), []);
    assert.equal((await running).code, 'CONNECTOR_ABORTED');
  });

  test('nothing is started by begin, by a preview, by cancel or after an abort', async () => {
    const tool = await site.tool({ args: ['words'] });
    const starts = (await site.told()).length;
    const { NO_SINK } = await import('../../domain/connector.ts');
    await (await site.connector.begin(site.call(tool), NO_SINK)).cancel();
    assert.equal((await failure(site.run(tool, {}, { purpose: 'preview' }))).effect, 'none');
    const signal = AbortSignal.abort(HALT_ABORT);
    assert.equal((await failure(site.run(tool, {}, { signal }))).code, 'CONNECTOR_ABORTED');
    assert.equal((await site.told()).length, starts);
  });
});
