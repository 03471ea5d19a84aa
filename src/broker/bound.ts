import type { Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import type { Facts } from '../domain/facts.ts';
import { own } from '../domain/own.ts';
import type { Run } from '../domain/run.ts';
import { boundArguments } from '../tools/bound.ts';
import { wholeArguments } from '../tools/narrow/input.ts';
import { argumentRecovery } from '../tools/recovery-arguments.ts';
import type { Broker } from './broker.ts';
import { haltedCredentials, ruled } from './gather.ts';

/**
 * The facts of the read whose result stands for a preview; null for a tool that has none bound. An operator bound it to a
 * tool that this run may propose, so it needs no grant of its own; everything else is judged as of any call.
 */
export async function previewFacts(broker: Broker, facts: Facts): Promise<Facts | null> {
  const bound = facts.tool?.preview;
  if (bound === undefined || facts.run === null) return null;
  const tool = own(facts.bundle.tools, bound.tool);
  const connection = own(facts.bundle.connections, tool?.connection ?? '');
  const given = boundArguments(bound, wholeOf(facts));
  return ruled(broker, {
    ...facts,
    run: withoutList(facts.run),
    haltedCredentials: await credentialsOf(broker, facts, connection?.name),
    toolName: bound.tool,
    tool,
    connection,
    rung: tool?.effect === 'read' ? 'read' : null,
    arguments: given,
    argumentsDigest: digestOf('arguments', given),
    continuation: null,
    removes: tool === null ? null : argumentRecovery(tool, wholeArguments(tool, given)),
    inputProblems: tool === null ? [] : broker.inputs(tool, given),
    approval: null,
    unknownRepeat: null,
    firings: NONE,
    consulted: [],
    lineage: await broker.lineage.facts(facts.run, tool, given, facts.bundle),
    measured: null,
  });
}

/** Loops were looked for in the proposal that this belongs to. */
const NONE: Facts['firings'] = [];

/** The facts of the same call at the staging connection of its tool. */
export async function stagedFacts(broker: Broker, facts: Facts): Promise<Facts> {
  const { tool, bundle } = facts;
  const connection = own(bundle.connections, tool?.staging ?? '');
  return ruled(broker, {
    ...facts,
    tool: tool === null ? null : stagedTool(tool),
    connection,
    haltedCredentials: await credentialsOf(broker, facts, connection?.name),
  });
}

const staged = new WeakMap<Tool, Tool>();

export function stagedTool(tool: Tool): Tool {
  const known = staged.get(tool);
  if (known !== undefined) return known;
  const made = { ...tool, connection: tool.staging ?? 'none' };
  staged.set(tool, made);
  return made;
}

/** The tools that a run was begun for are those it may propose; what belongs to one of them comes with it. */
function withoutList(run: Run): Run {
  return run.tools === null ? run : { ...run, tools: null };
}

function wholeOf({ tool, arguments: given }: Facts): Facts['arguments'] {
  return tool === null ? given : wholeArguments(tool, given);
}

async function credentialsOf(
  { store }: Broker,
  { halts, run }: Facts,
  connection: string | undefined,
): Promise<Facts['haltedCredentials']> {
  if (halts.length === 0 || run === null || connection === undefined) return [];
  return haltedCredentials(store, halts, run.id, connection);
}
