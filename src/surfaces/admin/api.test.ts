import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HaltReport } from '../../broker/broker.ts';
import { hashOfToken, mintToken } from '../../identity/tokens.ts';
import type { AskView } from './ask-view.ts';
import type { RunView } from './desk.ts';
import { CONFIG } from './testing/config.ts';
import { type Office, openOffice, toolNamed } from './testing/office.ts';

let office: Office;
before(async () => {
  office = await openOffice();
});
after(() => office.close());

const codeOf = (answer: { json: { [name: string]: unknown } }): unknown =>
  (answer.json.error as { code?: unknown } | undefined)?.code;

async function shown(id: string): Promise<AskView> {
  return (await office.call('GET', `/api/approvals/${id}`)).json as unknown as AskView;
}

describe('who may come in', () => {
  test('nobody without a key, whatever the address says', async () => {
    for (const [method, path] of [
      ['GET', '/api/status'],
      ['GET', '/api/approvals'],
      ['GET', '/api/ledger/verify'],
      ['POST', '/api/halts'],
      ['POST', '/api/apply'],
      ['GET', '/pulse'],
    ] as const) {
      const headers = { 'x-forwarded-for': '127.0.0.1', cookie: 'signalbox_session=x' };
      const json = method === 'POST' ? {} : undefined;
      const bare = await office.call(method, path, { bearer: null, json });
      assert.equal(bare.status, 401, path);
      assert.equal(codeOf(bare), 'TOKEN_MISSING', path);
      assert.equal((await office.call(method, path, { bearer: null, headers, json })).status, 401);
    }
  });

  test('no token of an agent or a run, nor a key that was never made', async () => {
    const { entropy } = office.doors;
    const enrolled = await office.call('POST', '/api/agents/support/enrol', { json: {} });
    assert.equal(enrolled.status, 200);
    const agent = String(enrolled.json.token);
    const began = await fetch(`${office.agentsUrl}/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${agent}`, 'content-type': 'application/json' },
      body: JSON.stringify({ intent: 'try the operators' }),
    });
    const { token: run } = (await began.json()) as { token: string };
    for (const [bearer, code] of [
      [agent, 'TOKEN_AUDIENCE'],
      [run, 'TOKEN_AUDIENCE'],
      [mintToken('operator', entropy), 'TOKEN_INVALID'],
      [`${office.key.slice(0, -1)}x`, 'TOKEN_INVALID'],
      ['', 'TOKEN_INVALID'],
    ] as const) {
      const refused = await office.call('POST', '/api/halts', {
        bearer,
        json: { scope: 'all', reason: 'an agent asks' },
      });
      assert.equal(codeOf(refused), code, bearer.slice(0, 8));
    }
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
  });

  test('a session changes nothing without the token of its own pages', async () => {
    const login = await office.call('POST', '/login', { bearer: null, json: { key: office.key } });
    const setCookie = login.headers.get('set-cookie') ?? '';
    assert.match(setCookie, /^signalbox_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
    const cookie = setCookie.split(';')[0] ?? '';
    const post = (headers: { [name: string]: string }) =>
      office.call('POST', '/api/halts', {
        bearer: null,
        headers: { cookie, ...headers },
        json: { scope: 'all', preview: true },
      });
    assert.equal(codeOf(await post({})), 'CSRF');
    assert.equal(codeOf(await post({ 'x-csrf-token': 'x' })), 'CSRF');
    assert.equal((await post({ 'x-csrf-token': String(login.json.csrf) })).status, 200);
    const planted = { cookie: `signalbox_session=mine; ${cookie}` };
    assert.equal(
      (await office.call('GET', '/api/status', { bearer: null, headers: planted })).status,
      401,
    );
    const out = await office.call('POST', '/logout', {
      bearer: null,
      headers: { cookie, 'x-csrf-token': String(login.json.csrf) },
      json: {},
    });
    assert.equal(out.status, 200);
    assert.equal(codeOf(await post({ 'x-csrf-token': String(login.json.csrf) })), 'TOKEN_EXPIRED');
  });

  test('another origin is refused even with everything else right', async () => {
    const refused = await office.call('POST', '/api/halts', {
      headers: { origin: 'https://evil.example' },
      json: { scope: 'all', preview: true },
    });
    assert.equal(codeOf(refused), 'ORIGIN_REFUSED');
  });

  test('a setup code makes one operator, who cannot do what owners do', async () => {
    const made = await office.call('POST', '/api/operators/invite', { json: { role: 'operator' } });
    const code = String(made.json.code);
    const claim = (name: string) =>
      office.call('POST', '/setup', { bearer: null, json: { code, name } });
    const claimed = await claim('pat');
    assert.equal(claimed.status, 201);
    assert.equal(codeOf(await claim('eve')), 'SETUP_CODE');
    const bearer = String(claimed.json.key);
    const invite = await office.call('POST', '/api/operators/invite', {
      bearer,
      json: { role: 'owner' },
    });
    assert.equal(codeOf(invite), 'OWNER_NEEDED');
    for (const [path, json] of [
      ['/api/secrets/acme-db', { value: 'hunter3-hunter3' }],
      ['/api/agents/support/enrol', {}],
    ] as const)
      assert.equal(codeOf(await office.call('POST', path, { bearer, json })), 'OWNER_NEEDED', path);
    const row = await office.broker.store.token(hashOfToken(bearer));
    assert.equal(row?.subject, 'pat');
  });
});

describe('approvals', () => {
  test('what is shown is what is bound, and approving it lets exactly it run', async () => {
    const run = await office.begin();
    const id = await office.park(run);
    const view = await shown(id);
    assert.equal(view.argumentsText, '{"id":7,"name":"Ada L."}');
    assert.match(view.target, /^production\/shop#[0-9a-f]{12}$/);
    assert.equal(view.problem, null);
    assert.deepEqual(view.measured?.images[0]?.after, { id: 7, name: 'Ada L.', plan: 'basic' });
    const listed = await office.call('GET', '/api/approvals');
    assert.deepEqual(
      (listed.json.approvals as unknown as AskView[]).map(({ id }) => id),
      [id],
    );
    const post = (digest: string) =>
      office.call('POST', `/api/approvals/${id}/approve`, {
        json: { digest, because: 'looks right' },
      });
    assert.equal(codeOf(await post('0'.repeat(64))), 'APPROVAL_CHANGED');
    assert.equal((await post(view.digest)).status, 200);
    assert.equal(codeOf(await post(view.digest)), 'APPROVAL_CLOSED');
    const outcome = await office.propose(run, 'rename', { id: 7, name: 'Ada L.' });
    assert.equal(outcome.kind, 'done');
    assert.equal(office.shelf.rows[0]?.name, 'Ada L.');
    assert.equal((await shown(id)).state, 'used');
  });

  test('nothing is approved that cannot be shown as it will run', async () => {
    const run = await office.begin();
    const id = await office.park(run, 'Changed');
    const { digest } = await shown(id);
    const changed = toolNamed('rename', 'write', { binding: { sql: 'delete from customers' } });
    const { tools } = await office.broker.bundles.active();
    await office.activate({ tools: { ...tools, rename: changed } });
    const view = await shown(id);
    assert.match(view.problem ?? '', /tool was changed/);
    assert.equal(view.binding, null);
    const approved = await office.call('POST', `/api/approvals/${id}/approve`, {
      json: { digest },
    });
    assert.equal(codeOf(approved), 'APPROVAL_CLOSED');
    const refused = await office.call('POST', `/api/approvals/${id}/refuse`, { json: { digest } });
    assert.equal(refused.status, 200);
    await office.activate();
  });

  test('nor is anything whose target was moved under the same name', async () => {
    const id = await office.park(await office.begin(), 'Moved');
    const { connections } = await office.broker.bundles.active();
    const shop = { ...connections.shop, settings: { host: 'elsewhere.example' } };
    await office.activate({ connections: { shop } as typeof connections });
    const { digest, problem } = await shown(id);
    assert.match(problem ?? '', /connection was changed/);
    const approved = await office.call('POST', `/api/approvals/${id}/approve`, {
      json: { digest },
    });
    assert.equal(codeOf(approved), 'APPROVAL_CLOSED');
    await office.activate();
  });

  test('an expired ask is shown as such and cannot be answered', async () => {
    const run = await office.begin();
    const id = await office.park(run, 'Late');
    const { digest } = await shown(id);
    office.clock.at += 61 * 60_000;
    assert.equal((await shown(id)).state, 'expired');
    const listed = await office.call('GET', '/api/approvals');
    assert.deepEqual(listed.json.approvals, []);
    const approved = await office.call('POST', `/api/approvals/${id}/approve`, {
      json: { digest },
    });
    assert.equal(codeOf(approved), 'APPROVAL_CLOSED');
  });
});

let others = 0;

/** The key of a new operator. */
async function another(role: 'owner' | 'operator'): Promise<string> {
  const invited = await office.call('POST', '/api/operators/invite', { json: { role } });
  const json = { code: invited.json.code, name: `${role}-${++others}` };
  return String((await office.call('POST', '/setup', { bearer: null, json })).json.key);
}

describe('halts', () => {
  test('a preview shows the reach and pulls nothing; the halt reports; resume lifts it', async () => {
    const run = await office.begin();
    const id = await office.park(run, 'Halted');
    const scope = `run:${run}`;
    const preview = await office.call('POST', '/api/halts', { json: { scope, preview: true } });
    assert.deepEqual(preview.json.reach, {
      ...{ scope, runs: 1, subRuns: 0, whole: true, flights: 0, sent: 0, asks: 1, approved: 0 },
      ...{ streams: 0, children: 0, leases: 0, credentials: [], grants: [] },
    });
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
    const halted = await office.call('POST', '/api/halts', { json: { scope, reason: 'a test' } });
    const report = halted.json.report as unknown as HaltReport;
    assert.equal(report.voided, 1);
    assert.equal(typeof report.inertMs, 'number');
    assert.equal((await shown(id)).state, 'void');
    const listed = await office.call('GET', '/api/halts');
    assert.equal((listed.json.halts as unknown as { scope: string }[])[0]?.scope, scope);
    const json = { scope, reason: 'over' };
    const own = await office.call('POST', '/api/resume', { json });
    assert.equal(codeOf(own), 'RESUME_NEEDS_ANOTHER');
    const bearer = await another('operator');
    const lifted = await office.call('POST', '/api/resume', { bearer, json });
    assert.equal(lifted.status, 200);
    const again = await office.call('POST', '/api/resume', { bearer, json });
    assert.equal(codeOf(again), 'HALT_NOT_FOUND');
  });

  test('a halt of everything is lifted by an owner who did not raise it', async () => {
    const [operator, owner] = [await another('operator'), await another('owner')];
    const json = { scope: 'all', reason: 'a test' };
    assert.equal((await office.call('POST', '/api/halts', { bearer: operator, json })).status, 200);
    const by = async (bearer: string) =>
      codeOf(await office.call('POST', '/api/resume', { bearer, json }));
    assert.equal(await by(operator), 'RESUME_NEEDS_OWNER');
    assert.equal(await by(owner), undefined);
  });

  test('a halt needs a known scope and a reason', async () => {
    const post = (json: object) => office.call('POST', '/api/halts', { json });
    assert.equal(codeOf(await post({ scope: 'agent', reason: 'x' })), 'HALT_SCOPE');
    assert.equal(codeOf(await post({ scope: 'planet:earth', reason: 'x' })), 'HALT_SCOPE');
    assert.equal(codeOf(await post({ scope: 'all' })), 'REQUEST_MALFORMED');
    assert.equal(codeOf(await post({ scope: 'all', reason: ' ' })), 'REQUEST_MALFORMED');
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
  });
});

describe('plan and apply', () => {
  const body = { text: CONFIG, path: 'signalbox.yaml' };

  test('a plan changes nothing; only what was shown is applied, and only by an owner', async () => {
    const before = (await office.broker.store.haltState()).stamp;
    const planned = await office.call('POST', '/api/plan', { json: body });
    assert.equal(planned.status, 200, planned.text);
    assert.ok((planned.json.widenings as string[]).length > 0);
    assert.deepEqual((await office.broker.store.haltState()).stamp, before);
    const { plan } = planned.json;
    const apply = (json: object, bearer = office.key) =>
      office.call('POST', '/api/apply', { bearer, json });
    const other = { ...body, text: CONFIG.replace('rung: read', 'rung: approve'), plan };
    assert.equal(codeOf(await apply(other)), 'BUNDLE_MOVED');
    const invited = await office.operators.invite({ role: 'operator', by: 'olga' });
    const { key } = await office.operators.claim(invited.token, 'quinn');
    assert.equal(codeOf(await apply({ ...body, plan }, key)), 'APPLY_NEEDS_OWNER');
    assert.deepEqual((await office.broker.store.haltState()).stamp, before);
    const applied = await apply({ ...body, plan });
    assert.equal(applied.status, 200, applied.text);
    assert.equal((await office.broker.store.haltState()).stamp.bundle, planned.json.bundle);
    assert.equal(codeOf(await apply({ ...body, plan })), 'BUNDLE_MOVED');
    await office.activate();
  });

  test('every fault of a file comes back with its place', async () => {
    const text = CONFIG.replace('kind: http', 'kind: ftp').replace('version: 1', 'version: 2');
    const refused = await office.call('POST', '/api/plan', { json: { ...body, text } });
    assert.equal(refused.status, 400);
    const { at, problems } = refused.json.error as { at: string; problems: { at: string }[] };
    assert.match(at, /^signalbox\.yaml:\d+:\d+$/);
    assert.ok(problems.length >= 2, refused.text);
  });
});

describe('secrets and the ledger', () => {
  test('a secret goes in and never comes out', async () => {
    const value = 'hunter2-hunter2';
    const set = await office.call('POST', '/api/secrets/acme-db', { json: { value } });
    assert.deepEqual(set.json, { name: 'acme-db', version: 1 });
    const listed = await office.call('GET', '/api/secrets');
    assert.equal(listed.text.includes('acme-db'), true);
    assert.equal(listed.text.includes(value), false);
    const odd = await office.call('POST', '/api/secrets/..%2Fkey', { json: { value } });
    assert.equal(codeOf(odd), 'REQUEST_MALFORMED');
    assert.equal(odd.text.includes(value), false);
  });

  test('a run is told with its verdicts, why answers, and erasing keeps the chain whole', async () => {
    const run = await office.begin('find the customer');
    await office.propose(run, 'look', { id: 7 });
    await office.propose(run, 'wipe', {});
    const told = (await office.call('GET', `/api/runs/${run}`)).json as unknown as RunView;
    assert.equal(told.run.intent, 'find the customer');
    const types = told.events.map(({ type }) => type);
    assert.ok(types.includes('action.read') && types.includes('action.outcome'), types.join());
    const read = told.events.find(({ type }) => type === 'action.read');
    assert.ok(read?.verdicts.some(({ reason }) => reason !== null));
    const why = await office.call('GET', `/api/why/${read?.action}`);
    assert.ok(
      (why.json.lines as string[]).some((line) => line.includes('look')),
      why.text,
    );
    assert.equal(codeOf(await office.call('GET', '/api/why/act_nothing')), 'NOT_FOUND');
    const live = await office.call('POST', '/api/ledger/erase', { json: { run, reason: 'asked' } });
    assert.equal(codeOf(live), 'REQUEST_MALFORMED');
    await office.broker.store.commit({
      kind: 'run.end',
      runId: run,
      why: 'over',
      at: office.clock.at,
    });
    const erased = await office.call('POST', '/api/ledger/erase', {
      json: { run, reason: 'asked' },
    });
    assert.ok(Number(erased.json.payloads) > 0, erased.text);
    const after = (await office.call('GET', `/api/runs/${run}`)).json as unknown as RunView;
    assert.ok(after.events.some(({ erased }) => erased));
    const verified = await office.call('GET', '/api/ledger/verify');
    assert.equal(verified.json.ok, true, verified.text);
  });
});

describe('bad input', () => {
  test('is refused by name and changes nothing', async () => {
    const cases: readonly [string, unknown, string][] = [
      ['/api/halts', [], 'REQUEST_MALFORMED'],
      ['/api/halts', { scope: 7, reason: 'x' }, 'REQUEST_MALFORMED'],
      ['/api/halts', { scope: 'all', reason: 'x', force: true }, 'REQUEST_MALFORMED'],
      ['/api/halts', { scope: 'all', reason: 'x', preview: 'yes' }, 'REQUEST_MALFORMED'],
      ['/api/halts', { scope: 'all', reason: 'x'.repeat(2_001) }, 'REQUEST_TOO_LARGE'],
      ['/api/halts', { scope: 'all', reason: 'x'.repeat(20_000) }, 'REQUEST_TOO_LARGE'],
      ['/api/approvals/nothing/approve', { digest: 'x' }, 'APPROVAL_NOT_FOUND'],
      ['/api/agents/nobody/enrol', {}, 'AGENT_UNKNOWN'],
      ['/api/ledger/erase', { run: 'run_nothing', reason: 'x' }, 'RUN_NOT_FOUND'],
      ['/setup', { code: 'sbx_set_wrong', name: 'eve' }, 'SETUP_CODE'],
      ['/login', { key: 'sbx_opr_wrong' }, 'TOKEN_INVALID'],
    ];
    for (const [path, json, code] of cases)
      assert.equal(
        codeOf(await office.call('POST', path, { json })),
        code,
        `${path} ${JSON.stringify(json).slice(0, 60)}`,
      );
    assert.equal(codeOf(await office.call('GET', '/api/runs?state=odd')), 'REQUEST_MALFORMED');
    assert.equal(codeOf(await office.call('GET', '/api/runs/run_nothing')), 'RUN_NOT_FOUND');
    assert.equal(codeOf(await office.call('DELETE', '/api/runs')), 'METHOD_REFUSED');
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
  });
});
