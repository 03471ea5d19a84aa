/** A real Signalbox with a configuration applied, an agent with a run, and an operator who approves whatever is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import { startSystem } from '../../src/system.ts';
import { beginRun, type Said, saidIn } from '../crash/agent.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';
import { member, send } from '../crash/wire.ts';

/** All that an agent got to see of one call. */
export interface Answer {
  readonly said: Said;
  /** Every byte of the last answer, as JSON. */
  readonly whole: string;
  /** The structured result, when it is done. */
  readonly result: JsonObject;
}

export interface Gateway {
  readonly operator: Operator;
  readonly operatorsUrl: string;
  /** The sleepy approver says yes to everything: what must hold does not rest on a human. */
  call(tool: string, args: JsonObject): Promise<Answer>;
  /** The same with the text of the arguments as it stands: what no object holds. */
  callText(tool: string, args: string): Promise<Answer>;
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly config: string;
  readonly agent: string;
  readonly secrets: { readonly [name: string]: string };
  /** Servers that the plan may start. */
  readonly inspect?: readonly string[];
}

const HEADERS = { 'mcp-protocol-version': '2025-11-25' };

export async function openGateway({
  config,
  agent,
  secrets,
  inspect = [],
}: GatewayOptions): Promise<Gateway> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-evasion-'));
  const system = await startSystem({
    directory,
    agents: { host: '127.0.0.1', port: 0 },
    operators: { host: '127.0.0.1', port: 0 },
    log: () => {},
    holdMs: 0,
  });
  const close = async (): Promise<void> => {
    await system.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const { agentsUrl, operatorsUrl } = system;
    const operator = await claimOperator(operatorsUrl, system.setupCode ?? '');
    for (const [name, value] of Object.entries(secrets))
      await operator.secret(operatorsUrl, name, value);
    await operator.planAndApply(operatorsUrl, config, inspect);
    const secret = await operator.enrol(operatorsUrl, agent);
    const run = await beginRun(agentsUrl, secret, 'evasion');
    if (run === null) throw new Error('no run could be started');
    let id = 0;
    const once = async (tool: string, args: string): Promise<Answer> => {
      const message = `{"jsonrpc":"2.0","id":${++id},"method":"tools/call","params":{"name":"${tool}","arguments":${args}}}`;
      const reply = await send('POST', `${agentsUrl}/mcp`, run.token, message, HEADERS);
      if (reply === null) throw new Error('the gateway broke the connection');
      const result = member(reply.body, 'result', 'structuredContent');
      return {
        said: saidIn(reply.body),
        whole: JSON.stringify(reply.body),
        result: isJsonObject(result) ? result : {},
      };
    };
    const asked = async (tool: string, args: string): Promise<Answer> => {
      const answer = await once(tool, args);
      if (answer.said.kind !== 'pending') return answer;
      await operator.answer(operatorsUrl, answer.said.approval, 'approve');
      return once(tool, args);
    };
    return {
      operator,
      operatorsUrl,
      call: (tool, args) => asked(tool, JSON.stringify(args)),
      callText: asked,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
