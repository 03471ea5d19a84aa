import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { answer } from '../../src/broker/answer.ts';
import { type System, startSystem } from '../../src/system.ts';
import { beginRun } from '../crash/agent.ts';
import { claimOperator } from '../crash/operator.ts';

/** Real servers, narrowed, behind the whole gateway; an unmodified client of the SDK in front. */

const programOf = (name: string): string =>
  fileURLToPath(import.meta.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`));

let folder = '';
let system: System;
let client: Client;
let token = '';

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-narrowed-')));
  await writeFile(join(folder, 'a.txt'), 'one\ntwo\n');
  const address = { host: '127.0.0.1', port: 0 };
  const directory = join(folder, '.data');
  system = await startSystem({ directory, agents: address, operators: address, log: () => {} });
  const operator = await claimOperator(system.operatorsUrl, system.setupCode ?? '');
  const files = [process.execPath, programOf('filesystem'), folder];
  const everything = [process.execPath, programOf('everything')];
  const config = `version: 1
organisation: { name: acme, domains: [] }
connections:
  files:
    kind: mcp
    environment: development
    command: ${JSON.stringify(files)}
    cwd: ${folder}
    serve:
      tools:
        look:
          of: edit_file
          effect: read
          description: Shows what an edit would change, and changes nothing
          fix: { dryRun: true }
          narrow: { path: { pattern: "[a-z]+\\\\.txt" }, edits: { maxItems: 2 } }
        size: { of: read_text_file, effect: read, hide: [head, tail], project: [/size] }
        read_text_file: { effect: read, hide: [tail], narrow: { head: { maximum: 1 } } }
  all:
    kind: mcp
    environment: development
    command: ${JSON.stringify(everything)}
    serve:
      tools:
        weather: { of: get-structured-content, effect: read, fix: { location: Chicago }, project: [/temperature] }
        echo: { effect: read, fix: { message: fixed by the operator } }
        trigger-elicitation-request: { effect: write }
agents: { bot: { owner: dana@acme.example } }
grants: [{ agent: bot, tools: ['files_*', 'all_*'], rung: approve }]
`;
  await operator.planAndApply(system.operatorsUrl, config, ['files', 'all']);
  const run = await beginRun(
    system.agentsUrl,
    await operator.enrol(system.operatorsUrl, 'bot'),
    'x',
  );
  token = run?.token ?? '';
  client = new Client({ name: 'test', version: '1' });
  await client.connect(transport());
});

const transport = (): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(new URL(`${system.agentsUrl}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });

after(async () => {
  await client.close();
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

const call = async (name: string, given: Record<string, unknown>) => {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: given });
  return { text: JSON.stringify(content), structured: structuredContent, isError };
};

test('a client is listed what was left, and nothing of what was taken', async () => {
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name, inputSchema }) => [name, Object.keys(inputSchema.properties ?? {})]),
    [
      ['all_echo', []],
      ['all_trigger-elicitation-request', []],
      ['all_weather', []],
      ['files_look', ['path', 'edits']],
      ['files_read_text_file', ['path', 'head']],
      ['files_size', ['path']],
    ],
  );
  const look = tools.find(({ name }) => name === 'files_look');
  assert.match(look?.description ?? '', /changes nothing/);
  assert.equal(tools.find(({ name }) => name === 'all_weather')?.outputSchema, undefined);
  assert.doesNotMatch(JSON.stringify(tools), /dryRun/);
});

test('server-filesystem: an edit with `dryRun` fixed shows and changes nothing, whatever is sent', async () => {
  const edits = [{ oldText: 'one', newText: 'uno' }];
  const shown = await call('files_look', { path: 'a.txt', edits });
  assert.match(shown.text, /\+uno/);
  for (const more of [
    { dryRun: false },
    { DryRun: false },
    { path: '../a.txt' },
    { path: '/etc/motd' },
  ])
    assert.match(
      (await call('files_look', { path: 'a.txt', edits, ...more })).text,
      /INPUT_INVALID/,
    );
  const many = [...edits, ...edits, ...edits];
  assert.match((await call('files_look', { path: 'a.txt', edits: many })).text, /INPUT_INVALID/);
  assert.equal(await readFile(join(folder, 'a.txt'), 'utf8'), 'one\ntwo\n');
});

test('server-filesystem: a bound is kept, and what has one must be given', async () => {
  const read = (given: object) => call('files_read_text_file', { path: 'a.txt', ...given });
  assert.match((await read({ head: 1 })).text, /one/);
  for (const given of [{}, { head: 2 }, { head: 1, tail: 5 }])
    assert.match((await read(given)).text, /INPUT_INVALID/);
});

test('server-filesystem: a text that is no JSON is left out where parts are named', async () => {
  assert.doesNotMatch((await call('files_size', { path: 'a.txt' })).text, /one|two/);
  assert.doesNotMatch((await call('files_size', { path: '/etc/motd' })).text, /denied|etc/i);
});

test('server-everything: only the named part of a result comes through', async () => {
  const { text, structured } = await call('all_weather', {});
  assert.deepEqual(Object.keys(structured as object), ['temperature']);
  assert.match(text, /temperature/);
  assert.doesNotMatch(text, /humidity|conditions/);
  assert.match((await call('all_echo', {})).text, /fixed by the operator/);
  assert.match((await call('all_echo', { message: 'mine' })).text, /INPUT_INVALID/);
});

test('server-everything: a tool that it has only for clients that can be asked is asked about, approved and asks', async () => {
  const name = 'all_trigger-elicitation-request';
  const capable = new Client(
    { name: 'capable', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: 'auto' } },
  );
  let asked = 0;
  capable.setRequestHandler('elicitation/create', async ({ params }) => {
    if (/approval of an operator/.test(params.message)) return { action: 'accept', content: {} };
    asked++;
    return { action: 'decline' };
  });
  await capable.connect(transport());
  const { broker } = system;
  const calling = capable.callTool({ name, arguments: {} });
  await broker.notices.wait('asks', 20_000);
  const [ask] = await broker.store.asks({ limit: 1, state: 'pending' });
  assert.ok(ask !== undefined);
  const { id: approvalId, digest } = ask.approval;
  await answer(broker, { approvalId, digest, answer: 'approved', by: 'olga', because: 'x' });
  const { content, isError } = await calling;
  assert.notEqual(isError, true, JSON.stringify(content));
  assert.match(JSON.stringify(content), /declined/);
  assert.equal(asked, 1);
  await capable.close();
  const without = await client.callTool({ name, arguments: {} });
  assert.match(JSON.stringify(without), /TOOL_GONE/, 'who cannot be asked is offered no such tool');
});
