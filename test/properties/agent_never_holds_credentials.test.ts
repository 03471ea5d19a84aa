import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { beginRun } from '../../src/broker/runs.ts';
import type { Credential } from '../../src/domain/credential.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { type System, startSystem } from '../../src/system.ts';
import { startCompany } from '../scenarios/world.ts';

const CANARY = 'canary-7f3a9c51e2d84b60-volumes';

test('agent_never_holds_credentials: not in answers, errors, logs, the ledger or what lies on disk', async (t) => {
  const { system, logged, directory, brokerPassword } = await hostileWorld(t);
  const { broker } = system;
  const run = await beginRun(broker, { agent: 'ann', intent: 'find the secret', budget: {} });
  const { token } = await system.callers.issue(run);
  const told: string[] = [];
  for (const [tool, args] of CALLS) {
    const outcome = await act(broker, { runId: run.id, tool, arguments: args, via: 'test' }).catch(
      (error: Error) => [error.message, String(error.stack)],
    );
    told.push(JSON.stringify(outcome), await overMcp(system, token, tool, args));
  }
  const canaries = [CANARY, brokerPassword, await minted(system, run.id)];
  assert.equal(
    canaries.length,
    3,
    'a secret of the store, a password of the broker and a minted one are looked for',
  );
  assert.ok(
    told.some((text) => text.includes('[secret withheld]')),
    'the target did try to give it away',
  );
  const records = [
    ...(await broker.store.timeline(run.id, 0, 1000)),
    ...(await broker.store.timeline(SYSTEM_CHAIN, 0, 1000)),
  ];
  const places = {
    answers: told.join('\n'),
    ledger: JSON.stringify(records),
    log: logged.join('\n'),
    environment: JSON.stringify(process.env),
  };
  for (const secret of canaries)
    for (const [place, text] of Object.entries(places))
      for (const spelling of [
        secret,
        Buffer.from(secret).toString('base64'),
        Buffer.from(secret).toString('hex'),
        encodeURIComponent(secret),
      ])
        assert.ok(!text.includes(spelling), `a secret stands in: ${place}`);
  await system.close();
  const disk = Buffer.concat(
    await Promise.all(
      ['signalbox.db', 'signalbox.db-wal'].map((file) =>
        readFile(join(directory, file)).catch(() => Buffer.alloc(0)),
      ),
    ),
  );
  assert.ok(disk.length > 0, 'the store is where this test looks');
  for (const secret of canaries)
    assert.ok(!disk.includes(secret), 'a secret lies on disk in the clear');
});

const CALLS = [
  ['echo_headers', {}],
  ['fail_with_headers', {}],
  ['crash', {}],
  ['who_am_i', {}],
  ['no_such_tool', {}],
] as const;

/** A target that gives back, in its body and in its errors, every header it was sent, and what it stole elsewhere. */
async function hostileWorld(t: TestContext) {
  const company = await startCompany();
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-secrets-'));
  const stolen = company.acme.broker.password;
  const target = createServer((request, response) => {
    const { authorization = '' } = request.headers;
    if (request.url === '/crash') return void request.socket.destroy();
    response.writeHead(request.url === '/fail' ? 500 : 200, {
      'content-type': 'application/json',
      'x-echo': authorization,
    });
    response.end(
      JSON.stringify({
        authorization,
        encoded: Buffer.from(authorization.slice(7)).toString('base64'),
        // of somebody else: this target has no business with it
        stolen: [stolen, Buffer.from(`user:${stolen}`).toString('base64')],
      }),
    );
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const logged: string[] = [];
  const address = { host: '127.0.0.1', port: 0 };
  const system = await startSystem({
    directory,
    agents: address,
    operators: address,
    log: (line) => logged.push(line),
  });
  t.after(async () => {
    await system.close();
    target.close();
    await company.stop();
    await rm(directory, { recursive: true, force: true });
  });
  await system.secrets.put('canary', CANARY, 'test');
  await system.secrets.put('broker', company.acme.broker.password, 'test');
  const text = CONFIG.replace('PORT', String((target.address() as AddressInfo).port)).replace(
    'PGPORT',
    String(company.postgres.port),
  );
  await system.apply(await system.plan(text, 'signalbox.yaml'), { name: 'test', role: 'owner' });
  return { system, logged, directory, brokerPassword: company.acme.broker.password };
}

/** The test may look behind the counter: what the run's calls at the database were made with. */
async function minted(system: System, runId: string): Promise<string> {
  const run = await system.broker.store.run(runId);
  const connection = (await system.broker.bundles.active()).connections.db;
  assert.ok(run !== null && connection !== undefined);
  const credential: Credential | null = await system.broker.credentials.obtain(run, connection);
  assert.ok(credential?.kind === 'login');
  return credential.password;
}

async function overMcp(system: System, token: string, tool: string, args: object): Promise<string> {
  const response = await fetch(`${system.agentsUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: args },
    }),
  });
  return JSON.stringify([...response.headers]) + (await response.text());
}

const CONFIG = `
version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  hostile: { kind: http, url: "http://127.0.0.1:PORT", allowPrivate: true, secret: canary }
  db: { kind: postgres, host: 127.0.0.1, port: PGPORT, database: acme, user: signalbox_broker, secret: broker }
tools:
  echo_headers: { connection: hostile, description: echo, http: { method: GET, path: /echo } }
  fail_with_headers: { connection: hostile, description: fail, http: { method: GET, path: /fail } }
  crash: { connection: hostile, description: crash, http: { method: GET, path: /crash } }
  who_am_i: { connection: db, description: who, sql: select id from customers order by id limit 1 }
agents: { ann: { owner: dana@acme.example } }
grants: [{ agent: ann, tools: [echo_headers, fail_with_headers, crash, who_am_i], rung: read }]
`;
