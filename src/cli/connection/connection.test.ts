/** Connections on the command line, through the operators' API and a real authorization server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as soon } from 'node:timers/promises';
import { type Authority, openAuthority } from '../../credentials/oauth/testing/authority.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type Office, openOffice } from '../../surfaces/admin/testing/office.ts';
import { openTerminal, type Terminal } from '../testing/terminal.ts';

let office: Office;
let authority: Authority;
let terminal: Terminal;
before(async () => {
  office = await openOffice();
  authority = await openAuthority({ scope: 'read:tickets' });
  terminal = await openTerminal(office.doors);
  const settings = { transport: 'http', url: authority.server, allowPrivate: true, oauth: {} };
  const tickets = { name: 'tickets', kind: 'mcp', environment: 'test', settings, issuer: 'oauth' };
  await office.activate({ connections: { tickets } });
  const argv = ['login', '--url', office.url, '--key-stdin'];
  const { code, err } = await terminal.run(argv, { stdin: `${office.key}\n` });
  assert.equal(code, 0, err);
});
after(async () => {
  await terminal.close();
  await office.close();
  await authority.close();
});

async function consented(url: string): Promise<void> {
  const back = await authority.consent(url);
  const page = await fetch(office.url + back.pathname + back.search);
  assert.equal(page.status, 200);
}

test('authorize shows what is asked for, waits for the answer, and list says how it stands', async () => {
  const before = await terminal.run(['connection', 'list']);
  assert.match(before.out, /tickets +mcp +test +oauth +needed/);
  const waiting = terminal.run(['connection', 'authorize', 'tickets']);
  while (authority.count('/register') === 0) await soon();
  const path = '/api/connections/tickets/authorize';
  const { opening } = (await office.call('POST', path, { json: {} })).json;
  await consented(String((opening as JsonObject).url));
  const { code, out, err } = await waiting;
  assert.equal(code, 0, err);
  assert.equal(out, 'tickets is authorized\n');
  assert.match(err, /scopes {2}read:tickets/);
  assert.match(err, new RegExp(`${authority.origin}/authorize\\?.*code_challenge=`));
  const listed = await terminal.run(['connection', 'list']);
  assert.match(listed.out, new RegExp(`at ${authority.origin}\\n`));
});

test('without waiting the address is all there is; forget takes it back', async () => {
  const argv = ['connection', 'authorize', 'tickets', '--no-wait', '--json'];
  const { json } = await terminal.run(argv);
  const opening = json.opening as JsonObject;
  assert.equal(opening.redirect, `${office.url}/oauth/callback`);
  const asked = await terminal.run(['connection', 'forget', 'tickets']);
  assert.notEqual(asked.code, 0);
  const gone = await terminal.run(['connection', 'forget', 'tickets', '--yes']);
  assert.match(gone.out, /its server was told/);
  assert.match((await terminal.run(['connection', 'list'])).out, /needed/);
});

test('a connection that is none has no authorization', async () => {
  const { code, err } = await terminal.run(['connection', 'authorize', 'other']);
  assert.equal(code, 1);
  assert.match(err, /^NOT_FOUND: /m);
});
