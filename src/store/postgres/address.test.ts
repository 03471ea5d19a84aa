import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresAddress } from './address.ts';

const at = (url: string, ca?: string) =>
  postgresAddress({ url, password: 'p', ...(ca === undefined ? {} : { ca }) });

test('off this machine TLS is verified, whatever is said', () => {
  const { client, schema } = at('postgresql://sbx@db.example:6543/signalbox?schema=own');
  const { host, port, database, user, ssl } = client;
  assert.deepEqual([host, port, database, user], ['db.example', 6543, 'signalbox', 'sbx']);
  assert.deepEqual(ssl, { rejectUnauthorized: true, host: 'db.example' });
  assert.equal(schema, 'own');
  const given = at('postgres://sbx@db.example/signalbox?sslmode=verify-full', 'PEM');
  assert.deepEqual(given.client.ssl, { rejectUnauthorized: true, host: 'db.example', ca: 'PEM' });
});

test('on this machine it is used when asked for', () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    assert.equal(at(`postgresql://sbx@${host}/d`).client.ssl, false, host);
    const asked = at(`postgresql://sbx@${host}/d?sslmode=verify-full`);
    const named = { rejectUnauthorized: true, host: host.replace(/^\[|\]$/g, '') };
    assert.deepEqual(asked.client.ssl, named);
    const given = at(`postgresql://sbx@${host}/d`, 'PEM').client.ssl;
    assert.deepEqual(given, { ...named, ca: 'PEM' });
  }
  assert.equal(at('postgresql://sbx@[::1]/d').client.host, '::1');
});

test('what would weaken it, or say a secret, is refused', () => {
  const wrong = [
    'postgresql://sbx:hunter2@db.example/signalbox',
    'postgresql://sbx@db.example/signalbox?sslmode=require',
    'postgresql://sbx@db.example/signalbox?sslmode=disable',
    'postgresql://sbx@db.example/signalbox?password=hunter2',
    'postgresql://db.example/signalbox',
    'postgresql://sbx@db.example/',
    'mysql://sbx@db.example/signalbox',
    'signalbox.db',
  ];
  for (const url of wrong)
    assert.throws(
      () => at(url),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'USAGE', url);
        assert.ok(!error.message.includes('hunter2'));
        return true;
      },
    );
});
