import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { bundleDigest } from '../../src/domain/bundle.ts';
import { createAgents } from '../../src/identity/agents.ts';
import { type AgentsSide, startAgentsSide } from './agents-side.ts';
import { send } from './echo-target.ts';
import { legacy } from './wire.ts';

/** Runs under runs over real HTTP: begun by token exchange or the runs API, narrowed, counted together, halted together. */

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ECHO = { name: 'echo', arguments: { text: 'x' } };

let side: AgentsSide;
let researcher: string;
before(async () => {
  side = await startAgentsSide();
  researcher = (await createAgents(side.broker).enrol({ agent: 'researcher', by: 'dana' })).token;
});
after(() => side.close());

interface Begun {
  readonly token: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly run: any;
}

type Form = { readonly [name: string]: string };

async function post(form: Form, headers: { [name: string]: string } = {}) {
  const body = new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const sent = await send(`${side.url}/oauth/token`, { body, headers: { ...type, ...headers } });
  return { status: sent.status, headers: sent.headers, json: JSON.parse(sent.text) };
}

function formFor(parent: string, details: object = {}, more: Form = {}): Form {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: parent,
    subject_token_type: ACCESS_TOKEN,
    authorization_details: JSON.stringify([{ type: 'signalbox_run', intent: 'help', ...details }]),
    ...more,
  };
}

async function exchanged(parent: string, details: object = {}, more: Form = {}): Promise<Begun> {
  const { status, json } = await post(formFor(parent, details, more));
  assert.equal(status, 200, JSON.stringify(json));
  return { token: json.access_token, run: json.run };
}

const as = (secret: string): Form => ({ actor_token: secret, actor_token_type: ACCESS_TOKEN });

async function api(path: string, token: string, body: object) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = await send(side.url + path, { headers, body: JSON.stringify(body) });
  return { status: sent.status, json: JSON.parse(sent.text) };
}

async function call(token: string, params: object = ECHO): Promise<string> {
  const { status, json } = await legacy(side, token)('tools/call', params);
  if (status === 401) return 'dead token';
  if (json.error !== undefined) return json.error.data.code;
  return json.result.isError === true ? json.result.structuredContent.signalbox.code : 'done';
}

async function listed(token: string): Promise<string[]> {
  const { json } = await legacy(side, token)('tools/list');
  return json.result.tools.map(({ name }: { name: string }) => name);
}

test('a token exchange answers as RFC 8693 says, with the chain of who acts for whom', async () => {
  const root = await side.run();
  const more = { ...as(researcher), requested_token_type: ACCESS_TOKEN, scope: 'echo' };
  const { status, headers, json } = await post(
    formFor(root.token, { budget: { calls: 3 } }, { ...more, resource: side.mcpUrl }),
  );
  assert.equal(status, 200);
  assert.equal(headers['cache-control'], 'no-store');
  const { access_token, run, authorization_details: details, ...rest } = json;
  assert.match(access_token, /^sbx_run_/);
  assert.deepEqual(rest, {
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: rest.expires_in,
    scope: 'echo',
    act: { sub: 'researcher', run: run.id, act: { sub: 'support', run: root.run.id } },
    mcpUrl: side.mcpUrl,
  });
  assert.ok(rest.expires_in > 290 && rest.expires_in <= 300);
  assert.equal(details[0].identifier, run.id);
  assert.deepEqual(
    [run.parent, run.root, run.depth, run.agent, run.tools, run.actsFor],
    [root.run.id, root.run.id, 1, 'researcher', ['echo'], [{ run: root.run.id, agent: 'support' }]],
  );
  assert.ok(run.expiresAt <= root.run.expiresAt);
  const [begun] = await side.broker.store.timeline(run.id);
  assert.deepEqual(JSON.parse(begun?.body ?? '{}').actsFor, [
    { run: root.run.id, agent: 'support', budget: {} },
  ]);
});

test('parent, child, grandchild: each sees and does what all above it may, and no more', async () => {
  const root = await side.run();
  const child = await exchanged(root.token, {}, as(researcher));
  // set_plan stands on `approve` for one and on `draft` for the other; `forbidden` is only the child's own
  assert.deepEqual(await listed(child.token), ['echo', 'set_plan', 'slow_echo']);
  assert.equal(await call(child.token), 'done');
  assert.equal(await call(child.token, { name: 'forbidden', arguments: {} }), 'NOT_GRANTED');
  const plan = { name: 'set_plan', arguments: { customer: 7, plan: 'team' } };
  const drafted = await legacy(side, child.token)('tools/call', plan);
  assert.equal(drafted.json.result.structuredContent.signalbox.status, 'drafted');

  const grandchild = await exchanged(child.token, { tools: ['echo'] });
  assert.deepEqual(
    grandchild.run.actsFor.map(({ agent }: { agent: string }) => agent),
    ['researcher', 'support'],
  );
  assert.deepEqual(await listed(grandchild.token), ['echo']);
  assert.equal(await call(grandchild.token), 'done');
  const slow = { name: 'slow_echo', arguments: { text: 'x' } };
  assert.equal(await call(grandchild.token, slow), 'NOT_DELEGATED');
});

test('the runs API begins the same: with the token of the run, or with a secret and that token', async () => {
  const root = await side.run();
  const own = await api('/v1/runs', root.token, { intent: 'help', tools: ['echo'] });
  assert.deepEqual(
    [own.status, own.json.run.parent, own.json.run.agent],
    [201, root.run.id, 'support'],
  );
  const other = { intent: 'help', parentToken: own.json.token, lifetimeSeconds: 60 };
  const under = await api('/v1/runs', researcher, other);
  assert.deepEqual(
    [under.status, under.json.run.agent, under.json.run.depth, under.json.run.tools],
    [201, 'researcher', 2, ['echo']],
  );
  assert.ok(under.json.expiresAt <= Date.now() + 60_000, 'its token outlives it');
  assert.equal(await call(under.json.token), 'done');
});

test('nothing wider than the parent is begun', async () => {
  const root = await side.run();
  const child = await exchanged(root.token, { budget: { calls: 5 }, tools: ['echo'] });
  const runs = async () => (await side.broker.store.runs({ limit: 1_000 })).length;
  const before = await runs();
  const cases: [object, string, string][] = [
    [{ tools: ['echo', 'slow_echo'] }, 'invalid_authorization_details', 'DELEGATION_WIDENS'],
    [{ budget: { calls: 6 } }, 'invalid_authorization_details', 'DELEGATION_WIDENS'],
    [{ tools: ['no_such'] }, 'invalid_authorization_details', 'DELEGATION_WIDENS'],
    [{ intent: ' ' }, 'invalid_authorization_details', 'REQUEST_MALFORMED'],
    [{ wishes: 3 }, 'invalid_authorization_details', 'REQUEST_MALFORMED'],
    [{ budget: { calls: -1 } }, 'invalid_authorization_details', 'REQUEST_MALFORMED'],
    [{ lifetimeSeconds: 0.5 }, 'invalid_authorization_details', 'REQUEST_MALFORMED'],
  ];
  for (const [details, error, code] of cases) {
    const { status, json } = await post(formFor(child.token, details));
    assert.deepEqual([status, json.error, json.code], [400, error, code], JSON.stringify(details));
    assert.ok(json.error_description.length > 0 && json.help.length > 0);
  }
  const long = await exchanged(child.token, { lifetimeSeconds: 31_536_000 });
  assert.equal(long.run.expiresAt, child.run.expiresAt, 'cut to what its parent has left');
  assert.equal(await runs(), before + 1);
});

test('a request that is none, or whose tokens are not good, is told so in the terms of OAuth', async () => {
  const root = await side.run();
  const form = formFor(root.token);
  const without = (name: string): Form =>
    Object.fromEntries(Object.entries(form).filter(([key]) => key !== name));
  const ended = await side.run();
  await api(`/v1/runs/${ended.run.id}/end`, ended.token, {});
  const cases: [Form, string, string][] = [
    [without('grant_type'), 'invalid_request', 'REQUEST_MALFORMED'],
    [{ ...form, grant_type: 'password' }, 'unsupported_grant_type', 'REQUEST_MALFORMED'],
    [without('subject_token'), 'invalid_request', 'REQUEST_MALFORMED'],
    [without('subject_token_type'), 'invalid_request', 'REQUEST_MALFORMED'],
    [without('authorization_details'), 'invalid_request', 'REQUEST_MALFORMED'],
    [{ ...form, subject_token_type: 'x' }, 'invalid_request', 'REQUEST_MALFORMED'],
    [{ ...form, requested_token_type: 'x' }, 'invalid_request', 'REQUEST_MALFORMED'],
    [{ ...form, actor_token: researcher }, 'invalid_request', 'REQUEST_MALFORMED'],
    [{ ...form, audience: 'x' }, 'invalid_target', 'REQUEST_MALFORMED'],
    [{ ...form, resource: 'https://elsewhere.example/mcp' }, 'invalid_target', 'REQUEST_MALFORMED'],
    [{ ...form, authorization_details: '{' }, 'invalid_authorization_details', 'REQUEST_MALFORMED'],
    [{ ...form, subject_token: 'sbx_run_x' }, 'invalid_request', 'TOKEN_INVALID'],
    [{ ...form, subject_token: ended.token }, 'invalid_request', 'RUN_OVER'],
    [{ ...form, subject_token: side.secret }, 'invalid_request', 'TOKEN_AUDIENCE'],
    [{ ...form, ...as(root.token) }, 'invalid_request', 'TOKEN_AUDIENCE'],
    [
      formFor(root.token, { tools: ['echo'] }, { scope: 'echo' }),
      'invalid_scope',
      'REQUEST_MALFORMED',
    ],
  ];
  for (const [given, error, code] of cases) {
    const { status, json } = await post(given);
    assert.deepEqual([status, json.error, json.code], [400, error, code], JSON.stringify(given));
    assert.match(json.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    assert.ok(!JSON.stringify(json).includes(root.token), 'a token came back');
  }
  const json = await post(form, { 'content-type': 'application/json' });
  assert.deepEqual([json.status, json.json.error], [400, 'invalid_request']);
});

test('a budget is one for the whole tree, and a narrower one within it', async () => {
  const begun = await api('/v1/runs', side.secret, { intent: 'x', budget: { calls: 6 } });
  const root: Begun = begun.json;
  const child = await exchanged(root.token, { budget: { calls: 4 } }, as(researcher));
  const grandchild = await exchanged(child.token, { budget: { calls: 2 } });
  const spend = async (token: string, times: number): Promise<string[]> => {
    const told: string[] = [];
    for (let i = 0; i < times; i++) told.push(await call(token));
    return told;
  };
  assert.deepEqual(await spend(grandchild.token, 3), ['done', 'done', 'BLAST_RADIUS']);
  assert.deepEqual(await spend(child.token, 3), ['done', 'done', 'BLAST_RADIUS']);
  assert.deepEqual(await spend(root.token, 3), ['done', 'done', 'BLAST_RADIUS']);
  const late = await exchanged(root.token);
  assert.equal(await call(late.token), 'BLAST_RADIUS', 'a new sub-run brings no new budget');
});

test('a halt of the root, of a run between, or of an agent above stops all below and nothing beside', async () => {
  for (const scope of ['root', 'child', 'agent'] as const) {
    const root = await side.run();
    const child = await exchanged(root.token, {}, as(researcher));
    const grandchild = await exchanged(child.token, {}, as(side.secret));
    const other = await side.run();
    const slow = { name: 'slow_echo', arguments: { text: scope } };
    const arrived = side.target.arrived(side.target.hits.length + 1);
    const flying = call(grandchild.token, slow);
    await arrived;
    const halted =
      scope === 'agent' ? 'agent:researcher' : `run:${(scope === 'root' ? root : child).run.id}`;
    await side.halt(halted);
    assert.notEqual(await flying, 'done');
    side.target.release();
    for (const { token } of [child, grandchild]) assert.notEqual(await call(token), 'done', scope);
    const refused = await post(formFor(grandchild.token));
    assert.deepEqual([refused.status, refused.json.code], [400, 'HALTED']);
    if (scope !== 'root') assert.equal(await call(root.token), 'done', 'the run above goes on');
    assert.equal(await call(other.token), 'done', 'another tree goes on');
    await side.resume(halted);
    assert.notEqual(await call(grandchild.token), 'done', 'its token came back to life');
  }
});

test('a run that ends takes those under it along, calls in the air included', async () => {
  const root = await side.run();
  const child = await exchanged(root.token);
  const grandchild = await exchanged(child.token);
  const arrived = side.target.arrived(side.target.hits.length + 1);
  const flying = call(grandchild.token, { name: 'slow_echo', arguments: { text: 'x' } });
  await arrived;
  const ended = await api(`/v1/runs/${child.run.id}/end`, child.token, { why: 'done' });
  assert.equal(ended.status, 200);
  assert.notEqual(await flying, 'done');
  side.target.release();
  for (const { run, token } of [child, grandchild]) {
    assert.equal((await side.broker.store.run(run.id))?.state, 'ended');
    assert.notEqual(await call(token), 'done');
    assert.equal((await post(formFor(token))).json.code, 'RUN_OVER');
  }
  assert.equal(await call(root.token), 'done');
});

test('a chain is eight deep and no deeper', async () => {
  let { token } = await side.run();
  for (let depth = 1; depth <= 8; depth++) token = (await exchanged(token)).token;
  assert.equal(await call(token), 'done');
  const { json } = await post(formFor(token));
  assert.deepEqual([json.error, json.code], ['invalid_request', 'DELEGATION_DEPTH']);
});

test('the token of an identity provider begins a run on behalf of its user, and a name alone does not', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), kid: 'one' };
  const provider = createServer((_, response) => response.end(JSON.stringify({ keys: [key] })));
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.after(() => {
    provider.closeAllConnections();
    provider.close();
  });
  const jwks = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`;
  const { store, bundles, doors } = side.broker;
  const active = await bundles.active();
  const issuer = 'https://login.acme.example';
  const [researcherAgent] = Object.values(active.agents).filter((one) => one.name === 'researcher');
  assert.ok(researcherAgent !== undefined);
  const rules = {
    ...{ issuer, jwks, audience: 'desk', algorithms: ['ES256'], claim: 'sub', skewSeconds: 60 },
    ...{ maxAgeSeconds: 3_600, allowPrivate: true, required: true },
  };
  const agent = { ...researcherAgent, subjects: ['dana'], subjectToken: rules };
  const content = {
    ...active,
    agents: { ...active.agents, researcher: agent },
    users: { dana: { name: 'dana', tools: ['echo'] }, eve: { name: 'eve', tools: ['echo'] } },
  };
  const bundle = { ...content, digest: bundleDigest(content) };
  const at = doors.clock.now();
  const expected = active.digest;
  await store.commit({ kind: 'bundle.apply', bundle, expected, widenings: [], by: 'dana', at });
  const tokenFor = (sub: string, aud = 'desk') =>
    new SignJWT({ sub })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(aud)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const form = (token: string, type = 'jwt', more = as(researcher)): Form => ({
    ...formFor(token, {}, more),
    subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
  });
  const codeOf = async (asked: Form) => (await post(asked)).json.code;
  const dana = await tokenFor('dana');
  for (const type of ['jwt', 'id_token']) {
    const { status, json } = await post(form(dana, type));
    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual(
      [json.run.subject, json.run.agent, json.run.parent],
      ['dana', 'researcher', null],
    );
    assert.equal(await call(json.access_token), 'done');
  }
  assert.equal(await codeOf(form(await tokenFor('eve'))), 'SUBJECT_REFUSED');
  assert.equal(await codeOf(form(await tokenFor('dana', 'other'))), 'SUBJECT_TOKEN');
  assert.equal(await codeOf(form(dana, 'access_token')), 'TOKEN_INVALID');
  assert.equal(await codeOf(form(dana, 'saml2')), 'REQUEST_MALFORMED');
  assert.equal(await codeOf(form(dana, 'jwt', {})), 'REQUEST_MALFORMED');
  const named = await api('/v1/runs', researcher, { intent: 'help', subject: 'dana' });
  assert.deepEqual([named.status, named.json.error.code], [403, 'SUBJECT_REFUSED']);
  const notes = (await store.timeline('system')).map(({ body }) => JSON.parse(body));
  assert.equal(notes.filter(({ note }) => note === 'run.subject-proven').length, 2);
  const told = JSON.stringify(await store.timeline('system'));
  assert.equal(told.includes(dana.split('.')[2] ?? ''), false);
});
