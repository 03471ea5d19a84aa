import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from '../../domain/bundle.ts';
import type { Connector } from '../../domain/connector.ts';
import { realDoors } from '../../doors.ts';
import { createMcpConnector } from './connector.ts';
import {
  callOf,
  childConnection,
  Ears,
  failure,
  httpConnection,
  inspectorWithout,
  members,
  offering,
  toolOf as pinnedTool,
  run,
  text,
  until,
} from './testing/caller.ts';
import { type SdkSite, startSdkServer } from './testing/sdk-server.ts';

const CHILD = fileURLToPath(new URL('testing/sdk-stdio.ts', import.meta.url));

/** Every way to the SDK's server: what a caller sees must be the same on all of them. */
const WAYS: readonly {
  readonly name: string;
  readonly era: 'modern' | 'legacy';
  readonly http: boolean;
  readonly connection: (site: SdkSite) => Connection;
}[] = [
  {
    name: 'modern over HTTP',
    era: 'modern',
    http: true,
    connection: ({ url }) => httpConnection(url),
  },
  {
    name: 'legacy over HTTP',
    era: 'legacy',
    http: true,
    connection: ({ url }) => httpConnection(url, { protocol: 'legacy' }),
  },
  {
    name: 'modern over stdio',
    era: 'modern',
    http: false,
    connection: () => childConnection([process.execPath, CHILD]),
  },
  {
    name: 'legacy over stdio',
    era: 'legacy',
    http: false,
    connection: () => childConnection([process.execPath, CHILD], { protocol: 'legacy' }),
  },
];

for (const { name, era, http, connection: connectionTo } of WAYS)
  describe(name, () => {
    let site: SdkSite;
    let connection: Connection;
    let connector: Connector;
    const inspector = inspectorWithout();
    const toolOf = (from: Connection, name: string, more: Parameters<typeof pinnedTool>[2] = {}) =>
      pinnedTool(from, name, more, inspector);
    before(async () => {
      site = await startSdkServer(era === 'legacy');
      connection = connectionTo(site);
      connector = createMcpConnector(realDoors());
    });
    after(async () => {
      await connector.close();
      await site.close();
    });

    it('describes itself', async () => {
      const catalogue = await inspector.catalogue?.(connection);
      assert.deepEqual(catalogue?.server, { name: 'sdk', version: '2.0.0' });
      assert.equal(catalogue.instructions, 'be kind');
      assert.deepEqual(
        catalogue.tools.map((tool) => tool.name),
        ['ask', 'echo', 'lines', 'slow', 'steps', 'where'],
      );
      assert.deepEqual(
        catalogue.prompts.map((prompt) => prompt.name),
        ['greet'],
      );
      assert.deepEqual([catalogue.resources, catalogue.completions], [true, true]);
    });

    it('calls a tool, many at once', async () => {
      const tool = await toolOf(connection, 'echo');
      const words = Array.from({ length: 20 }, (_, i) => `word ${i} ✓`);
      const said = await Promise.all(
        words.map((word) => text(connector, callOf(tool, connection, { text: word }))),
      );
      assert.deepEqual(said, words);
    });

    it('mirrors a parameter into its header', async () => {
      const tool = await toolOf(connection, 'where');
      const call = callOf(tool, connection, { region: 'Zürich' });
      assert.equal(await text(connector, call), 'Zürich');
      if (era !== 'modern' || !http) return;
      const headers = site.headers.findLast((each) => each['mcp-method'] === 'tools/call');
      assert.equal(headers?.['mcp-param-region'], '=?base64?WsO8cmljaA==?=');
      assert.equal(headers?.['mcp-name'], 'where');
      assert.equal(headers?.['mcp-protocol-version'], '2026-07-28');
    });

    it('tells progress that moves on, to who wants it', async () => {
      const tool = await toolOf(connection, 'steps');
      const ears = new Ears({ progress: true });
      assert.equal(await text(connector, callOf(tool, connection), ears), 'done');
      assert.deepEqual(
        ears.told.map(({ method, params }) => [method, params.progress]),
        [1, 2, 3].map((step) => ['notifications/progress', step]),
      );
      const deaf = new Ears({ logLevel: 'debug' });
      await text(connector, callOf(tool, connection), deaf);
      assert.deepEqual(deaf.told, []);
    });

    it('tells log lines that are severe enough', async () => {
      const tool = await toolOf(connection, 'lines');
      const ears = new Ears({ logLevel: 'warning' });
      await text(connector, callOf(tool, connection), ears);
      assert.deepEqual(
        ears.told.map(({ params }) => params.data),
        ['large'],
      );
    });

    it('reads resources under names of this connection', async () => {
      const tool = await offering(connection, 'resources');
      const ask = (input: Parameters<typeof callOf>[2]) =>
        members(connector, callOf(tool, connection, input));
      const { resources } = await ask({ list: 'resources' });
      assert.deepEqual(resources, [{ uri: 'up-stream+note://one', name: 'one' }]);
      const { resourceTemplates } = await ask({ list: 'templates' });
      assert.deepEqual(resourceTemplates, [
        { uriTemplate: 'up-stream+note://{name}', name: 'note' },
      ]);
      const { contents } = await ask({ uri: 'up-stream+note://one' });
      assert.deepEqual(contents, [{ uri: 'up-stream+note://one', text: 'contents of note://one' }]);
      const { completion } = await ask({
        complete: { uri: 'up-stream+note://{name}', argument: { name: 'name', value: 'o' } },
      });
      assert.deepEqual(completion, { values: ['o!'] });
    });

    it('gets prompts by their own or their prefixed names', async () => {
      const tool = await offering(connection, 'prompts');
      for (const name of ['greet', 'up_greet']) {
        const call = callOf(tool, connection, { name, arguments: { who: 'you' } });
        const { messages } = await members(connector, call);
        assert.deepEqual(messages, [{ role: 'user', content: { type: 'text', text: 'hi you' } }]);
      }
      const none = await failure(run(connector, callOf(tool, connection, { name: 'other' })));
      assert.equal(none.effect, 'none');
    });

    it('stops at the server when its caller goes', async () => {
      const tool = await toolOf(connection, 'slow', { effect: 'write' });
      const gone = new AbortController();
      const call = callOf(tool, connection, {}, { signal: gone.signal });
      const work = failure(run(connector, call));
      setTimeout(() => gone.abort(), 100);
      const { code, effect } = await work;
      assert.deepEqual([code, effect], ['CONNECTOR_ABORTED', 'unknown']);
      if (http && era === 'modern') await until(() => site.seen.aborted === 1);
    });

    it('is timed out', async () => {
      const tool = await toolOf(connection, 'slow', { timeoutMs: 150 });
      const { code, effect } = await failure(run(connector, callOf(tool, connection)));
      assert.deepEqual([code, effect], ['CONNECTOR_TIMEOUT', 'none']);
    });

    if (era === 'modern')
      it('hands questions on, and goes on with the answers', async () => {
        const tool = await toolOf(connection, 'ask');
        const ears = new Ears({ capabilities: { elicitation: { form: {} } } });
        const { wants } = await run(connector, callOf(tool, connection), ears);
        assert.equal(wants?.state, 'round one');
        assert.deepEqual(Object.keys(wants.questions), ['sure']);
        const continuation = { responses: { sure: { action: 'decline' } }, state: wants.state };
        const second = callOf(tool, connection, {}, { continuation });
        assert.equal(await text(connector, second, ears), 'decline round one');
        const { reply, effect } = await failure(run(connector, callOf(tool, connection)));
        assert.deepEqual([reply?.code, effect], [-32021, 'none']);
      });
    else if (!http)
      it('asks its caller while the call is in the air', async () => {
        const tool = await toolOf(connection, 'ask');
        const ears = new Ears({ capabilities: { elicitation: { form: {} } } });
        assert.match(await text(connector, callOf(tool, connection), ears), /^accept/);
        assert.deepEqual(
          ears.asked.map(({ method }) => method),
          ['elicitation/create'],
        );
      });
  });
