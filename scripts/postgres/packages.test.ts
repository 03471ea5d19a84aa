import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RELEASES, serverPackage } from './packages.ts';

test('one release of each supported major is pinned by its SHA-512', () => {
  assert.deepEqual(Object.keys(RELEASES), ['14', '15', '16', '17', '18']);
  for (const [major, { version, integrity }] of Object.entries(RELEASES)) {
    assert.ok(version.startsWith(`${major}.`));
    assert.ok('linux-x64' in integrity);
    for (const hash of Object.values(integrity)) assert.match(hash, /^sha512-[A-Za-z0-9+/]{86}==$/);
  }
});

test('a major that is not pinned is refused before anything is downloaded', async () => {
  await assert.rejects(serverPackage('13'), /expected one of 14, 15, 16, 17, 18, got `13`/);
  const releases = { 14: { version: '14.0.0', integrity: {} } };
  await assert.rejects(serverPackage('14', { releases }), /no PostgreSQL 14 is pinned/);
});
