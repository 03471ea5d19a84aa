/** A whole gateway before a stub server whose tools say what a test wants, and count what they did. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/domain/json.ts';
import { type System, startSystem } from '../../src/system.ts';
import { beginRun, callTool, type RunHandle, type Said } from '../crash/agent.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';

/** What a stub tool brings back: a text, or an error's text. */
export type Script = (given: JsonObject) => string | { readonly error: string };

export interface Stub {
  readonly url: string;
  /** Calls that were executed, by tool. */
  readonly done: { tool: string; given: JsonObject }[];
  scripts: { [tool: string]: Script };
  close(): Promise<void>;
}

export interface StubTool {
  readonly name: string;
  readonly properties: JsonObject;
}

export async function startStub(tools: readonly StubTool[]): Promise<Stub> {
  const listed = tools.map(({ name, properties }) => ({
    ...{ name, description: name },
    inputSchema: { type: 'object', properties },
  }));
  const stub = { done: [] as Stub['done'], scripts: {} as Stub['scripts'] };
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { id, method, params = {} } = JSON.parse(text);
    const result = (): JsonObject => {
      if (method === 'server/discover')
        return {
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {} },
        };
      if (method === 'tools/list') return { tools: listed as never };
      stub.done.push({ tool: params.name, given: params.arguments });
      const said = stub.scripts[params.name]?.(params.arguments) ?? 'ok';
      return typeof said === 'string'
        ? { content: [{ type: 'text', text: said }] }
        : { content: [{ type: 'text', text: said.error }], isError: true };
    };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: result() }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(stub, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

export interface LineageWorld {
  readonly stub: Stub;
  readonly operator: Operator;
  system: System;
  run(intent: string): Promise<RunHandle>;
  /** Words of the principal, said with the agent's secret or another token; the status of the answer. */
  say(run: RunHandle, text: string, token?: string): Promise<number>;
  call(run: RunHandle, tool: string, given: JsonObject): Promise<Said>;
  /** Codes of the verdicts that held the newest call of this run down. */
  held(run: RunHandle): Promise<readonly string[]>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** `serve` is the YAML of `serve.tools`, `more` of the organisation; every tool is granted on rung `approve`. */
export async function startLineageWorld(
  tools: readonly StubTool[],
  serve: string,
  more = '',
): Promise<LineageWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-lineage-'));
  const stub = await startStub(tools);
  const start = (): Promise<System> =>
    startSystem({
      directory,
      agents: { host: '127.0.0.1', port: 0 },
      operators: { host: '127.0.0.1', port: 0 },
      holdMs: 0,
      log: () => {},
    });
  const system = await start();
  const operator = await claimOperator(system.operatorsUrl, system.setupCode ?? '');
  const text = `
version: 1
organisation:
  name: acme
  domains: [acme.example]
${more}
connections:
  stub:
    kind: mcp
    url: ${stub.url}
    allowPrivate: true
    toolPrefix: ''
    serve:
      tools:
${serve.replaceAll(/^(?=.)/gm, '        ')}
agents:
  agent: { owner: dana@acme.example }
grants:
  - { agent: agent, tools: ['*'], rung: approve }
limits:
  run: { calls: 100000 }
  agentDay: { calls: 1000000 }
`;
  await operator.planAndApply(system.operatorsUrl, text, ['stub']);
  const secret = await operator.enrol(system.operatorsUrl, 'agent');
  const world: LineageWorld = {
    stub,
    operator,
    system,
    async run(intent) {
      const run = await beginRun(world.system.agentsUrl, secret, intent);
      if (run === null) throw new Error('no run was started');
      return run;
    },
    async say(run, text, token = secret) {
      const { status } = await fetch(`${world.system.agentsUrl}/v1/runs/${run.id}/said`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      return status;
    },
    call: (run, tool, given) => callTool(world.system.agentsUrl, run, tool, given),
    async held(run) {
      const events = await world.system.broker.store.timeline(run.id);
      const last = events.findLast(({ body }) => body.includes('"verdicts"'));
      const { verdicts } = JSON.parse(last?.body ?? '{"verdicts":[]}');
      return verdicts
        .map(({ code }: { code: string }) => code)
        .filter((code: string) => code !== 'OK');
    },
    async restart() {
      await world.system.close();
      world.system = await start();
    },
    async close() {
      await world.system.close();
      await stub.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return world;
}
