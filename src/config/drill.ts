import type { Bundle, Grant, Tool } from '../domain/bundle.ts';
import type { DrillPlan } from '../domain/drill.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Config } from './config.ts';
import { NAME, TOOL_NAME } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { closed, text } from './schema-parts.ts';

/** A drill by the clock, as the file says it: `signalbox drill` is the same by hand. */
export const DRILL_SCHEMA: JsonObject = closed(
  'Halting one agent for real, again and again, and measuring how long that takes',
  ['hours', 'agent', 'witness', 'connection', 'touch', 'look'],
  {
    hours: {
      type: 'integer',
      minimum: 1,
      maximum: 744,
      description: 'Hours from one drill to the next',
    },
    agent: text('The agent that is halted each time; one that works for nobody', { pattern: NAME }),
    witness: text('Another agent, which must not notice', { pattern: NAME }),
    connection: text('The system whose account of effects counts', { pattern: NAME }),
    touch: text('A read of that connection, without arguments, that `agent` makes all the time', {
      pattern: TOOL_NAME,
    }),
    look: text(
      'A read of that connection, without arguments, that tells `witness` `now` and `last` in milliseconds by its own clock',
      { pattern: TOOL_NAME },
    ),
    ask: text('A write of `agent`, without arguments, that a human has to approve', {
      pattern: TOOL_NAME,
    }),
  },
);

export function drillPlanOf(value: Json | undefined): DrillPlan | undefined {
  if (!isJsonObject(value)) return undefined;
  const { hours, agent, witness, connection, touch, look, ask } = value;
  return {
    hours: Number(hours),
    agent: String(agent),
    witness: String(witness),
    connection: String(connection),
    touch: String(touch),
    look: String(look),
    ...(ask === undefined ? {} : { ask: String(ask) }),
  };
}

/** A drill that cannot work is found here and not at night. */
export function drillProblems(
  config: Config,
  grants: readonly Grant[],
  tools: Bundle['tools'],
): ConfigProblem[] {
  const { drill } = config;
  if (drill === undefined) return [];
  const at = (field: keyof DrillPlan): string => config.at(`/drill/${field}`);
  const bad = (field: keyof DrillPlan, message: string, help: string): ConfigProblem =>
    problem('CONFIG_INVALID', at(field), `\`drill.${field}\`: ${message}`, help);
  const problems = (['agent', 'witness'] as const)
    .filter((field) => !Object.hasOwn(config.agents, drill[field]))
    .map((field) =>
      bad(field, `there is no agent \`${drill[field]}\``, 'declare it under `agents`'),
    );
  if (!Object.hasOwn(config.connections, drill.connection))
    problems.push(
      bad(
        'connection',
        `there is no connection \`${drill.connection}\``,
        'declare it under `connections`',
      ),
    );
  if (drill.agent === drill.witness)
    problems.push(
      bad('witness', 'expected another agent than the one that is halted', 'name another agent'),
    );
  const held = (agent: string, field: 'touch' | 'look' | 'ask', isRead: boolean): void => {
    const name = drill[field];
    if (name === undefined) return;
    const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
    const rung = grants.find((grant) => grant.agent === agent && grant.tool === name)?.rung;
    const why = unfit(tool, { rung, isRead, agent, connection: drill.connection });
    if (why !== null) problems.push(bad(field, `\`${name}\` ${why.is}`, why.help));
  };
  held(drill.agent, 'touch', true);
  held(drill.witness, 'look', true);
  held(drill.agent, 'ask', false);
  return problems;
}

interface Needs {
  readonly rung: Grant['rung'] | undefined;
  readonly isRead: boolean;
  readonly agent: string;
  readonly connection: string;
}

function unfit(
  tool: Tool | undefined,
  { rung, isRead, agent, connection }: Needs,
): { readonly is: string; readonly help: string } | null {
  if (tool === undefined) return { is: 'is no tool', help: 'declare it under `tools`' };
  if (rung === undefined)
    return { is: `is not granted to \`${agent}\``, help: 'add it to a grant of that agent' };
  if (tool.connection !== connection)
    return { is: `is at \`${tool.connection}\``, help: `use a tool of \`${connection}\`` };
  const { required } = tool.inputSchema;
  if (Array.isArray(required) && required.length > 0)
    return { is: `needs arguments (${required.join(', ')})`, help: 'use a tool that needs none' };
  if (isRead && tool.effect !== 'read')
    return { is: `is a \`${tool.effect}\``, help: 'use a read: a drill changes nothing' };
  if (!isRead && (tool.effect !== 'write' || rung !== 'approve'))
    return {
      is: `is a \`${tool.effect}\` on rung \`${rung}\``,
      help: 'use a write that is granted on rung `approve`',
    };
  return null;
}

/** What a drill lets Signalbox do by itself. */
export function drillWidens(before: Bundle, after: Bundle): string[] {
  const { drill } = after;
  if (drill === undefined) return [];
  const was = before.drill;
  const same =
    was !== undefined &&
    (['agent', 'witness', 'connection', 'touch', 'look', 'ask'] as const).every(
      (field) => was[field] === drill[field],
    );
  if (same) return [];
  const asks = drill.ask === undefined ? '' : ` and asks for \`${drill.ask}\``;
  return [
    `every ${drill.hours} hours Signalbox runs as agents \`${drill.agent}\` and \`${drill.witness}\`, calls \`${drill.touch}\` and \`${drill.look}\`${asks}, and halts \`${drill.agent}\``,
  ];
}
