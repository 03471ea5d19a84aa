import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readConfig } from './file.ts';
import { starterConfig } from './starter.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-config-'));
});
after(() => rm(directory, { recursive: true, force: true }));

async function file(contents: string | Uint8Array): Promise<string> {
  const path = join(directory, 'signalbox.yaml');
  await writeFile(path, contents);
  return path;
}

test('a file is read, with or without a byte order mark', async () => {
  assert.equal((await readConfig(await file(starterConfig('acme')))).organisation.name, 'acme');
  const marked = await readConfig(await file(`\ufeff${starterConfig('umlaut')}`));
  assert.equal(marked.organisation.name, 'umlaut');
  assert.equal(marked.at('/version'), `${join(directory, 'signalbox.yaml')}:8:10`);
});

test('what is no such file is refused with its path', async () => {
  const missing = join(directory, 'missing.yaml');
  await assert.rejects(readConfig(missing), { code: 'CONFIG_MISSING', at: missing });
  await assert.rejects(readConfig(directory), { code: 'CONFIG_INVALID' });
  await assert.rejects(readConfig('/dev/zero'), { code: 'CONFIG_INVALID' });
});

test('a file of other bytes than UTF-8, or of too many, is refused', async () => {
  await assert.rejects(readConfig(await file(Uint8Array.of(0x61, 0xff, 0x62))), {
    code: 'CONFIG_SYNTAX',
  });
  await assert.rejects(readConfig(await file('x'.repeat(1024 * 1024 + 1))), {
    code: 'CONFIG_TOO_LARGE',
  });
});
