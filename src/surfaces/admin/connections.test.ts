/** Connections by API, and the way of a human's authorization through a real authorization server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Authority, openAuthority } from '../../credentials/oauth/testing/authority.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
let authority: Authority;
before(async () => {
  office = await openOffice();
  authority = await openAuthority({ scope: 'read:tickets' });
  await office.activate({ connections: { tickets: tickets('tickets'), plain: plain() } });
});
after(async () => {
  await office.close();
  await authority.close();
});

function tickets(name: string): Connection {
  const settings = { transport: 'http', url: authority.server, allowPrivate: true, oauth: {} };
  return { name, kind: 'mcp', environment: 'test', settings, issuer: 'oauth' };
}
function plain(): Connection {
  return { name: 'plain', kind: 'http', environment: 'test', settings: {} };
}
const opening = async (name: string, json: JsonObject = {}) => {
  const answer = await office.call('POST', `/api/connections/${name}/authorize`, { json });
  return { answer, opening: answer.json.opening as JsonObject | null };
};
const stateOf = async (name: string): Promise<unknown> => {
  const { json } = await office.call('GET', '/api/connections');
  const found = (json.connections as JsonObject[]).find((connection) => connection.name === name);
  return (found?.authorization as JsonObject | null)?.state ?? null;
};
const codeOf = ({ json }: { json: JsonObject }) => (json.error as JsonObject | undefined)?.code;

test('an owner opens, a browser comes back without a session, and the connection is authorized', async () => {
  assert.equal(await stateOf('tickets'), 'needed');
  assert.equal(await stateOf('plain'), null);
  const { answer, opening: opened } = await opening('tickets');
  assert.equal(answer.status, 200);
  assert.equal(opened?.redirect, `${office.url}/oauth/callback`);
  assert.deepEqual(opened?.scopes, ['read:tickets']);
  const back = await authority.consent(String(opened?.url));
  assert.equal(back.origin, office.url);
  const path = back.pathname + back.search;
  assert.equal((await fetch(office.url + path, { method: 'HEAD' })).status, 405);
  const page = await office.call('GET', path, { bearer: null });
  assert.equal(page.status, 200);
  assert.match(page.text, /<code>tickets<\/code> is authorized/);
  assert.doesNotMatch(page.text, /token-of-the-test/);
  assert.equal(await stateOf('tickets'), 'authorized');
  assert.equal((await office.call('GET', path, { bearer: null })).status, 502);
});

test('what a stranger puts into the answer stays text', async () => {
  const { opening: opened } = await opening('tickets');
  const state = new URL(String(opened?.url)).searchParams.get('state') ?? '';
  const query = new URLSearchParams({
    ...{ state, iss: authority.origin, error: 'access_denied' },
    error_description: '<script>alert(1)</script>',
  });
  const page = await office.call('GET', `/oauth/callback?${query}`, { bearer: null });
  assert.equal(page.status, 502);
  assert.match(page.text, /access_denied/);
  assert.doesNotMatch(page.text, /<script>/);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
});

test('forgetting ends it at the server', async () => {
  const before = authority.live.size;
  const gone = await office.call('POST', '/api/connections/tickets/forget', { json: {} });
  assert.deepEqual(gone.json, { connection: 'tickets', revoked: true });
  assert.equal(await stateOf('tickets'), 'needed');
  assert.ok(authority.live.size < before);
});

test('only owners, only connections with OAuth, and nobody without a key', async () => {
  const invited = await office.call('POST', '/api/operators/invite', {
    json: { role: 'operator' },
  });
  const made = await office.call('POST', '/setup', {
    bearer: null,
    json: { code: String(invited.json.code), name: 'otto' },
  });
  const bearer = String(made.json.key);
  for (const deed of ['authorize', 'forget']) {
    const path = `/api/connections/tickets/${deed}`;
    assert.equal(codeOf(await office.call('POST', path, { bearer, json: {} })), 'OWNER_NEEDED');
    assert.equal((await office.call('POST', path, { bearer: null, json: {} })).status, 401);
    const other = await office.call('POST', `/api/connections/plain/${deed}`, { json: {} });
    assert.equal(codeOf(other), 'NOT_FOUND');
  }
  assert.equal((await office.call('GET', '/api/connections', { bearer })).status, 200);
  assert.equal((await office.call('GET', '/api/connections', { bearer: null })).status, 401);
});

test('a connection of a file is authorized before the file is applied', async () => {
  const url = authority.server;
  const connections = { fresh: { kind: 'mcp', url, allowPrivate: true, oauth: {} } };
  const organisation = { name: 'test', domains: [] };
  const text = JSON.stringify({ version: 1, organisation, connections });
  assert.equal(codeOf((await opening('fresh')).answer), 'NOT_FOUND');
  const { opening: opened } = await opening('fresh', { text, path: 'signalbox.yaml' });
  const back = await authority.consent(String(opened?.url));
  const page = await office.call('GET', back.pathname + back.search, { bearer: null });
  assert.equal(page.status, 200);
  await office.activate({ connections: { fresh: tickets('fresh') } });
  assert.equal(await stateOf('fresh'), 'authorized');
});

test('a halt ends the grants of users that nobody beyond it may use, and says which stay', async () => {
  const { tools, agents, grants } = await office.broker.bundles.active();
  const [tool] = Object.values(tools);
  const url = authority.origin;
  const settings = {
    ...{ url, allowPrivate: true },
    oauth: { issuer: url, resource: `${url}/`, perUser: true, check: '/mcp' },
  };
  const mail: Connection = {
    ...{ name: 'mail', kind: 'http', environment: 'test', settings, issuer: 'oauth' },
  };
  assert.ok(tool !== undefined);
  await office.activate({
    connections: { tickets: tickets('tickets'), mail },
    tools: { ...tools, read_mail: { ...tool, name: 'read_mail', connection: 'mail' } },
    agents: {
      ...agents,
      helper: { name: 'helper', owner: 'olga', subjects: ['dana', 'eve'] },
      other: { name: 'other', owner: 'olga', subjects: ['eve'], model: 'm' },
    },
    grants: [
      ...grants,
      { agent: 'helper', tool: 'read_mail', rung: 'read' },
      { agent: 'other', tool: 'read_mail', rung: 'read' },
    ],
    users: Object.fromEntries(
      ['dana', 'eve'].map((name) => [name, { name, tools: ['read_mail'] }]),
    ),
  });
  const authorize = async (user: string) => {
    const { opening: opened } = await opening('mail', { user });
    const back = await authority.consent(String(opened?.url));
    return office.call('GET', back.pathname + back.search, { bearer: null });
  };
  for (const user of ['dana', 'eve']) assert.equal((await authorize(user)).status, 200);
  const halt = async (scope: string) => {
    const reason = 'test';
    const { json } = await office.call('POST', '/api/halts', { json: { scope, preview: true } });
    const done = await office.call('POST', '/api/halts', { json: { scope, reason } });
    const { leases, grants: counted } = done.json.report as JsonObject;
    const reach = json.reach as JsonObject;
    assert.deepEqual(reach.grants, counted, 'what is said before is what happens');
    const ended = (leases as JsonObject[]).map(({ handle, dead }) => [handle, dead]);
    return { ended, counted };
  };
  const resume = (scope: string) =>
    office.call('POST', '/api/resume', { json: { scope, reason: 'test' } });
  const run = await office.begin();
  assert.deepEqual(await halt(`run:${run}`), { ended: [], counted: [] });
  assert.deepEqual(await halt('model:m'), {
    ended: [],
    counted: [{ connection: 'mail', ends: 0, stays: 1 }],
  });
  assert.deepEqual(await halt('agent:helper'), {
    ended: [['oauth-grant:mail:dana', true]],
    counted: [{ connection: 'mail', ends: 1, stays: 1 }],
  });
  assert.equal((await authorize('dana')).status, 200, 'a human may grant anew under it');
  const { opening: opened } = await opening('mail', { user: 'dana' });
  assert.deepEqual((await halt('connection:mail')).ended.length, 2);
  const late = await authority.consent(String(opened?.url));
  const page = await office.call('GET', late.pathname + late.search, { bearer: null });
  assert.match(page.text, /nothing is authorized while .*connection:mail.* is halted/);
  assert.equal(codeOf((await opening('mail', { user: 'dana' })).answer), 'HALTED');
  await resume('connection:mail');
  const { json } = await office.call('GET', '/api/halts');
  assert.equal(JSON.stringify(json).includes('oauth-grant'), false, 'nothing of it is alive');
});
