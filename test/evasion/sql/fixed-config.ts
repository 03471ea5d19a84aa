/** A configuration of fixed statements, whatever database they are for. */
import type { JsonObject } from '../../../src/domain/json.ts';

export interface FixedTool {
  readonly sql: string;
  readonly inputs: { readonly [name: string]: JsonObject };
  readonly writes?: true;
}

export interface FixedPlan {
  readonly agent: string;
  readonly tools: { readonly [name: string]: FixedTool };
  readonly connection: string;
  /** The members of that connection, as one line. */
  readonly at: string;
  /** One more member of every tool. */
  readonly each?: string;
}

export function configOf({ agent, tools, connection, at, each }: FixedPlan): string {
  const made = Object.entries(tools).map(
    ([name, { sql, inputs, writes }]) => `
  ${name}:
    connection: ${connection}
    description: ${name.replaceAll('_', ' ')}
    sql: ${JSON.stringify(sql)}
    input: ${JSON.stringify(inputs)}
    effect: ${writes ? 'write' : 'read'}${each === undefined ? '' : `\n    ${each}`}
    cap: { rowsRead: 30 }`,
  );
  const named = (writing: boolean): string =>
    Object.entries(tools)
      .filter(([, { writes = false }]) => writes === writing)
      .map(([name]) => name)
      .join(', ');
  return `
version: 1
organisation: { name: acme }
loops: off
connections:
  ${connection}: { ${at} }
tools:${made.join('')}
agents:
  ${agent}: { owner: dana@acme.example }
grants:
  - { agent: ${agent}, tools: [${named(false)}], rung: read }
  - { agent: ${agent}, tools: [${named(true)}], rung: approve }
limits:
  run: { calls: 100000, rowsWritten: 10000 }
  agentDay: { calls: 100000, rowsWritten: 10000 }
approvals: { minutes: 60 }
`;
}
