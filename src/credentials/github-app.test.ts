/** Installation tokens at a server that answers as GitHub documents: narrowed, ended, and proven dead. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection } from '../domain/bundle.ts';
import type { JsonObject } from '../domain/json.ts';
import { openDesk } from './testing/desk.ts';
import { startGitHub } from './testing/github.ts';

async function scene(t: TestContext, more: JsonObject = {}) {
  const github = await startGitHub();
  const connection: Connection = {
    name: 'github',
    kind: 'http',
    environment: 'production',
    settings: {
      url: github.url,
      allowPrivate: true,
      githubApp: {
        appId: '4711',
        installation: '99',
        privateKey: 'github-key',
        repositories: ['shop'],
        permissions: { contents: 'read' },
        ...more,
      },
    },
    issuer: 'github-app',
  };
  const desk = await openDesk(connection);
  await desk.secrets.put('github-key', github.privateKey, 'test');
  t.after(async () => {
    await desk.close();
    await github.close();
  });
  const tokenOf = async (): Promise<string> => {
    const credential = await desk.leases.obtain(await desk.run(), connection);
    assert.ok(credential?.kind === 'secret');
    return credential.value;
  };
  return { github, desk, tokenOf, connection };
}

test('a token is asked for these repositories and permissions and nothing else', async (t) => {
  const { github, tokenOf } = await scene(t);
  const token = await tokenOf();
  assert.deepEqual(github.live.get(token), {
    repositories: ['shop'],
    permissions: { contents: 'read' },
  });
});

test('ending a lease ends the token at GitHub, and is believed only after a 401', async (t) => {
  const { github, desk, tokenOf } = await scene(t);
  const token = await tokenOf();
  const other = await tokenOf();
  github.faults.deaf = true;
  const ending = desk.leases.revoke(({ runId }) => runId === 'run_desk_1');
  await desk.said(/still works there/);
  github.faults.deaf = false;
  const [report] = await ending;
  assert.equal(report?.dead, true);
  assert.ok(!github.live.has(token));
  assert.ok(github.live.has(other), 'another run’s token is not touched');
  assert.ok(desk.logged.every((line) => !line.includes(token)));
});

test('a revocation that GitHub refuses is tried again until it holds', async (t) => {
  const { github, desk, tokenOf } = await scene(t);
  await tokenOf();
  github.faults.revocation = 503;
  const ending = desk.leases.revoke(() => true);
  await desk.said(/not confirmed dead/, 2);
  assert.match(desk.leases.trying()[0]?.why ?? '', /did not end the token \(status 503\)/);
  delete github.faults.revocation;
  assert.equal((await ending)[0]?.dead, true);
  assert.equal(github.live.size, 0);
});

test('a token that a process left behind is ended by the next one', async (t) => {
  const { github, desk, tokenOf } = await scene(t);
  const token = await tokenOf();
  await desk.wake();
  assert.equal(await desk.leases.sweep(), 1);
  assert.ok(!github.live.has(token));
  assert.deepEqual(
    (await desk.secrets.names()).map(({ name }) => name),
    ['github-key'],
    'what was kept to end it is forgotten',
  );
});

test('a token is not over by a clock that goes wrong', async (t) => {
  const { github, desk, tokenOf } = await scene(t);
  github.faults.ahead = -5 * 3_600_000;
  const token = await tokenOf();
  github.faults.deaf = true;
  const ending = desk.leases.revoke(() => true);
  await desk.said(/still works there/);
  assert.ok(github.live.has(token));
  github.faults.deaf = false;
  assert.equal((await ending)[0]?.dead, true);
});

test('a token ends where it was given, wherever its connection leads by then', async (t) => {
  const { github, desk, tokenOf, connection } = await scene(t);
  const other = await startGitHub();
  t.after(() => other.close());
  const token = await tokenOf();
  Object.assign(connection.settings, { url: other.url });
  await desk.wake();
  assert.equal(await desk.leases.sweep(), 1);
  assert.ok(!github.live.has(token));
  assert.deepEqual(other.asked, [], 'nobody else is shown it');
});

test('more than was asked for is given back, not used', async (t) => {
  const { github, desk, tokenOf } = await scene(t);
  github.faults.generous = true;
  await assert.rejects(tokenOf(), /more than was asked for: `administration: write`/);
  await desk.leases.revoke(() => true);
  assert.equal(github.live.size, 0);
});

test('a key that is none is refused without being shown', async (t) => {
  const { desk, tokenOf } = await scene(t);
  await desk.secrets.put('github-key', 'not-a-key-at-all', 'test');
  await assert.rejects(tokenOf(), (error: Error) => {
    assert.match(error.message, /cannot be read; expected PEM/);
    assert.ok(!error.message.includes('not-a-key'));
    return true;
  });
});
