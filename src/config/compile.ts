import {
  type Bundle,
  bundleDigest,
  type Connection,
  type Grant,
  type Tool,
} from '../domain/bundle.ts';
import type { Derived } from '../domain/connector.ts';
import { EFFECT_CLASSES, type EffectClass, worseClass } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isOutward } from '../domain/outward.ts';
import { capFor } from '../tools/caps.ts';
import { pinned } from '../tools/pin.ts';
import { answered, type Inspection, inTurn } from './asking.ts';
import { bindingProblems } from './bindings.ts';
import { clashes, crossReferences, uriClashes } from './clashes.ts';
import type { Config, ToolDeclaration } from './config.ts';
import { drillProblems } from './drill.ts';
import { grantedOf } from './granted.ts';
import { pointer } from './meaning.ts';
import { compare } from './order.ts';
import { compiledPolicies } from './policies.ts';
import { type ConfigProblem, ConfigProblems, problem } from './problems.ts';
import { type Served, servedTools } from './served.ts';
import { tableEnvironment } from './tables.ts';
import { usersOf } from './users.ts';

/** A bundle, and what its making had to say. */
export interface Compiled {
  readonly bundle: Bundle;
  readonly warnings: readonly string[];
}

/**
 * The bundle of a configuration: every tool completed by its live system, classed by the worse of what it declares and
 * what was derived, and pinned. Throws ConfigProblems with every fault; a system that does not answer is one of them.
 */
export async function compileBundle(config: Config, inspection: Inspection): Promise<Compiled> {
  const declared = Object.values(config.tools).sort((a, b) => compare(a.name, b.name));
  const answers = await inTurn(declared, (tool) => completed(tool, config, inspection));
  const served = await servedTools(config, inspection);
  const placed = [
    ...answers.flatMap(({ tool }) =>
      tool === null ? [] : [{ tool, at: config.at(pointer('tools', tool.name), 'key') }],
    ),
    ...served.placed,
  ];
  const clashing = clashes(placed);
  const broken = [
    ...answers.flatMap(({ problems }) => problems),
    ...served.problems,
    ...clashing.problems,
    ...uriClashes(config),
    ...crossReferences(placed, config.connections, served.offered),
  ];
  const found = placed.map(({ tool }) => tool).sort((a, b) => compare(a.name, b.name));
  const tools = Object.fromEntries(found.map((tool) => [tool.name, tool]));
  const granted = grantedOf(config, tools);
  const policed = compiledPolicies(config, tools);
  const { users, warnings: ofUsers } = usersOf(config, tools);
  // a grant of what could not be made is not a fault of its own
  const problems = [
    ...broken,
    ...(broken.length > 0 ? [] : granted.problems),
    ...(broken.length > 0 ? [] : bindingProblems(placed, tools, config)),
    ...rungProblems(config, granted.grants, tools),
    ...(broken.length > 0 ? [] : drillProblems(config, granted.grants, tools)),
    ...(broken.length > 0 ? [] : policed.problems),
  ];
  if (problems.length > 0) throw new ConfigProblems(problems);
  const contents: Omit<Bundle, 'digest'> = {
    format: 1,
    organisation: config.organisation,
    connections: pinnedConnections(config.connections, served.pins),
    tools,
    agents: config.agents,
    grants: granted.grants,
    ...(users === undefined ? {} : { users }),
    limits: config.limits,
    approvalMinutes: config.approvalMinutes,
    ...(config.alerts.length === 0 ? {} : { alerts: config.alerts }),
    ...(config.automaticHalts === null ? {} : { automaticHalts: config.automaticHalts }),
    ...(config.consults.length === 0 ? {} : { consults: config.consults }),
    ...(config.loops === null ? {} : { loops: config.loops }),
    ...(config.drill === undefined ? {} : { drill: config.drill }),
    policies: policed.policies,
  };
  const bundle = { digest: bundleDigest(contents), ...contents };
  return {
    bundle,
    warnings: [
      ...config.warnings,
      ...answers.flatMap(({ warnings }) => warnings),
      ...served.warnings,
      ...clashing.warnings,
      ...granted.warnings,
      ...ofUsers,
      ...policed.warnings,
      ...idleGrants(bundle),
    ],
  };
}

function pinnedConnections(
  connections: Config['connections'],
  pins: Served['pins'],
): Bundle['connections'] {
  return Object.fromEntries(
    Object.entries(connections).map(([name, connection]) => {
      const seen = pins.get(name);
      return [name, seen === undefined ? connection : { ...connection, pins: seen }];
    }),
  );
}

interface Completed {
  readonly tool: Tool | null;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

async function completed(
  declared: ToolDeclaration,
  config: Config,
  inspection: Inspection,
): Promise<Completed> {
  const connection = config.connections[declared.connection];
  const place = pointer('tools', declared.name);
  const failed = (...problems: ConfigProblem[]): Completed => ({
    tool: null,
    problems,
    warnings: [],
  });
  const inspector = inspection.inspectors.get(connection?.kind ?? '');
  if (connection === undefined || inspector === undefined) {
    const message = `there is nothing here that knows connections of kind \`${connection?.kind}\``;
    return failed(problem('CONFIG_INVALID', config.at(`${place}/connection`), message));
  }
  let derived: Derived;
  try {
    derived = await answered(
      inspector.derive(draftOf(declared), connection),
      connection,
      inspection.timers,
    );
  } catch (error) {
    return failed(problemOf(error, declared, connection, config));
  }
  try {
    derived = await worseStaged(declared, derived, config, inspection);
  } catch (error) {
    return failed(problemOf(error, declared, connection, config));
  }
  const understated = understatement(declared, derived, config);
  return understated === null ? finished(declared, derived, connection) : failed(understated);
}

/** A tool that is tried elsewhere first is what it would be at the worse of the two places. */
async function worseStaged(
  declared: ToolDeclaration,
  derived: Derived,
  { connections }: Config,
  { inspectors, timers }: Inspection,
): Promise<Derived> {
  const there = connections[declared.bindings?.staging ?? ''];
  const inspector = inspectors.get(there?.kind ?? '');
  if (there === undefined || inspector === undefined) return derived;
  const staged = await answered(inspector.derive(draftOf(declared), there), there, timers);
  return {
    ...derived,
    effect: worseClass(derived.effect, staged.effect),
    recoveryPath: derived.recoveryPath || staged.recoveryPath,
  };
}

/** What an inspector is given: the class that the file declares, and the worst where it declares none. */
function draftOf(declared: ToolDeclaration): Tool {
  const { name, description, connection, inputSchema, maxResultBytes, timeoutMs, binding } =
    declared;
  const effect = declared.effect ?? 'destroy';
  const { reversibility } = declared;
  return pinned({
    name,
    description,
    connection,
    inputSchema,
    effect,
    reversibility,
    idempotent: false,
    recoveryPath: declared.recoveryPath ?? false,
    cap: capFor(effect, reversibility, declared.cap),
    maxResultBytes,
    timeoutMs,
    binding,
    derivation: [],
  });
}

function understatement(
  declared: ToolDeclaration,
  derived: Derived,
  config: Config,
): ConfigProblem | null {
  const place = pointer('tools', declared.name);
  const why = derived.derivation.length > 0 ? `: ${derived.derivation.join('; ')}` : '';
  if (declared.recoveryPath === false && derived.recoveryPath) {
    const message = `\`${declared.name}\` is declared to remove no way to recover and does${why}`;
    return problem(
      'TOOL_UNDERSTATED',
      config.at(`${place}/recoveryPath`),
      message,
      'leave `recoveryPath` out, or write `true`',
    );
  }
  const real = derived.recoveryPath ? 'destroy' : derived.effect;
  if (declared.effect === null || !isLower(declared.effect, real)) return null;
  const message = `\`${declared.name}\` is declared \`${declared.effect}\` and is a \`${real}\`${why}`;
  return problem(
    'TOOL_UNDERSTATED',
    config.at(`${place}/effect`),
    message,
    `write \`effect: ${real}\`, or change what it does`,
  );
}

function isLower(a: EffectClass, b: EffectClass): boolean {
  return EFFECT_CLASSES.indexOf(a) < EFFECT_CLASSES.indexOf(b);
}

/** Removing a way to recover is a destruction that nothing undoes, whatever anybody says. */
function finished(declared: ToolDeclaration, derived: Derived, place: Connection): Completed {
  const { name, description, connection, inputSchema, maxResultBytes, timeoutMs } = declared;
  const recoveryPath = declared.recoveryPath === true || derived.recoveryPath;
  const effect = recoveryPath
    ? 'destroy'
    : worseClass(declared.effect ?? derived.effect, derived.effect);
  const reversibility = recoveryPath ? 'none' : declared.reversibility;
  const warnings =
    recoveryPath && declared.reversibility === 'declared'
      ? [`tool \`${name}\` removes a way to recover: its declared undo counts for nothing`]
      : [];
  const tool = pinned({
    name,
    description,
    connection,
    inputSchema,
    effect,
    reversibility,
    idempotent: derived.idempotent,
    recoveryPath,
    cap: capFor(effect, reversibility, declared.cap, isOutward(place)),
    maxResultBytes,
    timeoutMs,
    binding: declared.keepHidden ? { ...derived.binding, keepHidden: true } : derived.binding,
    derivation: derived.derivation,
    ...tableEnvironment(place, derived.binding),
    ...(declared.pollingMs === undefined ? {} : { pollingMs: declared.pollingMs }),
    ...(declared.lineage === null ? {} : { lineage: declared.lineage }),
    ...declared.bindings,
  });
  return { tool, problems: [], warnings };
}

/** Faults of a tool stand at what it says; faults of a system stand at its connection, once. */
function problemOf(
  error: unknown,
  { name, binding }: ToolDeclaration,
  connection: Connection,
  config: Config,
): ConfigProblem {
  const at = config.at(pointer('connections', connection.name), 'key');
  if (!(error instanceof SignalboxError)) {
    const message = `connection \`${connection.name}\` could not be inspected, so its tools could not be classed`;
    return problem('CONNECTOR_UNREACHABLE', at, message);
  }
  const { code, message, help } = error;
  if (code.startsWith('TOOL_') || code.startsWith('CONFIG_')) {
    const kind = ['sql', 'query'].find((key) => binding[key] !== undefined);
    const part = kind ?? (binding.args === undefined ? 'http' : 'command');
    const place = pointer('tools', name, part);
    return problem(code, config.at(place), `\`${name}\`: ${message}`, help);
  }
  return problem(code, at, `connection \`${connection.name}\`: ${message}`, help);
}

/** `auto` needs an undo that was exercised, and none is when a bundle is made: reads only. */
function rungProblems(
  config: Config,
  grants: readonly Grant[],
  tools: Bundle['tools'],
): ConfigProblem[] {
  return grants.flatMap(({ agent, tool, rung }) => {
    const held = tools[tool];
    if (rung !== 'auto' || held === undefined || held.effect === 'read') return [];
    const message = `agent \`${agent}\` is granted rung \`auto\` on \`${tool}\`, which is a \`${held.effect}\` (${held.derivation.join('; ') || 'as declared'})`;
    return [problem('RUNG_NOT_EARNED', config.grantAt(agent, tool, 'rung'), message)];
  });
}

/** Many of one agent are told together: a pattern gives whole servers. */
function idleGrants({ grants, tools }: Bundle): string[] {
  const idle = grants.filter(({ tool, rung }) => rung === 'read' && tools[tool]?.effect !== 'read');
  const agents = [...new Set(idle.map(({ agent }) => agent))];
  return agents.flatMap((agent) => {
    const held = idle.filter((grant) => grant.agent === agent).map(({ tool }) => tool);
    if (held.length > MANY)
      return [
        `${held.length} grants to \`${agent}\` on rung \`read\` permit nothing, since these are no reads: ${held.map((tool) => `\`${tool}\``).join(', ')}`,
      ];
    return held.map(
      (tool) =>
        `grant of \`${tool}\` to \`${agent}\` on rung \`read\` permits nothing: it is a \`${tools[tool]?.effect}\``,
    );
  });
}

const MANY = 3;
