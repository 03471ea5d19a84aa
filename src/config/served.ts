import type { Connection, Pins, Tool } from '../domain/bundle.ts';
import type { Catalogue } from '../domain/connector.ts';
import { type ErrorCode, SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { isOutward } from '../domain/outward.ts';
import { instructionsDigest } from '../tools/pin.ts';
import { answered, type Inspection, inTurn } from './asking.ts';
import type { Placed } from './clashes.ts';
import type { Config, Serving } from './config.ts';
import { servesAnything } from './declare-mcp.ts';
import { pointer } from './meaning.ts';
import { compare } from './order.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { type Draft, expand, finishedDraft } from './serve.ts';

/** What MCP servers add to the tools of a file. */
export interface Served {
  readonly placed: readonly Placed[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
  /** What was seen of each server, by its connection. */
  readonly pins: ReadonlyMap<string, Pins>;
  /** Every name that a server gives a tool of its own, served or not, by its connection. */
  readonly offered: ReadonlyMap<string, readonly string[]>;
}

/** Every server asked once for all it offers, and once for each tool that is served. */
export async function servedTools(config: Config, inspection: Inspection): Promise<Served> {
  const servers = Object.entries(config.serving)
    .filter(([, serving]) => servesAnything(serving))
    .sort(([a], [b]) => compare(a, b));
  const parts = await inTurn(servers, ([name, serving]) =>
    servedBy(config.connections[name] as Connection, serving, config, inspection),
  );
  return {
    placed: parts.flatMap(({ placed }) => placed),
    problems: parts.flatMap(({ problems }) => problems),
    warnings: parts.flatMap(({ warnings }) => warnings),
    pins: new Map(parts.flatMap(({ pins }) => [...pins])),
    offered: new Map(parts.flatMap(({ offered }) => [...offered])),
  };
}

async function servedBy(
  connection: Connection,
  serving: Serving,
  config: Config,
  inspection: Inspection,
): Promise<Served> {
  const inspector = inspection.inspectors.get(connection.kind);
  const at = config.at(pointer('connections', connection.name), 'key');
  if (inspector?.catalogue === undefined) {
    const message = `there is nothing here that knows connections of kind \`${connection.kind}\``;
    return failed(problem('CONFIG_INVALID', at, message));
  }
  let catalogue: Catalogue;
  let launch: JsonObject | null;
  try {
    launch = (await inspector.launch?.(connection)) ?? null;
    if (inspection.mayAsk?.(connection, launch) === false) return failed(unasked(connection, at));
    catalogue = await answered(inspector.catalogue(connection), connection, inspection.timers);
  } catch (error) {
    return failed(faultOf(error, connection, at));
  }
  const expanded = expand(connection, serving, catalogue, config);
  const made = await inTurn(expanded.drafts, (draft) => finished(draft, config, inspection, at));
  const placed = made.flatMap((each) => ('code' in each ? [] : [{ tool: each.tool, at: each.at }]));
  return {
    placed: [...placed, ...expanded.offers.map((tool) => ({ tool, at }))],
    problems: [...expanded.problems, ...made.flatMap((each) => ('code' in each ? [each] : []))],
    warnings: [
      ...expanded.warnings,
      ...leaving(
        connection,
        placed.map(({ tool }) => tool),
        at,
      ),
    ],
    pins: new Map([[connection.name, pinsOf(catalogue, launch)]]),
    offered: new Map([[connection.name, catalogue.tools.map(({ name }) => String(name))]]),
  };
}

function pinsOf({ instructions }: Catalogue, launch: JsonObject | null): Pins {
  return { instructions: instructionsDigest(instructions), ...(launch === null ? {} : { launch }) };
}

/** A file is anybody’s word: what it names is not started, and sent no secret, because somebody wants to read a plan. */
function unasked({ name, settings, secret }: Connection, at: string): ConfigProblem {
  const { command, url, cwd = '/' } = settings;
  const how = Array.isArray(command)
    ? `start \`${typed(settings.env, command)}\` in \`${String(cwd)}\`${secretsOf(settings.secrets)}`
    : `call \`${String(url)}\`${secret === undefined ? '' : ` with secret \`${secret}\``}`;
  return problem(
    'PLAN_INSPECTS',
    at,
    `\`${name}\` is new or changed: to see what it offers, a plan would ${how}`,
    `read that; if it is meant, an owner runs \`signalbox plan --inspect ${name}\``,
  );
}

/** As it would be typed. */
function typed(env: Json | undefined, command: readonly Json[]): string {
  const quoted = (word: Json): string =>
    /^[\w@%+=:,./-]+$/.test(String(word)) ? String(word) : JSON.stringify(word);
  const variables = Object.entries(isJsonObject(env) ? env : {});
  return [
    ...variables.map(([name, value]) => `${name}=${quoted(value)}`),
    ...command.map(quoted),
  ].join(' ');
}

function secretsOf(secrets: Json | undefined): string {
  const names = Object.values(isJsonObject(secrets) ? secrets : {}).map(
    (name) => `\`${String(name)}\``,
  );
  return names.length === 0 ? '' : ` with secret ${names.join(', ')}`;
}

function failed(fault: ConfigProblem): Served {
  return { placed: [], problems: [fault], warnings: [], pins: new Map(), offered: new Map() };
}

async function finished(
  draft: Draft,
  config: Config,
  inspection: Inspection,
  at: string,
): Promise<Placed | ConfigProblem> {
  const { connection, tool } = draft;
  const { inspectors, timers } = inspection;
  try {
    const asked = inspectors.get(connection.kind)?.derive(draft.asDefined, connection);
    if (asked === undefined) throw new TypeError('no inspector');
    const made = finishedDraft(draft, await answered(asked, connection, timers));
    if ('code' in made) return made;
    return (await stagedOtherwise(draft, made, config, inspection)) ?? { tool: made, at: draft.at };
  } catch (error) {
    if (error instanceof SignalboxError && error.code.startsWith('TOOL_'))
      return problem(error.code, draft.at, `\`${tool.name}\`: ${error.message}`, error.help);
    return faultOf(error, connection, at);
  }
}

/** What is tried at a staging server must be what would be done: it has to define the tool in the same words. */
async function stagedOtherwise(
  { asDefined, connection, at }: Draft,
  { name, binding, staging }: Tool,
  { connections }: Config,
  inspection: Inspection,
): Promise<ConfigProblem | null> {
  const there = staging === undefined ? undefined : connections[staging];
  const inspector = inspection.inspectors.get(there?.kind ?? '');
  if (there?.kind !== connection.kind || inspector === undefined) return null; // said where bindings are looked at
  const launch = (await inspector.launch?.(there)) ?? null;
  if (inspection.mayAsk?.(there, launch) === false) return unasked(there, at);
  const derived = await answered(inspector.derive(asDefined, there), there, inspection.timers);
  return derived.binding.definition === binding.definition
    ? null
    : problem(
        'TOOL_FORBIDDEN',
        at,
        `\`staging\` of \`${name}\`: \`${there.name}\` defines it otherwise`,
      );
}

/** Faults of a server stand at its connection. */
function faultOf(error: unknown, { name }: Connection, at: string): ConfigProblem {
  if (error instanceof SignalboxError)
    return problem(
      error.code as ErrorCode,
      at,
      `connection \`${name}\`: ${error.message}`,
      error.help,
    );
  const message = `connection \`${name}\` could not be inspected, so its tools could not be served`;
  return problem('CONNECTOR_UNREACHABLE', at, message);
}

/** A read sends the agent's arguments all the same. */
function leaving(connection: Connection, tools: readonly Tool[], at: string): string[] {
  const reads = tools.filter(({ effect }) => effect === 'read').length;
  if (!isOutward(connection) || reads === 0) return [];
  return [
    `${at} \`${connection.name}\` is outside the organisation: each of the ${reads} tools accepted as a \`read\` sends an agent’s arguments out`,
  ];
}
