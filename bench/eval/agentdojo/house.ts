/** A whole gateway in this process, before servers that do nothing but count what reached them. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { answer } from '../../../src/broker/answer.ts';
import { beginRun, beginSubRun, endRun } from '../../../src/broker/runs.ts';
import { isJsonObject, type JsonObject } from '../../../src/domain/json.ts';
import { type System, startSystem } from '../../../src/system.ts';
import type { Labelled } from './labels.ts';
import type { Step, Suite } from './suites.ts';

export interface Client {
  readonly runId: string;
  readonly token: string;
}

/** What became of a call, and which checks stood against it. */
export interface Said {
  readonly kind: 'done' | 'asked' | 'denied' | 'failed';
  readonly held: readonly { readonly check: string; readonly code: string }[];
  readonly approvalId: string | null;
  readonly us: number;
}

export interface House {
  begin(suite: string, intent: string, tools: readonly string[] | null): Promise<Client>;
  under(parent: Client, intent: string): Promise<Client>;
  end(client: Client): Promise<void>;
  /** One `tools/call` over MCP; its server will answer with the result of the step. */
  call(client: Client, step: Step): Promise<Said>;
  approve(approvalId: string): Promise<void>;
  /** Calls that the server of this client really got, since it was last asked. */
  effects(client: Client): readonly { readonly tool: string; readonly given: JsonObject }[];
  close(): Promise<void>;
}

interface Stub {
  readonly url: string;
  next: Step | null;
  readonly seen: { tool: string; given: JsonObject }[];
  close(): Promise<void>;
}

async function startStub({ tools }: Pick<Suite, 'tools'>): Promise<Stub> {
  const listed = tools.map(({ name, description, inputSchema }) => ({
    ...{ name, description, inputSchema: { ...inputSchema, type: 'object' } },
  }));
  const seen: Stub['seen'] = [];
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { id, method, params = {} } = JSON.parse(text);
    const said = (result: unknown): void =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (method === 'server/discover')
      return said({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
      });
    if (method === 'tools/list') return said({ tools: listed });
    seen.push({ tool: params.name, given: params.arguments });
    const { result = '', isError = false } = stub.next ?? {};
    said({ content: [{ type: 'text', text: result }], ...(isError ? { isError } : {}) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stub: Stub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    next: null,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return stub;
}

/** `labels` by suite; every tool is granted on rung `approve`, so that only checks stand between a call and its effect. */
export async function openHouse(
  suites: readonly Pick<Suite, 'name' | 'tools'>[],
  labels: ReadonlyMap<string, Labelled>,
): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-agentdojo-'));
  const houses = new Map<string, { system: System; stub: Stub }>();
  // each suite is another organisation, so another deployment
  for (const [i, suite] of suites.entries()) {
    const stub = await startStub(suite);
    const system = await startSystem({
      directory: join(directory, String(i)),
      agents: { host: '127.0.0.1', port: 0 },
      operators: { host: '127.0.0.1', port: 0 },
      holdMs: 0,
      log: () => {},
    });
    const plan = await system.plan(configOf(suite.name, stub.url, labels.get(suite.name)), 'eval');
    await system.apply(plan, { name: 'eval', role: 'owner' });
    houses.set(suite.name, { system, stub });
  }
  return houseOf(houses, directory);
}

function configOf(name: string, url: string, labelled: Labelled | undefined): string {
  const { organisation = {}, tools = {} } = labelled ?? {};
  const file = {
    version: 1,
    organisation: { name, ...organisation },
    connections: {
      stub: { kind: 'mcp', url, allowPrivate: true, toolPrefix: '', serve: { tools } },
    },
    agents: { agent: { owner: 'eval@acme.example' } },
    grants: [{ agent: 'agent', tools: ['*'], rung: 'approve' }],
    limits: { run: { calls: 1_000_000 }, agentDay: { calls: 100_000_000 } },
    // measured by `eval -- loops`; here nothing may be credited to them
    loops: 'off',
  };
  return stringify(file, { aliasDuplicateObjects: false });
}

function houseOf(
  houses: ReadonlyMap<string, { readonly system: System; readonly stub: Stub }>,
  directory: string,
): House {
  const where = new Map<string, { readonly system: System; readonly stub: Stub }>();
  const of = (client: Client) => {
    const house = where.get(client.runId);
    if (house === undefined) throw new Error('no run of this house');
    return house;
  };
  const asks = new Map<string, System>();
  let id = 0;
  return {
    async begin(suite, intent, tools) {
      const house = houses.get(suite);
      if (house === undefined) throw new Error(`no suite ${suite}`);
      const { broker, callers } = house.system;
      const run = await beginRun(broker, { agent: 'agent', intent, budget: {}, tools });
      where.set(run.id, house);
      return { runId: run.id, token: (await callers.issue(run)).token };
    },
    async under(parent, intent) {
      const house = of(parent);
      const { broker, callers } = house.system;
      const asked = { parent: parent.runId, agent: null, intent, budget: {}, tools: null };
      const run = await beginSubRun(broker, asked);
      where.set(run.id, house);
      return { runId: run.id, token: (await callers.issue(run)).token };
    },
    async end(client) {
      const { system } = of(client);
      await endRun(system.broker, client.runId, 'over');
      where.delete(client.runId);
    },
    async call(client, step) {
      const { system, stub } = of(client);
      stub.next = step;
      const began = performance.now();
      const response = await fetch(`${system.agentsUrl}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${client.token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-11-25',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: ++id,
          method: 'tools/call',
          params: { name: step.tool, arguments: step.given },
        }),
      });
      const body = (await response.json()) as JsonObject;
      const us = (performance.now() - began) * 1_000;
      const said = saidIn(body);
      if (said.kind === 'done') return { ...said, held: [], us };
      if (said.approvalId !== null) asks.set(said.approvalId, system);
      return { ...said, held: await heldIn(system, client.runId), us };
    },
    async approve(approvalId) {
      const { broker } = (asks.get(approvalId) as System) ?? {};
      const ask = await broker.store.ask(approvalId);
      if (ask === null) throw new Error('no such ask');
      const { digest } = ask.approval;
      await answer(broker, { approvalId, answer: 'approved', by: 'eval', because: 'eval', digest });
    },
    effects: (client) => of(client).stub.seen.splice(0),
    async close() {
      for (const { system, stub } of houses.values()) {
        await system.close();
        await stub.close();
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function saidIn({ result, error }: JsonObject): Pick<Said, 'kind' | 'approvalId'> {
  if (error !== undefined) return { kind: 'failed', approvalId: null };
  if (!isJsonObject(result)) return { kind: 'failed', approvalId: null };
  const { structuredContent } = result;
  const ours = (structuredContent as JsonObject | undefined)?.signalbox as JsonObject | undefined;
  switch (ours?.status) {
    case undefined:
      return { kind: 'done', approvalId: null };
    case 'pending':
      return { kind: 'asked', approvalId: String(ours?.approval) };
    case 'refused':
      return { kind: 'denied', approvalId: null };
    default:
      return { kind: 'failed', approvalId: null };
  }
}

/** The checks that stood against the newest proposal of a run, as recorded. */
async function heldIn(system: System, runId: string): Promise<Said['held']> {
  const events = await system.broker.store.timeline(runId);
  const last = events.findLast(
    ({ type }) => type === 'action.parked' || type === 'action.denied' || type === 'action.drafted',
  );
  const { verdicts = [] } = JSON.parse(last?.body ?? '{}');
  return verdicts
    .filter(({ code }: { code: string }) => code !== 'OK')
    .map(({ check, code }: { check: string; code: string }) => ({ check, code }));
}
