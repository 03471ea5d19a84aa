import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import type { JsonObject } from '../../domain/json.ts';
import { realDoors } from '../../doors.ts';
import { type Challenge, createMcpConnector } from './connector.ts';
import { callOf, failure, httpConnection, members, run, text, toolOf } from './testing/caller.ts';
import { type RawSite, startRaw } from './testing/raw-server.ts';

const SECRET = 'sk-live-4f9a8b7c6d';
const credential: Credential = { kind: 'secret', leaseId: 'lease_1', value: SECRET };

describe('a server over HTTP that does not keep to the rules', () => {
  let site: RawSite;
  let connection: Connection;
  let tool: Tool;
  let write: Tool;
  let connector: Connector;
  const challenges: Challenge[] = [];
  before(async () => {
    site = await startRaw();
    connection = httpConnection(site.url);
    tool = await toolOf(connection, 'echo');
    write = await toolOf(connection, 'echo', { effect: 'write' });
  });
  beforeEach(async () => {
    await connector?.close();
    challenges.length = 0;
    site.tools = site.usual;
    connector = createMcpConnector(realDoors(), {
      challenged: (_, challenge) => challenges.push(challenge),
    });
  });
  after(async () => {
    await connector.close();
    await site.close();
  });

  const answers = (answer: (response: ServerResponse, id: number) => void) => {
    site.answer = answer;
  };
  const result = (value: JsonObject) =>
    answers((response, id) => site.json(response, { jsonrpc: '2.0', id, result: value }));
  const said = (content: JsonObject[], more: JsonObject = {}) =>
    result({ resultType: 'complete', content, ...more });
  const fails = async (of: Tool, more: Partial<Parameters<typeof callOf>[3]> = {}) => {
    const { code, effect, reply } = await failure(run(connector, callOf(of, connection, {}, more)));
    return [code, effect, reply?.code ?? null];
  };

  it('is no answer when it is no message, another’s, or of an unknown type', async () => {
    const broken: ((response: ServerResponse, id: number) => void)[] = [
      (response) => site.raw(response, '{"jsonrpc":"2.0","id":1,"result":'),
      (response) => site.raw(response, '[]'),
      (response) => site.raw(response, 'null'),
      (response) => site.raw(response, ''),
      (response) => site.json(response, { jsonrpc: '2.0', id: 999, result: { content: [] } }),
      (response, id) => site.json(response, { jsonrpc: '2.0', id, result: { content: 'text' } }),
      (response, id) => site.json(response, { jsonrpc: '2.0', id, result: { resultType: 'task' } }),
      (response, id) =>
        site.json(response, { jsonrpc: '2.0', id, result: { resultType: 'input_required' } }),
      (response) => void response.writeHead(202).end(),
      (response) => site.raw(response, '{}', 'text/event-stream'),
      (response) => site.raw(response, 'data: {"half":\n', 'text/event-stream'),
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ];
    for (const answer of broken) {
      answers(answer);
      const [code, effect] = await fails(write);
      assert.match(String(code), /^CONNECTOR_(REFUSED|UNREACHABLE)$/);
      assert.equal(effect, 'unknown');
      assert.equal((await fails(tool))[1], 'none');
    }
  });

  it('hides nothing in a result: it is written out, counted and cut as what is handed on', async () => {
    const words = `sum 3\u{e0069}\u{e0067} \x1b[8mgo\x1b[0m \u202etxt می\u200cخواهم`;
    said([{ type: 'text', text: words }], { structuredContent: { 'a\u202e': [words] } });
    const { wire = '', cut } = await run(connector, callOf(tool, connection, {}));
    assert.match(wire, /sum 3⟦U\+E0069 U\+E0067⟧ ⟦U\+001B⟧\[8mgo/);
    assert.match(wire, /می\u200cخواهم/);
    assert.doesNotMatch(wire, /[\u202e\u{e0069}]|\\u001b/u);
    assert.deepEqual(cut, ['11 hidden characters are written out (⟦U+…⟧)']);
    const keeps = { ...tool, binding: { ...tool.binding, keepHidden: true } };
    const kept = await run(connector, callOf(keeps, connection, {}));
    assert.ok(kept.wire?.includes('\u202etxt') && kept.cut.length === 0);
    const small = { ...tool, maxResultBytes: 200 };
    said([{ type: 'text', text: '\u202ex'.repeat(100) }]);
    const short = await run(connector, callOf(small, connection, {}));
    assert.doesNotMatch(short.wire ?? '', /\u202e/);
    answers((response, id) =>
      site.json(response, { jsonrpc: '2.0', id, error: { code: 7, message: 'no\u202eon' } }),
    );
    const { message, reply } = await failure(run(connector, callOf(tool, connection, {})));
    assert.deepEqual([reply?.message, /\u202e/.test(message)], ['no⟦U+202E⟧on', false]);
  });

  it('is not followed elsewhere, and its statuses say whether it acted', async () => {
    const statuses: [number, string][] = [
      [302, 'unknown'],
      [307, 'none'],
      [400, 'none'],
      [408, 'unknown'],
      [429, 'none'],
      [500, 'unknown'],
      [501, 'none'],
    ];
    for (const [status, effect] of statuses) {
      answers((response) => void response.writeHead(status, { location: '/other' }).end('no'));
      assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', effect, null]);
    }
    assert.ok(site.paths.every((path) => path === '/mcp'));
  });

  it('may refuse in the words of the protocol', async () => {
    const error = (code: number, status: number) =>
      answers((response, id) =>
        site.json(response, { jsonrpc: '2.0', id, error: { code, message: 'no' } }, status),
      );
    error(-32602, 200);
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'none', -32602]);
    error(-32020, 400);
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'none', -32020]);
    error(-32000, 200);
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'unknown', -32000]);
    assert.deepEqual(await fails(tool), ['CONNECTOR_REFUSED', 'none', -32000]);
  });

  it('may go away in the middle', async () => {
    answers((response) => void response.socket?.destroy());
    assert.deepEqual(await fails(write), ['CONNECTOR_UNREACHABLE', 'unknown', null]);
    answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n', () => response.socket?.destroy());
    });
    assert.deepEqual(await fails(write), ['CONNECTOR_UNREACHABLE', 'unknown', null]);
  });

  it('is read to a limit and no further', async () => {
    const endless = (type: string, piece: string) =>
      answers((response) => {
        response.writeHead(200, { 'content-type': type });
        const more = (): void => {
          while (!response.destroyed && response.write(piece));
          response.once('drain', more);
        };
        more();
      });
    endless('application/json', 'x'.repeat(65_536));
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'unknown', null]);
    endless('text/event-stream', `data: ${'x'.repeat(65_536)}`);
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'unknown', null]);
    endless('text/event-stream', `data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n`);
    assert.deepEqual(await fails(write), ['CONNECTOR_REFUSED', 'unknown', null]);
  });

  it('hands over no more than the cap, and says what was cut', async () => {
    const small = await toolOf(connection, 'echo', { maxResultBytes: 1_000 });
    said([
      { type: 'text', text: 'first' },
      { type: 'image', data: 'A'.repeat(2_000), mimeType: 'image/png' },
      { type: 'text', text: 'ß"'.repeat(900) },
      { type: 'strange' },
    ]);
    const { wire = '', cut } = await run(connector, callOf(small, connection));
    assert.ok(Buffer.byteLength(wire) <= 1_000, wire);
    const { content } = JSON.parse(`{${wire}}`) as { content: { text: string }[] };
    assert.equal(content[0]?.text, 'first');
    assert.match(content[1]?.text ?? '', /^(ß")+ß?$/);
    assert.equal(cut.length, 3);
    said([{ type: 'text', text: 'fits' }], { structuredContent: { long: 'x'.repeat(2_000) } });
    const second = await run(connector, callOf(small, connection));
    assert.equal(second.wire, '"content":[{"type":"text","text":"fits"}]');
    assert.match(second.cut.join(), /structured content/);
  });

  it('keeps what it means: meta, errors of tools, numbers beyond JavaScript', async () => {
    answers((response, id) =>
      site.raw(
        response,
        `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"isError":true,` +
          '"structuredContent":{"big":12345678901234567890},' +
          '"_meta":{"x":1,"io.modelcontextprotocol/serverInfo":{"name":"y"}}}}',
      ),
    );
    const { wire } = await run(connector, callOf(tool, connection));
    assert.equal(
      wire,
      '"_meta":{"x":1},"content":[],"structuredContent":{"big":12345678901234567890},"isError":true',
    );
  });

  it('never echoes a secret, however it is written', async () => {
    const held = { ...connection, secret: 'token', issuer: 'static-secret' };
    const inText = [...SECRET].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
    answers((response, id) => {
      assert.equal(site.last?.authorization, `Bearer ${SECRET}`);
      site.raw(
        response,
        `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${inText}"}],` +
          `"structuredContent":{"${SECRET}":"${Buffer.from(SECRET).toString('base64')}"}}}`,
      );
    });
    const call = callOf(tool, held, {}, { credential });
    const found = await members(connector, call);
    assert.doesNotMatch(JSON.stringify(found), /sk-live|c2stbGl2/);
    answers((response) => void response.writeHead(400).end(`bad token ${SECRET}`));
    assert.doesNotMatch((await failure(run(connector, call))).message, /sk-live/);
    answers((response, id) =>
      site.json(response, {
        jsonrpc: '2.0',
        id,
        error: { code: -1, message: SECRET, data: SECRET },
      }),
    );
    const { message, reply } = await failure(run(connector, call));
    assert.doesNotMatch(message + JSON.stringify(reply), /sk-live/);
    const without = await failure(run(connector, callOf(tool, held)));
    assert.deepEqual([without.code, without.effect], ['CREDENTIAL_FAILED', 'none']);
  });

  it('that refuses a credential is heard by who renews it', async () => {
    const header = 'Bearer resource_metadata="https://a.example/x", scope="y"';
    answers((response) => void response.writeHead(401, { 'www-authenticate': header }).end());
    assert.deepEqual(await fails(write), ['CREDENTIAL_REFUSED', 'none', null]);
    assert.deepEqual(challenges, [{ status: 401, header }]);
  });

  it('is not called when it defines a tool otherwise, or no longer has it', async () => {
    said([{ type: 'text', text: 'hello' }]);
    const calls = () => site.calls;
    site.tools = [{ ...site.usual[0], annotations: { readOnlyHint: true } } as JsonObject];
    const count = calls();
    assert.deepEqual(await fails(write), ['TOOL_CHANGED', 'none', null]);
    await connector.close();
    site.tools = [];
    assert.deepEqual(await fails(write), ['TOOL_GONE', 'none', null]);
    await connector.close();
    site.tools = [...site.usual, ...site.usual];
    assert.deepEqual(await fails(write), ['TOOL_CHANGED', 'none', null]);
    assert.equal(calls(), count);
    await connector.close();
    site.tools = site.usual;
    assert.equal(await text(connector, callOf(write, connection)), 'hello');
  });

  it('is not taken when it defines a tool that no reader could follow', async () => {
    const abyss = JSON.parse(`${'{"a":'.repeat(1_000)}{}${'}'.repeat(1_000)}`);
    site.tools = [{ ...site.usual[0], inputSchema: { type: 'object', properties: abyss } }];
    const { code, message } = await failure(run(connector, callOf(write, connection)));
    assert.deepEqual([code, /nested too deep/.test(message)], ['CONNECTOR_REFUSED', true]);
  });

  it('asks no end of questions in one call', async () => {
    answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let id = 0; id < 300; id++)
        response.write(`data: {"jsonrpc":"2.0","id":"q${id}","method":"roots/list"}\n\n`);
    });
    const { code, message } = await failure(run(connector, callOf(write, connection)));
    assert.deepEqual([code, /questions/.test(message)], ['CONNECTOR_REFUSED', true]);
  });

  it('is left alone for a while when it cannot be reached', async () => {
    const gone = {
      ...connection,
      settings: { ...connection.settings, url: 'http://127.0.0.1:1/' },
    };
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) {
      const { code, effect, message } = await failure(run(connector, callOf(write, gone)));
      assert.equal(effect, 'none');
      codes.push(`${code} ${/tried again/.test(message)}`);
    }
    assert.deepEqual(codes, [
      ...Array.from({ length: 5 }, () => 'CONNECTOR_UNREACHABLE false'),
      'CONNECTOR_UNREACHABLE true',
    ]);
  });

  it('is not dialled inside when its connection does not say so', async () => {
    const outside = {
      ...connection,
      settings: { ...connection.settings, allowPrivate: false, inside: true },
    };
    const { code, effect } = await failure(run(connector, callOf(write, outside)));
    assert.deepEqual([code, effect], ['EGRESS_REFUSED', 'none']);
  });
});
