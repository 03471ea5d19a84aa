import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Doors } from '../domain/doors.ts';
import type { Run } from '../domain/run.ts';
import type { Store } from '../domain/store.ts';
import { realDoors } from '../doors.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { type Agents, createAgents } from './agents.ts';
import { type Callers, createCallers } from './callers.ts';
import { createOperators, type Operators } from './operators.ts';
import { mintToken } from './tokens.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const real = realDoors();
let now = Date.UTC(2026, 10, 22);
const doors: Doors = { ...real, clock: { ...real.clock, now: () => now } };

let directory: string;
let store: Store;
let callers: Callers;
let agents: Agents;
let operators: Operators;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-identity-'));
  store = await openSqliteStore({ directory, masterKey: new Uint8Array(32).fill(1), doors });
  callers = createCallers({ store, doors });
  agents = createAgents({ store, doors });
  operators = createOperators({ store, doors });
});
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function newRun(agent = 'support', lifeMs = 8 * HOUR): Promise<Run> {
  const id = doors.entropy.id('run');
  const run: Run = {
    id,
    root: id,
    parent: null,
    depth: 0,
    agent,
    intent: 'test',
    state: 'live',
    startedAt: now,
    expiresAt: now + lifeMs,
    endedAt: null,
    budget: {},
    tools: null,
    actsFor: [],
  };
  assert.deepEqual(await store.commit({ kind: 'run.begin', run, at: now }), { ok: true });
  return run;
}

const bearer = (token: string): string => `Bearer ${token}`;
const raise = (scope: string) =>
  store.commit({ kind: 'halt.raise', scope, reason: 'test', by: 'dana', at: now });
const lift = (scope: string) =>
  store.commit({ kind: 'halt.lift', scope, reason: 'test', by: 'dana', at: now });

test('a run token proves its run for five minutes, and longer only when renewed in time', async () => {
  const run = await newRun();
  const { token, expiresAt } = await callers.issue(run);
  assert.equal(expiresAt, now + 5 * MINUTE);
  const caller = await callers.authenticate(bearer(token));
  assert.ok(caller.kind === 'run' && caller.runId === run.id);
  now += 4 * MINUTE;
  assert.equal(await callers.renew(caller), now + 5 * MINUTE);
  now += 4 * MINUTE;
  await callers.authenticate(bearer(token));
  now += MINUTE;
  await assert.rejects(callers.authenticate(bearer(token)), { code: 'TOKEN_EXPIRED' });
  await assert.rejects(callers.renew(caller), { code: 'TOKEN_INVALID' });
});

test('a token never outlives its run', async () => {
  const run = await newRun('support', 2 * MINUTE);
  const { token, expiresAt } = await callers.issue(run);
  assert.equal(expiresAt, run.expiresAt);
  const caller = await callers.authenticate(bearer(token));
  assert.ok(caller.kind === 'run');
  now += MINUTE;
  assert.equal(await callers.renew(caller), run.expiresAt);
  now += MINUTE;
  await assert.rejects(callers.renew(caller), { code: 'RUN_OVER' });
});

test('every way to come without a good token has its own code', async () => {
  const run = await newRun();
  const { token } = await callers.issue(run);
  const foreign = mintToken('run', doors.entropy);
  const code = await operators.setupCode();
  const cases: [string | undefined, string][] = [
    [undefined, 'TOKEN_MISSING'],
    ['', 'TOKEN_MISSING'],
    [token, 'TOKEN_INVALID'],
    ['Basic dXNlcjpwYXNz', 'TOKEN_INVALID'],
    [bearer('secret'), 'TOKEN_INVALID'],
    [bearer(`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`), 'TOKEN_INVALID'],
    [bearer(foreign), 'TOKEN_INVALID'],
    [bearer(code ?? ''), 'TOKEN_AUDIENCE'],
  ];
  for (const [header, expected] of cases)
    await assert.rejects(callers.authenticate(header), { code: expected }, expected);
});

test('a token of a run that ended says so; one that a halt revoked says that, and stays dead after resume', async () => {
  const ended = await newRun();
  const { token: endedToken } = await callers.issue(ended);
  await store.commit({ kind: 'run.end', runId: ended.id, why: 'test', at: now });
  await assert.rejects(callers.authenticate(bearer(endedToken)), { code: 'RUN_OVER' });

  for (const [agent, scopeOf] of [
    ['a1', (run: Run) => `run:${run.id}`],
    ['a2', (run: Run) => `agent:${run.agent}`],
    ['a3', () => 'all'],
  ] as const) {
    const run = await newRun(agent);
    const { token } = await callers.issue(run);
    await raise(scopeOf(run));
    await assert.rejects(callers.authenticate(bearer(token)), { code: 'HALTED' }, agent);
    await assert.rejects(
      callers.renew({ runId: run.id, tokenHash: 'x' }),
      { code: 'HALTED' },
      agent,
    );
    await lift(scopeOf(run));
    await assert.rejects(callers.authenticate(bearer(token)), { code: 'TOKEN_INVALID' }, agent);
  }
});

test('no token is handed out for a run that was halted meanwhile', async () => {
  const run = await newRun('a4');
  await raise(`run:${run.id}`);
  await assert.rejects(callers.issue(run), { code: 'HALTED' });
  await lift(`run:${run.id}`);
  const { token } = await callers.issue(run);
  assert.equal((await callers.authenticate(bearer(token))).kind, 'run');
});

test('an agent secret proves the agent until it is revoked or too old', async () => {
  const { token, expiresAt } = await agents.enrol({ agent: 'support', by: 'dana' });
  assert.equal(expiresAt, now + 90 * 24 * HOUR);
  const caller = await callers.authenticate(bearer(token));
  assert.ok(caller.kind === 'agent' && caller.agent === 'support');
  await agents.revoke(token);
  await assert.rejects(callers.authenticate(bearer(token)), { code: 'TOKEN_INVALID' });
  for (const days of [0, -1, Number.NaN, 1_000])
    await assert.rejects(agents.enrol({ agent: 'a', by: 'b', days }), {
      code: 'REQUEST_MALFORMED',
    });
});

test('the first owner comes in by the setup code, once and in time; later ones by invitation', async () => {
  const late = await operators.setupCode();
  now += 11 * MINUTE;
  await assert.rejects(operators.claim(late ?? '', 'dana'), { code: 'SETUP_CODE' });
  const earlier = (await operators.setupCode()) ?? '';
  now += MINUTE;
  const code = (await operators.setupCode()) ?? '';
  await assert.rejects(operators.claim(earlier, 'mallory'), { code: 'SETUP_CODE' });
  await assert.rejects(operators.claim(code, 'Dana Smith'), { code: 'REQUEST_MALFORMED' });
  const { operator, key } = await operators.claim(code, 'dana');
  assert.deepEqual(operator, { name: 'dana', role: 'owner' });
  await assert.rejects(operators.claim(code, 'eve'), { code: 'SETUP_CODE' });
  await assert.rejects(operators.claim(earlier, 'mallory'), { code: 'SETUP_CODE' });
  assert.equal(await operators.setupCode(), null);
  assert.deepEqual(await operators.authenticate(bearer(key)), operator);

  const invited = await operators.invite({ role: 'operator', by: 'dana' });
  await assert.rejects(operators.claim(invited.token, 'dana'), { code: 'REQUEST_MALFORMED' });
  const second = await operators.claim(invited.token, 'eve');
  assert.equal(second.operator.role, 'operator');

  const { token } = await callers.issue(await newRun());
  await assert.rejects(operators.authenticate(bearer(token)), { code: 'TOKEN_AUDIENCE' });
  await assert.rejects(callers.authenticate(bearer(key)), { code: 'TOKEN_AUDIENCE' });
});

test('a browser session ends after 30 idle minutes and after 8 hours, and cannot be stretched by its holder', async () => {
  const { sessions } = operators;
  const session = await sessions.open({ name: 'dana' });
  assert.equal((await sessions.authenticate(session.cookie)).operator.role, 'owner');
  for (let used = 0; used < 15; used++) {
    now += 29 * MINUTE;
    await sessions.authenticate(session.cookie);
  }
  const [token = ''] = session.cookie.split('.');
  const stretched = `${token}.${now.toString(36)}`;
  await assert.rejects(sessions.authenticate(stretched), { code: 'TOKEN_INVALID' });
  now += 29 * MINUTE;
  await sessions.authenticate(session.cookie);
  now += 29 * MINUTE;
  await assert.rejects(sessions.authenticate(session.cookie), { code: 'TOKEN_EXPIRED' });

  const idle = await sessions.open({ name: 'dana' });
  now += 30 * MINUTE;
  await assert.rejects(sessions.authenticate(idle.cookie), { code: 'TOKEN_EXPIRED' });
  const closed = await sessions.open({ name: 'dana' });
  await sessions.close(closed.cookie);
  await assert.rejects(sessions.authenticate(closed.cookie), { code: 'TOKEN_EXPIRED' });
  for (const cookie of [undefined, ''])
    await assert.rejects(sessions.authenticate(cookie), { code: 'TOKEN_MISSING' });
});

test('a form is taken only with the token of its own session', async () => {
  const { sessions } = operators;
  const mine = await sessions.open({ name: 'dana' });
  const other = await sessions.open({ name: 'dana' });
  assert.equal((await sessions.authenticate(mine.cookie)).csrf, mine.csrf);
  assert.doesNotThrow(() => sessions.checkCsrf(mine.cookie, mine.csrf));
  for (const given of [undefined, null, '', 'x', other.csrf])
    assert.throws(() => sessions.checkCsrf(mine.cookie, given), { code: 'CSRF' });
});

test('nobody is let in while the store cannot be asked', async () => {
  const down = { token: async () => Promise.reject(new Error('disk')) } as unknown as Store;
  const { token } = await callers.issue(await newRun());
  await assert.rejects(createCallers({ store: down, doors }).authenticate(bearer(token)), {
    code: 'STORE_DOWN',
  });
});
