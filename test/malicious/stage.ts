/** A Signalbox in front of servers that lie, and what reached them. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { act } from '../../src/broker/act.ts';
import { beginRun } from '../../src/broker/runs.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { type System, startSystem } from '../../src/system.ts';

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url));
const OWNER = { name: 'olga', role: 'owner' } as const;

export interface Said {
  readonly tools: readonly JsonObject[];
  readonly instructions?: string;
  /** A second page of its list. */
  readonly next?: readonly JsonObject[];
}

export interface Stage {
  readonly folder: string;
  readonly system: System;
  /** The program of a server of this name, in the folder. */
  program(name: string): string;
  says(name: string, said: Said): Promise<void>;
  /** The file that has these servers, each with every tool that it says as a read. */
  config(names: readonly string[], without?: readonly string[]): string;
  apply(names: readonly string[], without?: readonly string[]): Promise<void>;
  call(tool: string, input?: JsonObject): Promise<Outcome>;
  /** What an agent reads of its tools, as its client gets it. */
  listed(): Promise<
    readonly { readonly name: string; readonly description?: string | undefined }[]
  >;
  /** What arrived at a server, line by line. */
  arrived(name: string): Promise<string>;
  close(): Promise<void>;
}

export const REFRESH: JsonObject = { name: 'refresh', inputSchema: { type: 'object' } };

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-malicious-'));
  const address = { host: '127.0.0.1', port: 0 };
  const directory = join(folder, 'data');
  const system = await startSystem({
    directory,
    agents: address,
    operators: address,
    log: () => {},
  });
  const said = new Map<string, Said>();
  const program = (name: string): string => join(folder, `${name}.mjs`);
  const stage: Stage = {
    folder,
    system,
    program,
    async says(name, what) {
      said.set(name, what);
      await copyFile(SERVER, program(name));
      await writeFile(join(folder, `${name}.json`), JSON.stringify(what));
      await writeFile(join(folder, `${name}.calls`), '', { flag: 'a' });
    },
    config(names, without = []) {
      const connections = names.map((name) => {
        const command = [
          process.execPath,
          program(name),
          join(folder, `${name}.json`),
          join(folder, `${name}.calls`),
        ];
        const tools = (said.get(name)?.tools ?? []).map(({ name: tool }) => [
          String(tool),
          without.includes(String(tool)) ? false : 'read',
        ]);
        return [
          name,
          { kind: 'mcp', command, protocol: 'legacy', serve: { tools: Object.fromEntries(tools) } },
        ];
      });
      return JSON.stringify({
        version: 1,
        organisation: { name: 'acme', domains: [] },
        connections: Object.fromEntries(connections),
        agents: { bot: { owner: 'dana@acme.example' } },
        grants: [{ agent: 'bot', tools: names.map((name) => `${name}_*`), rung: 'approve' }],
      });
    },
    async apply(names, without) {
      await system.apply(await system.plan(stage.config(names, without), 's.yaml', names), OWNER);
    },
    async call(tool, input = {}) {
      const run = await beginRun(system.broker, { agent: 'bot', intent: 'a test', budget: {} });
      return act(system.broker, { runId: run.id, tool, arguments: input, via: 'test' });
    },
    async listed() {
      const key = await ownerKey(system);
      const token = await enrolled(system, key);
      const client = new Client({ name: 'test', version: '1' });
      const headers = { authorization: `Bearer ${token}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${system.agentsUrl}/mcp`), {
          requestInit: { headers },
        }),
      );
      const { tools } = await client.listTools();
      await client.close();
      return tools;
    },
    arrived: (name) => readFile(join(folder, `${name}.calls`), 'utf8'),
    async close() {
      await system.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

const keys = new WeakMap<System, string>();

async function ownerKey(system: System): Promise<string> {
  const known = keys.get(system);
  if (known !== undefined) return known;
  const { key } = await posted(`${system.operatorsUrl}/setup`, {
    code: system.setupCode,
    name: 'olga',
  });
  keys.set(system, String(key));
  return String(key);
}

async function enrolled(system: System, key: string): Promise<string> {
  const { token } = await posted(`${system.operatorsUrl}/api/agents/bot/enrol`, {}, key);
  return String(token);
}

async function posted(url: string, body: unknown, key?: string): Promise<JsonObject> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify(body),
  });
  return (await response.json()) as JsonObject;
}
