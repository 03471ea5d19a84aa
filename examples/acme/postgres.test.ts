import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from './postgres.ts';
import {
  copyPackage,
  findPlatformPackage,
  isWholeCopy,
  parseNobody,
  serverAccount,
} from './postgres-binaries.ts';
import { isAlive, openHome, serverPid } from './postgres-home.ts';

const isRoot = process.getuid?.() === 0;
const hasProc = fs.existsSync('/proc/self/stat');
const here = (file: string): string => JSON.stringify(import.meta.resolve(file));

/** A temporary folder that the server's account can enter. */
function openFolder(t: { after(end: () => void): void }): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'acme-test-'));
  fs.chmodSync(folder, 0o755);
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Child {
  readonly process: ChildProcess;
  /** What the script printed as its first line, as JSON. */
  readonly said: Promise<{ directory: string; pid: number; port: number; uid: number }>;
}

/** Runs a module script in a process of its own; it prints one JSON line when it is ready. */
function inChild(
  script: string,
  options: { env?: Record<string, string>; uid?: number } = {},
): Child {
  const args = ['--input-type=module-typescript', '--eval', script];
  const child = spawn(process.execPath, args, {
    cwd: '/',
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const lines = createInterface({ input: child.stdout });
  const said = once(lines, 'line').then(([line]) => JSON.parse(line));
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the child ended with ${code ?? signal} before it was ready`);
  });
  ended.catch(() => {});
  return { process: child, said: Promise.race([said, ended]) };
}

const START_AND_TELL = `
  import { startPostgres } from ${here('./postgres.ts')};
  import { serverPid } from ${here('./postgres-home.ts')};
  const server = await startPostgres({ durable: false });
  await server.query('SELECT 1');
  const { directory, port } = server;
  const pid = serverPid(directory + '/data');
  console.log(JSON.stringify({ directory, port, pid, uid: process.getuid?.() }));
`;

/** For what other processes do: nothing tells us of their end, so it is looked for. */
async function eventually<Found>(
  what: string,
  look: () => Found | Promise<Found>,
): Promise<NonNullable<Found>> {
  const until = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) assert.fail(`still not so after 10 s: ${what}`);
    await sleep(10);
  }
}

function isEmptyOrGone(folder: string): boolean {
  try {
    return fs.readdirSync(folder).length === 0;
  } catch {
    return !fs.existsSync(folder);
  }
}

function stateAndParent(pid: number): [state: string, parent: number] {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [state, Number(parent)];
}

/** Without an init process that collects them, killed orphans stay as zombies. */
function hasEnded(pid: number): boolean {
  if (!isAlive(pid)) return true;
  try {
    return hasProc && stateAndParent(pid)[0] === 'Z';
  } catch {
    return !isAlive(pid); // it ended between the two looks
  }
}

describe('a running server', () => {
  let server: AcmePostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  test('is a PostgreSQL with the settings that measuring effects needs', async () => {
    const { rows } = await server.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name = ANY ($1)`,
      [['fsync', 'track_counts', 'listen_addresses', 'server_version_num', 'password_encryption']],
    );
    const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    assert.equal(settings.fsync, 'on');
    assert.equal(settings.track_counts, 'on');
    assert.equal(settings.listen_addresses, '127.0.0.1');
    assert.equal(settings.password_encryption, 'scram-sha-256');
    assert.equal(Math.floor(Number(settings.server_version_num) / 10_000), server.major);
  });

  test('refuses a wrong password, and takes the one in its address', async () => {
    const wrong = server.url.replace(server.password, 'wrong');
    const client = new pg.Client({ connectionString: wrong });
    await assert.rejects(client.connect(), { code: '28P01' });
    const known = new pg.Client({ connectionString: server.url });
    await known.connect();
    const { rows } = await known.query('SELECT current_user AS who');
    await known.end();
    assert.deepEqual(rows, [{ who: 'postgres' }]);
  });

  test('keeps its folder to itself', () => {
    assert.equal(fs.statSync(server.directory).mode & 0o077, 0);
    assert.equal(fs.statSync(server.directory).uid, serverAccount()?.uid ?? process.getuid?.());
  });

  test('comes back after a crash with what was committed, although a session was computing', async () => {
    await server.createDatabase('crash');
    await server.query('CREATE TABLE kept AS SELECT 1 AS n', [], 'crash');
    const busy = server.query(
      'SELECT count(*) FROM (SELECT generate_series(1, 1e12::bigint)) AS n',
    );
    const computing = await eventually('a session computes', async () => {
      const { rows } = await server.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE query LIKE '%generate_series%' AND state = 'active' AND pid <> pg_backend_pid()`,
      );
      return rows[0]?.pid;
    });
    const pid = serverPid(path.join(server.directory, 'data')) ?? assert.fail('no lock file');
    await Promise.all([assert.rejects(busy), server.kill9()]);
    await eventually('no process is left', () => hasEnded(pid) && hasEnded(computing));
    await assert.rejects(server.query('SELECT 1'), { code: 'ECONNREFUSED' });
    await server.restart();
    const kept = await server.query('SELECT n FROM kept', [], 'crash');
    assert.deepEqual(kept.rows, [{ n: 1 }]);
  });

  test('restarts on the same port with the same password', async () => {
    await server.restart();
    const { rows } = await server.query('SELECT inet_server_port() AS port');
    assert.deepEqual(rows, [{ port: server.port }]);
  });

  test('copies a database although its own sessions used it', async () => {
    await server.createDatabase('original');
    await server.query('CREATE TABLE t AS SELECT 7 AS n', [], 'original');
    await server.createDatabase('copy', 'original');
    assert.deepEqual((await server.query('SELECT n FROM t', [], 'copy')).rows, [{ n: 7 }]);
  });
});

describe('the end of a server', () => {
  test('stop removes its folder, and may be called twice', async () => {
    const server = await startPostgres({ durable: false });
    const { rows } = await server.query('SHOW fsync');
    assert.deepEqual(rows, [{ fsync: 'off' }]);
    await server.stop();
    await server.stop();
    assert.equal(fs.existsSync(server.directory), false);
    await assert.rejects(server.query('SELECT 1'), /was stopped/);
  });

  test('a folder that was asked for is kept, and one in use is refused', async (t) => {
    const directory = path.join(openFolder(t), 'kept');
    const server = await startPostgres({ durable: false, directory });
    assert.equal(server.directory, directory);
    await server.stop();
    assert.ok(fs.existsSync(path.join(directory, 'data', 'PG_VERSION')));
    await assert.rejects(startPostgres({ directory }), /expected an absent or empty folder/);
  });

  const endings: [name: string, script: string, signal?: NodeJS.Signals][] = [
    ['returns without stopping it', START_AND_TELL],
    ['fails', `${START_AND_TELL}; process.exit(1)`],
    ['is interrupted', `${START_AND_TELL}; setInterval(() => {}, 1e6)`, 'SIGINT'],
    ['is terminated', `${START_AND_TELL}; setInterval(() => {}, 1e6)`, 'SIGTERM'],
    ['is killed by SIGKILL', `${START_AND_TELL}; setInterval(() => {}, 1e6)`, 'SIGKILL'],
    [
      'is killed while a session computes',
      `${START_AND_TELL}; server.query('SELECT count(*) FROM (SELECT generate_series(1, 1e12::bigint)) AS n')`,
      'SIGKILL',
    ],
  ];
  for (const [name, script, signal] of endings) {
    test(`nothing is left when the process that started it ${name}`, async () => {
      const child = inChild(script);
      const { pid, directory } = await child.said;
      assert.ok(signal === undefined || isAlive(pid), 'the server runs before its owner ends');
      if (signal !== undefined) child.process.kill(signal);
      await eventually('the server has ended', () => hasEnded(pid));
      await eventually('its files are gone', () => isEmptyOrGone(directory));
    });
  }

  test('the next start stops and removes what outlived owner and supervisor', {
    skip: !hasProc,
  }, async () => {
    const child = inChild(`${START_AND_TELL}; setInterval(() => {}, 1e6)`);
    const { pid, directory } = await child.said;
    const [, supervisor] = stateAndParent(pid);
    const watchers = fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== pid)
      .map(Number)
      .filter((other) => isAlive(other) && stateAndParent(other)[1] === supervisor);
    for (const victim of [...watchers, supervisor]) process.kill(victim, 'SIGKILL');
    const ended = once(child.process, 'exit');
    child.process.kill('SIGKILL');
    await ended;
    assert.equal(hasEnded(pid), false, 'the server outlived both');
    const next = await startPostgres({ durable: false });
    assert.ok(hasEnded(pid));
    assert.equal(fs.existsSync(directory), false);
    await next.stop();
  });
});

describe('the shared folder', () => {
  test('serves processes that start at the same time, and heals when files were taken', async (t) => {
    const place = openFolder(t);
    const env = { TMPDIR: place };
    const children = [1, 2].map(() => inChild(START_AND_TELL, { env }));
    const ports = await Promise.all(children.map(async (child) => (await child.said).port));
    assert.equal(new Set(ports).size, 2);

    const root = path.join(place, `signalbox-acme-${process.getuid?.()}`);
    await eventually('the servers are gone', () =>
      fs
        .readdirSync(root)
        .every((name) => isEmptyOrGone(path.join(root, name)) || !/^run-/.test(name)),
    );
    const shared = fs.readdirSync(root).filter((name) => !name.startsWith('run-'));
    assert.deepEqual(
      shared.map((name) => name.split('-')[0]).filter((kind) => kind === 'new'),
      [],
    );
    for (const name of shared) {
      const lost = name.startsWith('bin-') ? 'native/bin/postgres' : 'data/global/pg_control';
      fs.rmSync(path.join(root, name, lost));
    }
    const again = inChild(START_AND_TELL, { env });
    const { port, directory } = await again.said;
    assert.ok(port > 0);
    await eventually('its files are gone', () => isEmptyOrGone(directory));
  });

  test('that somebody else made or can write to is not used', async (t) => {
    const place = openFolder(t);
    const root = path.join(place, `signalbox-acme-${process.getuid?.()}`);
    fs.mkdirSync(root);
    fs.chmodSync(root, 0o777);
    await assert.rejects(openHome([place]), /not a folder that belongs to us alone/);
    fs.rmdirSync(root);
    fs.symlinkSync('/tmp', root);
    await assert.rejects(openHome([place]), /not a folder that belongs to us alone/);
  });

  test('is looked for where the account that runs the server can enter', {
    skip: !isRoot,
  }, async (t) => {
    const closed = openFolder(t);
    fs.chmodSync(closed, 0o700);
    const open = openFolder(t);
    await assert.rejects(openHome([closed]), /Set TMPDIR to a folder/);
    const home = await openHome([closed, open]);
    assert.ok(home.root.startsWith(open));
  });
});

describe('a user who is not root', { skip: !isRoot && 'this whole file runs as one' }, () => {
  const uid = serverAccount()?.uid ?? 65534;

  function mayRead(): boolean {
    const parts = import.meta.filename.split(path.sep);
    return parts.slice(1, -1).every((_, index) => {
      const above = parts.slice(0, index + 2).join(path.sep);
      return (fs.statSync(above).mode & 0o005) === 0o005;
    });
  }

  test('starts the server as themselves', {
    skip: !mayRead() && 'checkout is private',
  }, async (t) => {
    const place = openFolder(t);
    fs.chmodSync(place, 0o777);
    const child = inChild(START_AND_TELL, { env: { TMPDIR: place }, uid });
    const said = await child.said;
    assert.equal(said.uid, uid);
    await eventually('the server has ended', () => hasEnded(said.pid));
    // Being their own folder, nothing of the server stays, not even an empty one.
    await eventually('its folder is gone', () => !fs.existsSync(said.directory));
  });

  test('copies binaries whose links are missing where they may not be made', {
    skip: !mayRead() && 'checkout is private',
  }, async (t) => {
    const place = openFolder(t);
    const unlinked = path.join(place, 'package');
    const found = findPlatformPackage();
    copyPackage(found.folder, unlinked);
    const links = path.join(found.folder, 'native', 'pg-symlinks.json');
    for (const { target } of JSON.parse(fs.readFileSync(links, 'utf8'))) {
      fs.rmSync(path.join(unlinked, target));
    }
    fs.chmodSync(place, 0o777);
    const child = inChild(
      `import { openHome } from ${here('./postgres-home.ts')};
         const found = ${JSON.stringify({ ...found, folder: unlinked })};
         const home = await openHome([${JSON.stringify(place)}], found);
         console.log(JSON.stringify({ directory: home.binaries.postgres, uid: process.getuid() }));`,
      { uid },
    );
    const said = await child.said;
    assert.equal(said.uid, uid);
    assert.ok(said.directory.startsWith(path.join(place, `signalbox-acme-${uid}`, 'bin-')));
  });
});

describe('the binaries', () => {
  test('that are missing are answered with what to do', () => {
    const absent = (): string => {
      throw new Error('not found');
    };
    assert.throws(() => findPlatformPackage('linux-x64', absent), /npm ci --include=dev/);
    assert.throws(() => findPlatformPackage('win32-x64', absent), /in WSL/);
    assert.throws(() => findPlatformPackage('aix-ppc64', absent), /no PostgreSQL binaries exist/);
  });

  test('are found in the package of this platform', () => {
    const found = findPlatformPackage();
    assert.match(found.version, /^18\./);
    assert.ok(fs.existsSync(path.join(found.folder, 'native', 'bin', 'initdb')));
  });

  test('are copied whole, readable by everybody, and a lost file is noticed', (t) => {
    const from = openFolder(t);
    const to = path.join(openFolder(t), 'copy');
    fs.mkdirSync(path.join(from, 'native', 'bin'), { recursive: true });
    fs.writeFileSync(path.join(from, 'native', 'bin', 'postgres'), 'p', { mode: 0o600 });
    fs.writeFileSync(path.join(from, 'native', 'libpq.so.5.18'), 'lib', { mode: 0o600 });
    const links = [{ source: 'native/libpq.so.5.18', target: 'native/libpq.so.5' }];
    fs.writeFileSync(path.join(from, 'native', 'pg-symlinks.json'), JSON.stringify(links));
    copyPackage(from, to);
    assert.equal(fs.statSync(path.join(to, 'native', 'bin', 'postgres')).mode & 0o777, 0o755);
    assert.equal(fs.readlinkSync(path.join(to, 'native', 'libpq.so.5')), 'libpq.so.5.18');
    assert.equal(fs.statSync(path.join(to, 'native', 'libpq.so.5')).mode & 0o777, 0o644);
    assert.equal(isWholeCopy(from, to), true);
    fs.truncateSync(path.join(to, 'native', 'bin', 'postgres'));
    assert.equal(isWholeCopy(from, to), false);
  });

  test('run as the account called nobody', () => {
    const passwd = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:99:98:n:/:/sbin/nologin\n';
    assert.deepEqual(parseNobody(passwd), { uid: 99, gid: 98 });
    assert.equal(parseNobody('root:x:0:0::/root:/bin/sh\n'), undefined);
    assert.equal(parseNobody('nobody:x:0:0::/:/bin/sh\n'), undefined);
    assert.equal(serverAccount() === undefined, !isRoot);
  });
});
