import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readExpected } from './expected.ts';
import { judgeLeg } from './judge.ts';
import { startShim } from './shim.ts';

const found = (...failures: string[]) => ({ failures, warnings: [] });
const because = 'a reason that is long enough to be one, in so many words';

test('a leg counts what is scored, what is expected, what is missing and what is stale', () => {
  const findings = new Map([
    ['good', found()],
    ['bad', found('x: broken')],
    ['bridgeless', found('y: no such thing')],
    ['not-scored', found('z: whatever')],
    ['healed', found()],
  ]);
  const names = ['good', 'bad', 'bridgeless', 'healed', 'missing'];
  const expected = ['bridgeless', 'healed'].map((scenario) => ({ leg: 'a', scenario, because }));
  const { passed, failed, expectedFailures, stale, failing } = judgeLeg(
    'a',
    names,
    findings,
    expected,
  );
  assert.deepEqual([passed, failed, expectedFailures, stale], [2, 2, 1, ['healed']]);
  assert.deepEqual(
    failing.map(({ scenario }) => scenario),
    ['bad', 'missing'],
  );
  assert.equal(judgeLeg('b', names, findings, expected).expectedFailures, 0);
});

test('expected failures: six at most, and each with a reason', () => {
  const path = join(tmpdir(), `expected-${process.pid}.yaml`);
  const write = (entries: readonly object[]) => writeFileSync(path, JSON.stringify(entries));
  const one = { leg: 'a', scenario: 'b', because };
  write(Array(6).fill(one));
  assert.equal(readExpected(path).length, 6);
  write(Array(7).fill(one));
  assert.throws(() => readExpected(path), /at most 6/);
  write([{ ...one, because: 'no' }]);
  assert.throws(() => readExpected(path), /expected the reason/);
});

test('the shim adds a token and changes nothing else', async () => {
  const seen: { headers: readonly string[]; body: string }[] = [];
  const target = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    seen.push({ headers: request.rawHeaders, body });
    response.writeHead(418, { 'X-Odd': 'Yes' }).end('{"a": 1}');
  });
  await new Promise<void>((listening) => target.listen(0, '127.0.0.1', listening));
  const shim = await startShim();
  shim.lead(`http://127.0.0.1:${(target.address() as AddressInfo).port}`, 'sbx_x');
  const answer = await fetch(`http://127.0.0.1:${shim.port}/mcp`, {
    method: 'POST',
    headers: { Origin: 'http://evil.example' },
    body: '{"b": 2 }',
  });
  assert.equal(answer.status, 418);
  assert.equal(answer.headers.get('x-odd'), 'Yes');
  assert.equal(await answer.text(), '{"a": 1}');
  const { headers = [], body } = seen[0] ?? {};
  assert.equal(body, '{"b": 2 }');
  assert.equal(headers[headers.indexOf('host') + 1] ?? headers[1], `127.0.0.1:${shim.port}`);
  assert.ok(headers.includes('http://evil.example'));
  assert.deepEqual(headers.slice(-2), ['authorization', 'Bearer sbx_x']);
  await shim.close();
  target.close();
});
