import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { startPostgres } from './postgres.ts';
import { counts, createAcme } from './schema.ts';
import { newToken, startVolumes, type Volumes } from './volumes.ts';
import { type Call, type Counters, nowMs } from './volumes-calls.ts';
import { attachDatabase } from './volumes-database.ts';
import type { Attachment, Backup, Volume } from './volumes-disk.ts';

const TOKEN = newToken();

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(path.join(tmpdir(), 'acme-volumes-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

function threeRows(destroyed: string[] = []): Attachment {
  return {
    label: 'a test',
    async *dump() {
      yield { table: 'customers', row: { id: 1 } };
      yield { table: 'customers', row: { id: 2 } };
      yield { table: 'orders', row: { id: 1, note: 'two\nlines' } };
    },
    destroy: async () => {
      destroyed.push('database');
    },
  };
}

async function started(t: TestContext, attachment?: Attachment): Promise<[Volumes, string]> {
  const directory = folder(t);
  const options = { directory, token: TOKEN };
  const service = await startVolumes(
    attachment === undefined ? options : { ...options, attachment },
  );
  t.after(() => service.stop());
  return [service, directory];
}

/** Every field of every answer; each test looks at those of its own. */
interface Body extends Backup {
  readonly label: string;
  readonly volumes: Volume[];
  readonly backups: unknown;
  readonly error: { readonly code: string };
  readonly counters: Counters;
  readonly calls: Call[];
  readonly nowMs: number;
}

/** One call with the broad token: the status and the parsed body. */
async function call(
  service: { readonly url: string },
  method: string,
  where: string,
  init: { token?: string; body?: string; key?: string } = {},
): Promise<[status: number, body: Body]> {
  const headers: Record<string, string> = { authorization: `Bearer ${init.token ?? TOKEN}` };
  if (init.key !== undefined) headers['idempotency-key'] = init.key;
  const body = init.body === undefined ? {} : { body: init.body };
  const response = await fetch(`${service.url}${where}`, { method, headers, ...body });
  return [response.status, (await response.json()) as Body];
}

describe('the volume service', () => {
  test('holds one volume, and makes backups that are files with every row', async (t) => {
    const [service, directory] = await started(t, threeRows());
    const [, listed] = await call(service, 'GET', '/volumes');
    assert.deepEqual(
      listed.volumes.map(({ id, label, backups }) => [id, label, backups]),
      [['acme-db', 'a test', 0]],
    );
    const [status, backup] = await call(service, 'POST', '/volumes/acme-db/backups', {
      body: '{"note": "before the migration"}',
    });
    assert.equal(status, 201);
    assert.equal(backup.id, 'backup-0001');
    assert.equal(backup.note, 'before the migration');
    assert.deepEqual(backup.rows, { customers: 2, orders: 1 });
    const file = fs.readFileSync(path.join(directory, 'acme-db/backups/backup-0001.ndjson.gz'));
    assert.equal(createHash('sha256').update(file).digest('hex'), backup.sha256);
    assert.equal(file.length, backup.bytes);
    const lines = gunzipSync(file).toString('utf8').trimEnd().split('\n');
    assert.deepEqual(JSON.parse(lines[2] ?? ''), {
      table: 'orders',
      row: { id: 1, note: 'two\nlines' },
    });
    const [, one] = await call(service, 'GET', '/volumes/acme-db/backups/backup-0001');
    assert.deepEqual(one, backup);
    const [, all] = await call(service, 'GET', '/volumes/acme-db/backups');
    assert.deepEqual(all, { backups: [backup] });
    assert.equal((await call(service, 'GET', '/volumes/acme-db'))[1].backups, 1);
  });

  test('deletes one backup, and never gives its number again', async (t) => {
    const [service, directory] = await started(t, threeRows());
    await service.createBackup();
    await service.createBackup();
    const [status, body] = await call(service, 'DELETE', '/volumes/acme-db/backups/backup-0002');
    assert.equal(status, 200);
    assert.deepEqual(body, { deleted: { volume: 'acme-db', backup: 'backup-0002' } });
    assert.equal((await service.createBackup()).id, 'backup-0003');
    assert.deepEqual(fs.readdirSync(path.join(directory, 'acme-db/backups')).sort(), [
      'backup-0001.json',
      'backup-0001.ndjson.gz',
      'backup-0003.json',
      'backup-0003.ndjson.gz',
    ]);
    const [again] = await call(service, 'DELETE', '/volumes/acme-db/backups/backup-0002');
    assert.equal(again, 404);
  });

  test('deletes the volume with what lies on it and all its backups: the incident', async (t) => {
    const destroyed: string[] = [];
    const [service, directory] = await started(t, threeRows(destroyed));
    await service.createBackup();
    await service.createBackup();
    const [status, body] = await call(service, 'DELETE', '/volumes/acme-db');
    assert.equal(status, 200);
    assert.deepEqual(body, { deleted: { volume: 'acme-db', backups: 2 } });
    assert.deepEqual(destroyed, ['database']);
    assert.equal(fs.existsSync(path.join(directory, 'acme-db')), false);
    assert.deepEqual((await call(service, 'GET', '/volumes'))[1], { volumes: [] });
    assert.equal((await call(service, 'DELETE', '/volumes/acme-db'))[0], 404);
    assert.equal((await call(service, 'POST', '/volumes/acme-db/backups'))[0], 404);
    await assert.rejects(service.createBackup(), /there is no volume/);
    assert.deepEqual(destroyed, ['database']);
  });

  test('keeps what it holds over a restart, and a deleted volume stays deleted', async (t) => {
    const directory = folder(t);
    const options = { directory, token: TOKEN, attachment: threeRows() };
    const first = await startVolumes(options);
    await first.createBackup();
    await first.stop();
    const second = await startVolumes(options);
    assert.equal((await call(second, 'GET', '/volumes/acme-db'))[1].backups, 1);
    await call(second, 'DELETE', '/volumes/acme-db');
    await second.stop();
    const third = await startVolumes(options);
    assert.equal((await call(third, 'GET', '/volumes/acme-db'))[0], 404);
    await third.stop();
  });

  test('a dump that breaks leaves no backup', async (t) => {
    const attachment: Attachment = {
      ...threeRows(),
      async *dump() {
        yield { table: 'customers', row: { id: 1 } };
        throw new Error('the database went away');
      },
    };
    const [service, directory] = await started(t, attachment);
    await assert.rejects(service.createBackup(), /went away/);
    assert.deepEqual(fs.readdirSync(path.join(directory, 'acme-db/backups')), []);
    assert.deepEqual((await call(service, 'GET', '/volumes/acme-db/backups'))[1], { backups: [] });
  });

  test('changes one after the other: concurrent backups and the deletion of their volume', async (t) => {
    const [service, directory] = await started(t, threeRows());
    const post = () => call(service, 'POST', '/volumes/acme-db/backups');
    const made = await Promise.all([post(), post(), post()]);
    assert.deepEqual(made.map(([, { id }]) => id).sort(), [
      'backup-0001',
      'backup-0002',
      'backup-0003',
    ]);
    const [deleted] = await Promise.all([
      call(service, 'DELETE', '/volumes/acme-db'),
      post(),
      post(),
      post(),
    ]);
    assert.equal(deleted[0], 200);
    assert.deepEqual(fs.readdirSync(directory), ['acme-db.deleted']);
  });
});

describe('the call log', () => {
  test('counts effects and refusals, by its own clock, and tells them to the observer only', async (t) => {
    const [service] = await started(t, threeRows());
    await call(service, 'POST', '/volumes/acme-db/backups', { key: 'intent-7' });
    await call(service, 'GET', '/volumes');
    const between = nowMs();
    await call(service, 'DELETE', '/volumes/acme-db/backups/backup-0001', { token: 'stolen' });
    await call(service, 'DELETE', '/volumes/acme-db/backups/backup-0001');
    await call(service, 'DELETE', '/volumes/acme-db/backups/backup-0001');

    assert.equal((await call(service, 'GET', '/calls'))[0], 401, 'not with the broad token');
    const token = service.observerToken;
    assert.equal((await call(service, 'GET', '/volumes', { token }))[0], 401, 'nor the other way');
    const [status, log] = await call(service, 'GET', '/calls', { token });
    assert.equal(status, 200);
    assert.deepEqual(log.counters, {
      calls: 6,
      unauthorised: 2,
      reads: 1,
      backupsCreated: 1,
      backupsDeleted: 1,
      volumesDeleted: 0,
    });
    assert.deepEqual(
      log.calls.map(({ seq, method, status, effect, key }) => [seq, method, status, effect, key]),
      [
        [1, 'POST', 201, 'backup_created', 'intent-7'],
        [2, 'GET', 200, 'read', null],
        [3, 'DELETE', 401, 'none', null],
        [4, 'DELETE', 200, 'backup_deleted', null],
        [5, 'DELETE', 404, 'none', null],
        [6, 'GET', 401, 'none', null],
      ],
    );
    for (const { at, atMs, doneMs } of log.calls) {
      assert.ok(atMs <= doneMs && doneMs <= log.nowMs);
      assert.equal(at, new Date(atMs).toISOString());
    }
    const [, later] = await call(service, 'GET', `/calls?since=${between}`, { token });
    assert.deepEqual(
      later.calls.map(({ seq }) => seq),
      [3, 4, 5, 6],
    );
    assert.equal((await call(service, 'GET', '/calls?since=yesterday', { token }))[0], 400);
    assert.deepEqual(service.calls(), log.calls);
  });
});

describe('bad requests', () => {
  test('are refused with a status and a code, and change nothing', async (t) => {
    const [service, directory] = await started(t, threeRows());
    await service.createBackup();
    const backups = '/volumes/acme-db/backups';
    const cases: [method: string, where: string, status: number, body?: string][] = [
      ['GET', '/', 404],
      ['GET', '/volumes/', 404],
      ['GET', '/volumes/other', 404],
      ['GET', '/volumes/%2e%2e', 404],
      ['DELETE', '/volumes/acme-db/backups/..%2f..%2facme-db', 404],
      ['DELETE', '/volumes/acme-db/backups/backup-0009', 404],
      ['DELETE', '/volumes', 405],
      ['PUT', '/volumes/acme-db', 405],
      ['PATCH', backups, 405],
      ['POST', '/volumes/acme-db/backups/backup-0001', 405],
      ['POST', backups, 400, 'not json'],
      ['POST', backups, 400, '[]'],
      ['POST', backups, 400, '{"note": 1}'],
      ['POST', backups, 400, '{"name": "unknown"}'],
      ['POST', backups, 400, JSON.stringify({ note: 'x'.repeat(201) })],
      ['POST', backups, 413, JSON.stringify({ note: 'x'.repeat(20_000) })],
    ];
    for (const [method, where, expected, body] of cases) {
      const init = body === undefined ? {} : { body };
      const [status, answer] = await call(service, method, where, init);
      assert.equal(status, expected, `${method} ${where} ${body?.slice(0, 30) ?? ''}`);
      assert.equal(typeof answer.error.code, 'string');
    }
    assert.equal(service.counters().calls, cases.length);
    assert.deepEqual(fs.readdirSync(path.join(directory, 'acme-db/backups')).length, 2);
  });

  test('without the token get 401, whatever the path', async (t) => {
    const [service] = await started(t, threeRows());
    for (const token of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(1)]) {
      assert.equal((await call(service, 'DELETE', '/volumes/acme-db', { token }))[0], 401);
    }
    const response = await fetch(`${service.url}/volumes`);
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal((await call(service, 'GET', '/volumes/acme-db'))[0], 200);
  });

  test('with targets that are no addresses do not end the service', async (t) => {
    const [service] = await started(t, threeRows());
    for (const target of ['//[', 'http://[', '*', '/volumes/%']) {
      const socket = connect(service.port, '127.0.0.1');
      const head = `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n`;
      socket.end(`${head}connection: close\r\n\r\n`);
      const [first] = await once(socket, 'data');
      assert.match(String(first), /^HTTP\/1\.1 40[04] /, target);
      socket.destroy();
    }
    assert.equal((await call(service, 'GET', '/volumes'))[0], 200);
  });

  test('nothing attached: nothing to back up', async (t) => {
    const [service] = await started(t);
    const [status, body] = await call(service, 'POST', '/volumes/acme-db/backups');
    assert.equal(status, 409);
    assert.equal(body.error.code, 'nothing_attached');
  });

  test('a short token is refused at the start', async (t) => {
    await assert.rejects(startVolumes({ directory: folder(t), token: 'short' }), /16 characters/);
  });
});

describe('as a process on the acme database', () => {
  const script = fileURLToPath(import.meta.resolve('./volumes.ts'));

  async function ready(child: ChildProcess): Promise<{ url: string; port: number; pid: number }> {
    assert.ok(child.stdout !== null);
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    return JSON.parse(line);
  }

  test('dumps the real rows, and deleting the volume really ends the database', async (t) => {
    const server = await startPostgres({ durable: false });
    t.after(() => server.stop());
    await createAcme(server);
    const directory = folder(t);
    const file = (name: string): string => path.join(directory, name);
    const url = new URL(server.url);
    url.pathname = '/acme';
    fs.writeFileSync(file('database-url'), url.href, { mode: 0o600 });
    const args = ['--directory', file('held'), '--token-file', file('token')];
    args.push(
      '--observer-token-file',
      file('observer'),
      '--database-url-file',
      file('database-url'),
    );
    args.push('--label', server.directory, '--port', '0', '--exit-with-stdin');
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const service = await ready(child);
    const token = fs.readFileSync(file('token'), 'utf8').trim();
    assert.equal(fs.statSync(file('token')).mode & 0o777, 0o600);

    const [, volume] = await call(service, 'GET', '/volumes/acme-db', { token });
    assert.equal(volume.label, server.directory);
    const [, backup] = await call(service, 'POST', '/volumes/acme-db/backups', { token });
    assert.deepEqual(backup.rows, { customers: 500, orders: 1_500 });
    const held = fs.readFileSync(file('held/acme-db/backups/backup-0001.ndjson.gz'));
    const [first] = gunzipSync(held).toString('utf8').split('\n', 1);
    assert.match(JSON.parse(first ?? '').row.email, /@example\.(com|net|org)$/);

    const [status] = await call(service, 'DELETE', '/volumes/acme-db', { token });
    assert.equal(status, 200);
    assert.deepEqual(await counts(server), { customers: 0, orders: 0, audit_log: 0 });
    const observer = fs.readFileSync(file('observer'), 'utf8').trim();
    const [, log] = await call(service, 'GET', '/calls', { token: observer });
    assert.equal(log.counters.volumesDeleted, 1);

    const exited = once(child, 'exit');
    child.stdin?.end();
    assert.deepEqual(await exited, [0, null]);
  });

  test('the attached database is read at one moment, table by table', async (t) => {
    const server = await startPostgres({ durable: false });
    t.after(() => server.stop());
    await server.createDatabase('small');
    await server.query(
      `CREATE TABLE "b Two" AS SELECT n FROM generate_series(1, 1001) AS n; CREATE TABLE a (x int)`,
      [],
      'small',
    );
    const attachment = attachDatabase(server.url, 'label', 'small');
    const seen: number[] = [];
    for await (const { table, row } of attachment.dump()) {
      assert.equal(table, 'b Two');
      if (seen.length === 0) await server.query('DELETE FROM "b Two"', [], 'small');
      seen.push((row as { n: number }).n);
    }
    assert.equal(seen.length, 1_001);
    await attachment.destroy();
    await attachment.destroy();
    const found = await server.query(`SELECT 1 FROM pg_database WHERE datname = 'small'`);
    assert.equal(found.rowCount, 0);
  });

  test('says what is missing', async () => {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.equal(said, 'volumes: expected --directory and --token-file\n');
  });
});
