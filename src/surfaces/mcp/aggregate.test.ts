import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Outcome } from '../../domain/proposal.ts';
import { bundleOf, done, type Stage, startStage } from './testing/stage.ts';

/** Many systems as one: lists, resources, prompts, completions, each granted and judged. */

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

const modern = async (method: string, params = {}, more = {}) =>
  (await stage.modern(method, params, more)).next();
const legacy = async (method: string, params = {}) =>
  (await stage.speak({ jsonrpc: '2.0', id: 1, method, params })).next();
const failedWith = (code: number): Omit<Outcome, 'actionId'> =>
  ({
    kind: 'failed',
    code: 'CONNECTOR_REFUSED',
    message: 'no',
    reply: { code, message: 'no' },
  }) as never;

test('what is offered is what is granted', async () => {
  const { result } = await modern('server/discover');
  assert.deepEqual(result.capabilities, {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    completions: {},
  });
  const { tools, cacheScope, ttlMs } = (await modern('tools/list')).result;
  assert.deepEqual(
    tools.map(({ name }: { name: string }) => name),
    ['echo', 'plain', 'write'],
  );
  assert.deepEqual([cacheScope, typeof ttlMs], ['private', 'number']);
  const [echo] = tools;
  assert.deepEqual(
    [echo.title, echo.inputSchema.properties.region['x-mcp-header']],
    ['Echo', 'Region'],
  );
  // the target's own word cannot make a read sound worse than it was accepted as, nor better
  assert.equal(echo.annotations.destructiveHint, false);
  const poor = await startStage(bundleOf({ grants: [] }));
  const { headers: _, ...bare } = await poor.modern('server/discover');
  assert.deepEqual((await bare.next()).result.capabilities, { tools: { listChanged: true } });
  for (const method of ['resources/list', 'prompts/list', 'completion/complete'])
    assert.equal(
      (await (await poor.modern(method, { ref: {}, argument: {} })).next()).error.code,
      -32601,
      method,
    );
  await poor.close();
});

test('resources of several connections are one list with cursors of our own', async () => {
  stage.act(async ({ tool, arguments: { list, cursor } }) => {
    const member = list === 'templates' ? 'resourceTemplates' : 'resources';
    const uri = `${tool}#${cursor ?? 0}`;
    return done({
      [member]: [{ uri, name: uri }],
      ...(cursor === undefined ? { nextCursor: '' } : {}),
    });
  });
  const seen: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const { result } = await modern('resources/list', cursor === undefined ? {} : { cursor });
    seen.push(...result.resources.map(({ uri }: { uri: string }) => uri));
    cursor = result.nextCursor;
    pages++;
  } while (cursor !== undefined && pages < 10);
  assert.deepEqual(seen, [
    'files/resources#0',
    'files/resources#',
    'notes/resources#0',
    'notes/resources#',
  ]);
  const first = (await modern('resources/list')).result.nextCursor;
  assert.equal((await modern('resources/templates/list', { cursor: first })).error.code, -32602);
  assert.equal((await modern('resources/list', { cursor: `${first}x` })).error.code, -32602);
  stage.apply(bundleOf({}, 'e'.repeat(64)));
  assert.equal((await modern('resources/list', { cursor: first })).error.code, -32602);
});

test('a resource is read through the connection its name says, and is private', async () => {
  stage.act(async ({ arguments: { uri } }) =>
    done({
      _meta: { theirs: 1 },
      contents: [{ uri, text: 'x' }],
      ttlMs: 7_000,
      cacheScope: 'public',
    }),
  );
  const { result } = await modern('resources/read', { uri: 'notes+memo://1' });
  assert.equal(stage.proposals.at(-1)?.tool, 'notes/resources');
  assert.deepEqual([result.ttlMs, result.cacheScope, result._meta.theirs], [7_000, 'private', 1]);
  assert.equal(result._meta['io.modelcontextprotocol/serverInfo'].name, 'signalbox');
  const old = (await legacy('resources/read', { uri: 'memo://1' })).result;
  assert.deepEqual([stage.proposals.at(-1)?.tool, old.ttlMs], ['files/resources', undefined]);
  for (const code of [-32602, -32002]) {
    stage.act(async () => failedWith(code));
    const gone = await modern('resources/read', { uri: 'x://1' });
    assert.deepEqual([gone.error.code, gone.error.data.uri], [-32602, 'x://1']);
    assert.equal((await legacy('resources/read', { uri: 'x://1' })).error.code, -32002);
  }
  assert.equal((await modern('resources/read', {})).error.code, -32602);
});

test('a refused read is an error with our words, a refused call a result', async () => {
  const refusal = { code: 'CAP', reasons: [{ check: 'cap', code: 'CAP', reason: 'too many' }] };
  stage.act(async () => ({ kind: 'refused', refusal }) as never);
  const read = await stage.modern('resources/read', { uri: 'x://1' });
  const { error } = await read.next();
  assert.deepEqual([read.status, error.code, error.data.status], [200, 403, 'refused']);
  assert.deepEqual(error.data.reasons, refusal.reasons);
  assert.equal((await modern('tools/call', { name: 'plain' })).result.isError, true);
  assert.equal((await modern('tools/call', { name: 'files/resources' })).error.code, -32602);
});

test('prompts carry the prefix of their connection', async () => {
  const { prompts } = (await modern('prompts/list')).result;
  assert.deepEqual(
    prompts.map(({ name }: { name: string }) => name),
    ['notes_bye', 'notes_greet'],
  );
  stage.act(async ({ arguments: given }) => done({ messages: [given] }));
  const asked = { name: 'notes_greet', arguments: { who: 'Ada' } };
  assert.deepEqual((await modern('prompts/get', asked)).result.messages, [asked]);
  assert.equal(stage.proposals.at(-1)?.tool, 'notes/prompts');
  assert.equal((await modern('prompts/get', { name: 'greet' })).error.code, -32602);
  const argument = { name: 'who', value: 'A' };
  const ofPrompt = { ref: { type: 'ref/prompt', name: 'notes_greet' }, argument };
  stage.act(async ({ arguments: given }) => done({ completion: given }));
  assert.deepEqual((await modern('completion/complete', ofPrompt)).result.completion, {
    complete: { name: 'notes_greet', argument },
  });
  const ofTemplate = { ref: { type: 'ref/resource', uri: 'notes+memo://{id}' }, argument };
  await legacy('completion/complete', ofTemplate);
  assert.equal(stage.proposals.at(-1)?.tool, 'notes/resources');
});

test('a mirrored argument must be what its header says, for modern clients', async () => {
  stage.act(async () => done({ content: [] }));
  const echo = { name: 'echo', arguments: { region: 'eu' } };
  const with_ = (region?: string) =>
    modern(
      'tools/call',
      echo,
      region === undefined ? {} : { headers: { 'mcp-param-region': region } },
    );
  assert.ok((await with_('eu')).result);
  assert.ok((await with_(`=?base64?${Buffer.from('eu').toString('base64')}?=`)).result);
  for (const wrong of ['us', undefined, '=?base64?!?='])
    assert.equal((await with_(wrong)).error.code, -32020);
  assert.ok((await legacy('tools/call', echo)).result);
});

test("a target's own error goes through only where it means the same to our client", async () => {
  stage.act(async () => failedWith(-32602));
  assert.equal((await modern('tools/call', { name: 'plain' })).error.code, -32602);
  stage.act(async () => failedWith(-32020));
  assert.equal((await modern('tools/call', { name: 'plain' })).result.isError, true);
  const reply = { code: -32021, message: 'no', data: { requiredCapabilities: { sampling: {} } } };
  stage.act(
    async () => ({ kind: 'failed', code: 'CONNECTOR_REFUSED', message: 'no', reply }) as never,
  );
  const { error } = await modern('tools/call', { name: 'plain' });
  assert.deepEqual([error.code, error.data.requiredCapabilities], [-32021, { sampling: {} }]);
  const able = { capabilities: { sampling: {} } };
  assert.equal((await modern('tools/call', { name: 'plain' }, able)).result.isError, true);
});
