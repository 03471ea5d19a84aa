/** Secrets as they are stored: one for a header, or some for the environment of a command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../domain/bundle.ts';
import { SignalboxError } from '../domain/errors.ts';
import { createReveal } from './reveal.ts';
import { staticSecretIssuer } from './static-secret.ts';

const stored: { readonly [name: string]: string } = { one: 'first value', two: 'second value' };
const secrets = {
  reveal: async (name: string) => {
    const value = stored[name];
    if (value === undefined) throw new SignalboxError('SECRET_MISSING', `no \`${name}\``);
    return value;
  },
};
const reveal = createReveal(secrets, { reveal: async () => 'a token' });

function connection(more: Partial<Connection>): Connection {
  return { name: 'files', kind: 'mcp', environment: 'test', settings: {}, ...more };
}

test('a command gets its secrets by variable', async () => {
  const settings = { secrets: { API_KEY: 'one', OTHER: 'two' } };
  const lease = { id: 'lease_1' } as Parameters<
    ReturnType<typeof staticSecretIssuer>['mint']
  >[0]['lease'];
  const credential = await staticSecretIssuer(secrets).mint({
    lease,
    connection: connection({ settings, issuer: 'static-secret' }),
    run: {} as never,
  });
  const values = { API_KEY: 'first value', OTHER: 'second value' };
  assert.deepEqual(credential, { kind: 'environment', leaseId: 'lease_1', values });
});

test('one that is not stored fails the whole of them', async () => {
  const settings = { secrets: { API_KEY: 'one', OTHER: 'three' } };
  await assert.rejects(reveal(connection({ settings, issuer: 'static-secret' })), {
    code: 'SECRET_MISSING',
  });
  await assert.rejects(reveal(connection({ issuer: 'static-secret' })), { code: 'SECRET_MISSING' });
});

test('outside a run a connection is looked at with what it names, or with nothing', async () => {
  assert.equal(await reveal(connection({})), null);
  const named = await reveal(connection({ secret: 'one', issuer: 'static-secret' }));
  assert.deepEqual(named, { kind: 'secret', leaseId: '', value: 'first value' });
  const granted = await reveal(connection({ issuer: 'oauth' }));
  assert.deepEqual(granted, { kind: 'secret', leaseId: '', value: 'a token' });
});
