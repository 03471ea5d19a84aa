/** Four real servers of others behind one real gateway, and a human who approves what waits. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../examples/acme/free-port.ts';
import { startSystem } from '../../src/system.ts';
import { beginRun } from '../crash/agent.ts';
import { claimOperator } from '../crash/operator.ts';
import { member, send } from '../crash/wire.ts';

export interface World {
  readonly mcpUrl: string;
  /** Of `server-filesystem`; `hello.txt` is in it. */
  readonly files: string;
  token(intent: string): Promise<string>;
  /** Approves the next ask there is; its tool. */
  approve(): Promise<string>;
  /** Names of everything that `server-memory` has on disk. */
  remembered(): readonly string[];
  close(): Promise<void>;
}

const server = (name: string): string =>
  fileURLToPath(
    new URL(
      `../../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`,
      import.meta.url,
    ),
  );

function configText(files: string, memory: string, url: string): string {
  const command = (...words: readonly string[]): string =>
    JSON.stringify([process.execPath, ...words]);
  return `
version: 1
organisation: { name: clients }
loops: off
connections:
  files:
    kind: mcp
    environment: development
    command: ${command(server('filesystem'), files)}
    serve: { tools: { read_text_file: read, list_directory: read, write_file: write } }
  memory:
    kind: mcp
    environment: development
    command: ${command(server('memory'))}
    env: { MEMORY_FILE_PATH: ${JSON.stringify(memory)} }
    serve: { tools: { read_graph: read, create_entities: write } }
  every:
    kind: mcp
    environment: development
    command: ${command(server('everything'), 'stdio')}
    serve: { tools: { echo: read, get-sum: read }, resources: true, prompts: true }
  web:
    kind: mcp
    environment: development
    url: ${url}
    allowPrivate: true
    serve: { tools: { echo: read, get-tiny-image: read } }
agents:
  client: { owner: dana@acme.example }
grants:
  - { agent: client, tools: [files_read_text_file, files_list_directory, memory_read_graph], rung: read }
  - { agent: client, tools: ['every_*', 'web_*', every/resources, every/prompts], rung: read }
  - { agent: client, tools: [files_write_file, memory_create_entities], rung: approve }
limits:
  run: { calls: 10000, rowsWritten: 1000 }
  agentDay: { calls: 100000, rowsWritten: 10000 }
approvals: { minutes: 30 }
`;
}

export async function startWorld(say: (line: string) => void): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-clients-'));
  const files = join(folder, 'files');
  const memory = join(folder, 'memory.jsonl');
  mkdirSync(files);
  writeFileSync(join(files, 'hello.txt'), 'hello from the disk\n');
  const web = await startWeb();
  const system = await startSystem({
    directory: join(folder, 'data'),
    agents: { host: '127.0.0.1', port: 0 },
    operators: { host: '127.0.0.1', port: 0 },
    log: say,
  });
  const { agentsUrl, operatorsUrl, setupCode } = system;
  const operator = await claimOperator(operatorsUrl, setupCode ?? '');
  await operator.planAndApply(operatorsUrl, configText(files, memory, web.url), [
    'files',
    'memory',
    'every',
    'web',
  ]);
  const secret = await operator.enrol(operatorsUrl, 'client');
  return {
    mcpUrl: `${agentsUrl}/mcp`,
    files,
    async token(intent) {
      const run = await beginRun(agentsUrl, secret, intent);
      if (run === null) throw new Error('no run could be started');
      return run.token;
    },
    async approve() {
      for (let patience = 0; patience < 200; patience++) {
        const open = await send('GET', `${operatorsUrl}/api/approvals`, operator.key);
        const asks = member(open?.body, 'approvals');
        const first = Array.isArray(asks) ? asks[0] : undefined;
        const id = member(first, 'id');
        if (typeof id === 'string') {
          const taken = await operator.answer(operatorsUrl, id, 'approve');
          if (taken === 'given') return String(member(first, 'tool'));
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('nothing waits for an approval');
    },
    remembered: () =>
      existsSync(memory)
        ? readFileSync(memory, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => String((JSON.parse(line) as { name?: string }).name))
        : [],
    async close() {
      await system.close();
      await web.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `server-everything` over Streamable HTTP. It takes no port 0, so one is found for it. */
async function startWeb(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const child = spawn(process.execPath, [server('everything'), 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((up, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('listening')) up();
    });
    child.once('exit', (code) => reject(new Error(`server-everything ended with ${code}`)));
  });
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
