/** What happens at Signalbox outside the clock: configuration, runs, and proposals that an operator approves beforehand. */
import { beginRun, callTool, type RunHandle } from '../../test/crash/agent.ts';
import { claimOperator } from '../../test/crash/operator.ts';
import type { Part } from './parts.ts';

export interface Desk {
  /** Tokens of that many new runs. */
  runs(count: number): Promise<readonly RunHandle[]>;
  /** Has each run propose that many writes and every one of them approved; their texts, by run. */
  approvedWrites(runs: readonly RunHandle[], each: number): Promise<readonly string[][]>;
}

const AT_ONCE = 8;

/** Where the echo is, and the same echo as a server of the official SDK. */
export interface Upstreams {
  readonly echo: string;
  readonly sdk: string | null;
}

/** How Signalbox reaches the echo: as an MCP server, as the other variants do, or as a plain HTTP API. */
export type Over = 'mcp' | 'http';

function configText(over: Over, { echo, sdk }: Upstreams): string {
  return `
version: 1
organisation: { name: bench }
loops: off
connections:
${over === 'mcp' ? overMcp(echo) : `  echo: { kind: http, url: ${echo}, allowPrivate: true }`}
${sdk === null ? '' : sdkMcp(sdk)}
${over === 'mcp' ? '' : HTTP_TOOLS}
agents:
  load: { owner: dana@acme.example }
grants:
  - { agent: load, tools: [echo${sdk === null ? '' : ', sdk_echo'}], rung: read }
  - { agent: load, tools: [keep], rung: approve }
limits:
  run: { calls: 100000000, rowsWritten: 100000000 }
  agentDay: { calls: 1000000000 }
approvals: { minutes: 60 }
`;
}

const overMcp = (url: string): string => `
  echo:
    kind: mcp
    url: ${url}/mcp
    allowPrivate: true
    toolPrefix: ''
    serve: { tools: { echo: read, keep: write } }`;

const sdkMcp = (url: string): string => `
  sdk: { kind: mcp, url: ${url}/mcp, allowPrivate: true, serve: { tools: { echo: read } } }`;

const HTTP_TOOLS = `
tools:
  echo:
    connection: echo
    description: Says the text again
    http: { method: GET, path: /echo, query: { text: "{text}" } }
    input: { text: { type: string } }
  keep:
    connection: echo
    description: Keeps the text
    http: { method: POST, path: /echo, body: { text: "{text}" } }
    input: { text: { type: string } }`;

export async function openDesk(governed: Part, over: Over, upstreams: Upstreams): Promise<Desk> {
  const { agentsUrl, operatorsUrl, setupCode } = await governed.ask<{
    readonly agentsUrl: string;
    readonly operatorsUrl: string;
    readonly setupCode: string;
  }>({ ask: 'where' });
  const operator = await claimOperator(operatorsUrl, setupCode);
  const inspect = [...(over === 'mcp' ? ['echo'] : []), ...(upstreams.sdk === null ? [] : ['sdk'])];
  await operator.planAndApply(operatorsUrl, configText(over, upstreams), inspect);
  const secret = await operator.enrol(operatorsUrl, 'load');
  let last = 0;

  const approveOne = async (run: RunHandle): Promise<string> => {
    const text = `w${++last}`;
    const said = await callTool(agentsUrl, run, 'keep', { text });
    if (said.kind !== 'pending') throw new Error(`a write was not parked: ${JSON.stringify(said)}`);
    const taken = await operator.answer(operatorsUrl, said.approval, 'approve');
    if (taken !== 'given') throw new Error(`a write was not approved: ${taken}`);
    return text;
  };

  return {
    async runs(count) {
      const begun: RunHandle[] = [];
      for (let i = 0; i < count; i++) {
        const run = await beginRun(agentsUrl, secret, 'bench');
        if (run === null) throw new Error('no run could be started');
        begun.push(run);
      }
      return begun;
    },
    async approvedWrites(runs, each) {
      const texts: string[][] = [];
      for (const run of runs) {
        const own: string[] = [];
        while (own.length < each) {
          const some = Math.min(AT_ONCE, each - own.length);
          own.push(...(await Promise.all(Array.from({ length: some }, () => approveOne(run)))));
        }
        texts.push(own);
      }
      return texts;
    },
  };
}
