/** A real Signalbox before one everything server: nothing is left out and nothing is let through unseen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSystem } from '../../src/system.ts';
import { beginRun } from '../crash/agent.ts';
import { claimOperator } from '../crash/operator.ts';
import { type Era, startEverything } from './everything/listen.ts';
import { startShim } from './shim.ts';

export interface Gateway {
  /** Where the suite calls. */
  readonly url: string;
  close(): Promise<void>;
}

function configText(url: string): string {
  return `
version: 1
organisation: { name: conformance }
loops: off
connections:
  everything:
    kind: mcp
    environment: development
    url: ${url}
    allowPrivate: true
    protocol: auto
    toolPrefix: ''
    serve:
      tools: { '*': read }
      resources: true
      prompts: true
agents:
  suite: { owner: dana@acme.example }
grants:
  - { agent: suite, tools: ['*', everything/resources, everything/prompts], rung: read }
limits:
  run: { calls: 1000000 }
  agentDay: { calls: 1000000 }
`;
}

export async function startGateway(era: Era): Promise<Gateway> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-conformance-data-'));
  const closing: (() => Promise<void>)[] = [
    async () => rmSync(directory, { recursive: true, force: true }),
  ];
  const close = async (): Promise<void> => {
    for (const one of closing.reverse()) await one();
  };
  try {
    const everything = await startEverything(era);
    closing.push(everything.close);
    const shim = await startShim();
    closing.push(shim.close);
    const names = [`localhost:${shim.port}`, `127.0.0.1:${shim.port}`];
    const system = await startSystem({
      directory,
      agents: { host: '127.0.0.1', port: 0, extraHosts: names },
      operators: { host: '127.0.0.1', port: 0 },
      log: (line) => process.stderr.write(`signalbox (${era}): ${line}\n`),
    });
    closing.push(() => system.close());
    const { agentsUrl, operatorsUrl, setupCode } = system;
    const operator = await claimOperator(operatorsUrl, setupCode ?? '');
    await operator.planAndApply(operatorsUrl, configText(everything.url), ['everything']);
    const secret = await operator.enrol(operatorsUrl, 'suite');
    const run = await beginRun(agentsUrl, secret, 'conformance');
    if (run === null) throw new Error('no run could be started');
    shim.lead(agentsUrl, run.token);
    return { url: `http://localhost:${shim.port}/mcp`, close };
  } catch (error) {
    await close();
    throw error;
  }
}
