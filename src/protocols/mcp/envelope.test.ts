import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { type Mirrors, readEnvelope } from './envelope.ts';
import { ProtocolFault } from './faults.ts';
import type { Request } from './message.ts';

const P = 'io.modelcontextprotocol/';
const VERSION = '2026-07-28';
const META = {
  [`${P}protocolVersion`]: VERSION,
  [`${P}clientCapabilities`]: { elicitation: {} },
  [`${P}clientInfo`]: { name: 'a client', version: '1' },
};
const HEADERS: Mirrors = { version: VERSION, method: 'tools/call', name: 'get_customer' };
const NONE: Mirrors = { version: undefined, method: undefined, name: undefined };

const call = (meta: JsonObject | undefined, more: Partial<Request> = {}): Request => ({
  kind: 'request',
  id: 1,
  method: 'tools/call',
  params: { name: 'get_customer', ...(meta === undefined ? {} : { _meta: meta }) },
  ...more,
});

const codeOf = (request: Request, mirrors: Mirrors): [number, number] | 'taken' => {
  try {
    readEnvelope(request, mirrors);
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof ProtocolFault);
    return [error.code, error.status];
  }
};

test('a modern request is known by its _meta, and carries everything with it', () => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const request = call({ ...META, progressToken: 7, traceparent: trace });
  assert.deepEqual(readEnvelope(request, HEADERS), {
    era: 'modern',
    version: VERSION,
    capabilities: { elicitation: {} },
    client: 'a client',
    progressToken: 7,
    traceparent: trace,
    logLevel: null,
  });
  assert.equal(readEnvelope(call({ ...META, traceparent: 'x' }), HEADERS).traceparent, null);
});

test('headers and body must agree: -32020 with status 400', () => {
  const wrong: Partial<Mirrors>[] = [
    { version: undefined },
    { version: '2025-11-25' },
    { method: undefined },
    { method: 'tools/list' },
    { method: 'Tools/Call' },
    { name: undefined },
    { name: 'drop_database' },
    { name: '=?base64?ZHJvcA==?=' },
  ];
  for (const part of wrong)
    assert.deepEqual(
      codeOf(call(META), { ...HEADERS, ...part }),
      [-32020, 400],
      JSON.stringify(part),
    );
  const encoded = `=?base64?${Buffer.from('get_customer').toString('base64')}?=`;
  assert.equal(codeOf(call(META), { ...HEADERS, name: encoded }), 'taken');
});

test('a broken envelope is -32602 with status 400, never taken for an older client', () => {
  const broken: (JsonObject | undefined)[] = [
    { ...META, [`${P}protocolVersion`]: 7 },
    { ...META, [`${P}clientCapabilities`]: [] },
    { [`${P}protocolVersion`]: VERSION },
    undefined,
    {},
  ];
  for (const meta of broken) assert.deepEqual(codeOf(call(meta), HEADERS), [-32602, 400]);
  const text = call(undefined, { params: { name: 'get_customer', _meta: 'x' } });
  assert.deepEqual(codeOf(text, NONE), [-32602, 400]);
});

test('a version not spoken here names those that are', () => {
  const future = { ...META, [`${P}protocolVersion`]: '2027-01-01' };
  for (const [request, version] of [
    [call(future), '2027-01-01'],
    [call(undefined), '1999-01-01'],
  ] as const) {
    assert.throws(
      () => readEnvelope(request, { ...HEADERS, version }),
      (error: ProtocolFault) =>
        error.code === -32022 &&
        error.status === 400 &&
        error.data?.requested === version &&
        JSON.stringify(error.data.supported).includes('2025-11-25'),
    );
  }
});

test('without _meta a request is legacy, whatever it mirrors', () => {
  for (const version of [undefined, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
    const read = readEnvelope(call(undefined), { ...NONE, version });
    assert.deepEqual([read.era, read.version], ['legacy', version ?? '2025-03-26']);
  }
  const opening = call(undefined, { method: 'initialize' });
  assert.equal(readEnvelope(opening, { ...NONE, version: '2099-01-01' }).era, 'legacy');
  assert.equal(readEnvelope(call({ progressToken: 'p' }), NONE).progressToken, 'p');
});
