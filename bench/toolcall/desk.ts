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

function configText(echoUrl: string): string {
  return `
version: 1
organisation: { name: bench }
connections:
  echo: { kind: http, url: ${echoUrl}, allowPrivate: true }
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
    input: { text: { type: string } }
agents:
  load: { owner: dana@acme.example }
grants:
  - { agent: load, tools: [echo], rung: read }
  - { agent: load, tools: [keep], rung: approve }
limits:
  run: { calls: 100000000, rowsWritten: 100000000 }
  agentDay: { calls: 1000000000 }
approvals: { minutes: 60 }
`;
}

export async function openDesk(governed: Part, echoUrl: string): Promise<Desk> {
  const { agentsUrl, operatorsUrl, setupCode } = await governed.ask<{
    readonly agentsUrl: string;
    readonly operatorsUrl: string;
    readonly setupCode: string;
  }>({ ask: 'where' });
  const operator = await claimOperator(operatorsUrl, setupCode);
  await operator.planAndApply(operatorsUrl, configText(echoUrl));
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
