import type { Connection, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import type { Policies, PolicyRuling } from '../domain/policy.ts';
import { type Projection, projected, projectionOf, UNFIT } from './arguments.ts';
import { argumentsRead } from './arguments-read.ts';
import { compileSlice, type Evaluate } from './compile.ts';
import { type Asking, type Constants, Context, constantsOf } from './context.ts';
import { type Asked, modeValue, toolFacts } from './facts-schema.ts';
import type { LocalTime } from './local-time.ts';
import { type Env, type Groups, Uncompilable } from './node.ts';
import { concerns, type Policy } from './policy-set.ts';
import {
  type Answer,
  EngineFailure,
  type Question,
  type Reference,
  type Slice,
} from './reference.ts';
import { failed, modesFor, type PolicyTable, ruling, UNREADABLE } from './ruling.ts';
import { groupsOf, schemaOf } from './schema.ts';
import type { Fixed } from './scope.ts';
import { EntityValue } from './values.ts';

/** Everything that is decided for one tool of one bundle before an action comes. */
export interface ToolPolicies {
  readonly tool: Tool;
  readonly table: PolicyTable;
  readonly slice: Slice;
  readonly fixed: Fixed;
  readonly constants: Constants;
  readonly args: Projection;
  readonly time: LocalTime;
  /** Null: the reference engine decides. */
  compiled: { readonly [M in Asked]: Evaluate } | null;
  /** Said of every action, whatever it is; null where that depends. */
  always: PolicyRuling | null;
}

export function toolPolicies(
  all: readonly Policy[],
  tool: Tool,
  connection: Connection | null,
  { policies, time }: { readonly policies: Policies; readonly time: LocalTime },
): ToolPolicies {
  const own = all.filter((policy) => concerns(policy, tool));
  const args = argumentsRead(own, projectionOf(tool.inputSchema));
  const constants = constantsOf(tool, connection, policies);
  const fixed: Fixed = {
    tool: tool.name,
    groups: groupsOf(tool),
    connection: tool.connection,
    toolFacts: toolFacts(tool, connection),
    constants,
    args,
  };
  const texts = Object.fromEntries(own.map(({ id, text }) => [id, text]));
  const slice: Slice = {
    tool: tool.name,
    policies: texts,
    key: digestOf('policies', texts),
    schema: schemaOf([{ tool, args }]),
  };
  const table = new Map(own.map((policy) => [policy.id, policy]));
  const compiled = tryCompile(own, fixed);
  const made = { tool, table, slice, fixed, constants, args, time, compiled, always: null };
  return { ...made, always: compiled === null ? null : alwaysOf(made, compiled) };
}

function tryCompile(own: readonly Policy[], fixed: Fixed): ToolPolicies['compiled'] {
  try {
    return compileSlice(own, fixed);
  } catch (error) {
    if (error instanceof Uncompilable) return null;
    throw error;
  }
}

/** Asked until one answer depends on the action. */
function alwaysOf(
  { tool, table }: Pick<ToolPolicies, 'tool' | 'table'>,
  compiled: { readonly [M in Asked]: Evaluate },
): PolicyRuling | null {
  let depends = false;
  const found = ruling(modesFor(tool.effect), table, (mode) => {
    const evaluate = compiled[mode];
    if ('known' in evaluate) return evaluate.known;
    depends = true;
    return NOTHING;
  });
  return depends ? null : found;
}

const NOTHING: Answer = { allowed: false, reasons: [], errors: [] };

/** What the policies of a tool say of one action. Never throws: what goes wrong is a no. */
export function rulingOf(of: ToolPolicies, asking: Asking, reference: Reference): PolicyRuling {
  if (of.always !== null) return of.always;
  const context = contextOf(of, asking);
  if (context === null) return UNREADABLE;
  const { compiled } = of;
  if (compiled === null) return byReference(of, asking.run.agent, context, reference);
  const env: Env = { agent: new EntityValue('Agent', asking.run.agent), context };
  return ruling(modesFor(of.tool.effect), of.table, (mode) => answerOf(compiled[mode], env));
}

/** Null: an argument that some policy reads cannot be said exactly. */
export function contextOf(of: ToolPolicies, asking: Asking): Groups | null {
  const args = projected(of.args, asking.arguments);
  return args === UNFIT ? null : new Context(asking, args, of.constants, of.time);
}

export function answerOf(evaluate: Evaluate, env: Env): Answer {
  return 'known' in evaluate ? evaluate.known : evaluate.run(env);
}

/** The same by the reference engine; a failure of it is a no. */
export function byReference(
  of: ToolPolicies,
  agent: string,
  context: Groups,
  reference: Reference,
): PolicyRuling {
  try {
    return ruling(modesFor(of.tool.effect), of.table, (mode) =>
      reference.ask(of.slice, questionOf(of, agent, context, mode)),
    );
  } catch (error) {
    if (error instanceof EngineFailure)
      return failed(`the policy engine gave no answer: ${error.message}`, []);
    throw error;
  }
}

export function questionOf(
  { fixed }: Pick<ToolPolicies, 'fixed'>,
  agent: string,
  { run, effect, clock, flow, args }: Groups,
  mode: Asked,
): Question {
  const { tool, connection, toolFacts: facts } = fixed;
  const context = { mode: modeValue(mode), tool: facts, run, effect, clock, flow, args };
  return { agent, tool, connection, context };
}
