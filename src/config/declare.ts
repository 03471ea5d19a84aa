import { ALERT_EVENTS, type AlertTarget } from '../domain/alert.ts';
import { type AutomaticHalts, TRIP_KINDS } from '../domain/automatic-halt.ts';
import type { Agent, Connection, Grant, Limits, Organisation } from '../domain/bundle.ts';
import type { Dimension, EffectClass } from '../domain/effect.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Rung } from '../domain/mode.ts';
import { RESULT_BYTES, TIMEOUT_MS } from '../tools/caps.ts';
import { bindingsOf } from './bindings.ts';
import type { Config, ToolDeclaration } from './config.ts';
import { consultsOf } from './consults.ts';
import { commandBinding, commandSettingsOf } from './declare-command.ts';
import { apiCredentials, databaseCredentials } from './declare-credentials.ts';
import { lineageOf, surroundings } from './declare-lineage.ts';
import { mcpConnection, servingOf } from './declare-mcp.ts';
import { queryBinding, queryInput } from './declare-query.ts';
import { drillPlanOf } from './drill.ts';
import { covers, isPattern } from './granted.ts';
import { loopRulesOf, pollingMsOf } from './loops.ts';
import { listOf, members } from './meaning.ts';
import { observingOf } from './observe.ts';
import { compare } from './order.ts';
import { declaredPolicies, type PolicyFiles } from './policies.ts';
import type { Source } from './source.ts';
import { subjectTokenOf } from './subject-token.ts';
import { declaredUsers } from './users.ts';
import { warningsOf } from './warnings.ts';

const MAX_TEXT = 10_000;
const MAX_LIST = 100;

/** The configuration of a file that was found without fault, with every default in place. */
export function declare(source: Source, path: string, files: PolicyFiles): Config {
  const root = members(source.value);
  const organisation = organisationOf(members(root.organisation));
  const config = {
    path,
    organisation,
    connections: mapped(root.connections, (name, value) =>
      connectionOf(name, value, { organisation, vaults: root.vaults }),
    ),
    tools: mapped(root.tools, toolOf),
    serving: Object.fromEntries(
      Object.entries(members(root.connections))
        .filter(([, value]) => members(value).kind === 'mcp')
        .map(([name, value]) => [name, servingOf(name, members(value))]),
    ),
    agents: mapped(root.agents, agentOf),
    grants: grantsOf(listOf(root.grants)),
    users: declaredUsers(root),
    limits: limitsOf(members(root.limits)),
    approvalMinutes: numberOr(members(root.approvals).minutes, 60),
    alerts: alertsOf(members(root.alerts)),
    automaticHalts: isJsonObject(root.automaticHalts) ? tripsOf(root.automaticHalts) : null,
    consults: consultsOf(members(root.consults)),
    loops: loopRulesOf(root.loops),
    drill: drillPlanOf(root.drill),
    policies: declaredPolicies(root.policies, files),
    at: source.at,
    grantAt: grantPlaces(source, listOf(root.grants)),
  };
  return { ...config, warnings: warningsOf(config) };
}

function agentOf(
  name: string,
  { owner, model, subjects, subjectToken, observe }: JsonObject,
): Agent {
  return {
    name,
    owner: String(owner),
    ...(typeof model === 'string' ? { model } : {}),
    ...(subjects === undefined ? {} : { subjects: listOf(subjects).map(String).sort() }),
    ...subjectTokenOf(subjectToken),
    ...observingOf(observe),
  };
}

function mapped<T>(
  section: Json | undefined,
  make: (name: string, value: JsonObject) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(members(section)).map(([name, value]) => [name, make(name, members(value))]),
  );
}

function organisationOf({ name, domains, ...rest }: JsonObject): Organisation {
  return { name: String(name), domains: listOf(domains).map(String).sort(), ...surroundings(rest) };
}

function connectionOf(
  name: string,
  value: JsonObject,
  { organisation, vaults }: { organisation: Organisation; vaults: Json | undefined },
): Connection {
  const { kind, environment, secret, ...rest } = value;
  const shared = {
    name,
    kind: String(kind),
    environment: typeof environment === 'string' ? environment : 'production',
  };
  if (kind === 'command') return { ...shared, ...commandSettingsOf(rest) };
  if (kind === 'mcp')
    return { ...shared, ...mcpConnection(name, value, organisation, secretHeader) };
  if (kind === 'sqlite') return { ...shared, settings: { path: String(value.path) } };
  const postgres = kind === 'postgres';
  const settings = postgres ? postgresSettings(rest) : httpSettings(rest, secret, organisation);
  const made = postgres
    ? databaseCredentials(value, vaults)
    : apiCredentials(value, vaults, secretHeader(value));
  const issuer = made.issuer ?? (secret === undefined ? undefined : 'static-secret');
  return {
    ...shared,
    settings: { ...settings, ...made.settings },
    ...(typeof secret === 'string' ? { secret } : {}),
    ...(issuer === undefined ? {} : { issuer }),
  };
}

function postgresSettings(value: JsonObject): JsonObject {
  const { host, port, database, user, tls, ca, productionTables, tables } = value;
  return {
    host: String(host),
    port: numberOr(port, 5432),
    database: String(database),
    user: String(user),
    tls: tls ?? (isLocal(String(host)) ? 'off' : 'verify'),
    ...(ca === undefined ? {} : { ca }),
    ...(productionTables === undefined ? {} : { productionTables }),
    ...(tables === undefined ? {} : { tables }),
  };
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:127(?:\.\d{1,3}){3}$|\/)/.test(host);
}

/** `inside` is decided here, where the organisation is known: bytes sent there do not leave it. */
function httpSettings(
  value: JsonObject,
  secret: Json | undefined,
  { domains }: Organisation,
): JsonObject {
  const { origin, pathname, hostname } = new URL(String(value.url));
  return {
    url: origin + pathname.replace(/\/$/, ''),
    allowPrivate: value.allowPrivate === true,
    inside: domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`)),
    ...(secret === undefined ? {} : secretHeader(value)),
  };
}

function secretHeader(value: JsonObject): JsonObject {
  const header = String(value.header ?? 'authorization').toLowerCase();
  return { header, prefix: value.prefix ?? (header === 'authorization' ? 'Bearer ' : '') };
}

function toolOf(name: string, tool: JsonObject): ToolDeclaration {
  return {
    name,
    description: String(tool.description),
    connection: String(tool.connection),
    inputSchema: isJsonObject(tool.query)
      ? queryInput(tool.query)
      : inputSchemaOf(members(tool.input)),
    effect: (tool.effect as EffectClass | undefined) ?? null,
    recoveryPath: typeof tool.recoveryPath === 'boolean' ? tool.recoveryPath : null,
    reversibility:
      tool.reversibility === 'declared' || tool.undo !== undefined ? 'declared' : 'none',
    bindings: bindingsOf(tool),
    cap: countsOf(members(tool.cap)),
    maxResultBytes: numberOr(tool.maxResultBytes, RESULT_BYTES.usual),
    timeoutMs: numberOr(tool.timeoutMs, TIMEOUT_MS.usual),
    keepHidden: tool.keepHidden === true,
    ...pollingMsOf(tool.polling),
    lineage: lineageOf(tool),
    binding: bindingOf(tool),
  };
}

function bindingOf({
  sql,
  images,
  enforce,
  functions,
  query,
  command,
  http,
}: JsonObject): JsonObject {
  if (typeof sql === 'string')
    return {
      sql,
      images: images ?? 'changed',
      ...(enforce === 'function' ? { enforce } : {}),
      ...(Array.isArray(functions) ? { functions } : {}),
    };
  if (isJsonObject(query)) return queryBinding(query);
  return isJsonObject(command) ? commandBinding(command) : requestOf(members(http));
}

function requestOf({
  method,
  path,
  query,
  headers,
  body,
  project,
  select,
  retries,
  idempotency,
  encodeSlashes,
}: JsonObject): JsonObject {
  return {
    method: String(method),
    path: String(path),
    query: Object.fromEntries(
      Object.entries(members(query)).map(([key, value]) => [key, String(value)]),
    ),
    headers: Object.fromEntries(
      Object.entries(members(headers)).map(([key, value]) => [key.toLowerCase(), String(value)]),
    ),
    ...(body === undefined ? {} : { body }),
    ...(project === undefined ? {} : { project }),
    ...(select === undefined ? {} : { select }),
    ...(typeof retries === 'number' && retries > 0 ? { retries } : {}),
    ...(idempotency === undefined
      ? {}
      : { idempotencyHeader: String(members(idempotency).header).toLowerCase() }),
    ...(encodeSlashes === true ? { encodeSlashes } : {}),
  };
}

/** The closed JSON Schema that agents are shown and arguments are checked by. */
function inputSchemaOf(input: JsonObject): JsonObject {
  const names = Object.keys(input);
  return {
    type: 'object',
    properties: Object.fromEntries(
      names.map((name) => [name, argumentSchema(members(input[name]))]),
    ),
    required: names.filter((name) => members(input[name]).optional !== true),
    additionalProperties: false,
  };
}

function argumentSchema(definition: JsonObject): JsonObject {
  const { optional: _, items, properties, ...keywords } = definition;
  const { description } = definition;
  switch (definition.type) {
    case 'string':
      return definition.enum === undefined ? { maxLength: MAX_TEXT, ...keywords } : keywords;
    case 'array':
      return { maxItems: MAX_LIST, ...keywords, items: argumentSchema(members(items)) };
    case 'object':
      return {
        ...inputSchemaOf(members(properties)),
        ...(description === undefined ? {} : { description }),
      };
    default:
      return keywords;
  }
}

function grantsOf(grants: readonly Json[]): Grant[] {
  const expanded = grants.flatMap((grant) => {
    const { agent, tools, rung } = members(grant);
    return listOf(tools).map(
      (tool): Grant => ({ agent: String(agent), tool: String(tool), rung: rung as Rung }),
    );
  });
  return expanded.sort((a, b) => compare(a.agent, b.agent) || compare(a.tool, b.tool));
}

function grantPlaces(source: Source, grants: readonly Json[]): Config['grantAt'] {
  const written = (agent: string, fits: (granted: string) => boolean): string | null => {
    for (const [i, grant] of grants.entries()) {
      const { agent: held, tools } = members(grant);
      const j = held === agent ? listOf(tools).findIndex((tool) => fits(String(tool))) : -1;
      if (j >= 0) return `/grants/${i}/tools/${j}`;
    }
    return null;
  };
  return (agent, tool, field) => {
    const place =
      written(agent, (granted) => granted === tool) ??
      written(agent, (granted) => isPattern(granted) && covers(granted, tool)) ??
      '/grants';
    return source.at(field === 'tools' ? place : place.replace(/\/tools\/\d+$/, `/${field}`));
  };
}

function alertsOf(alerts: JsonObject): AlertTarget[] {
  return Object.entries(alerts).map(([name, value]) => {
    const { url, secret, allowPrivate, events } = members(value);
    return {
      name,
      url: String(url),
      secret: String(secret),
      allowPrivate: allowPrivate === true,
      events: Array.isArray(events) ? ALERT_EVENTS.filter((e) => events.includes(e)) : ALERT_EVENTS,
    };
  });
}

function tripsOf(rules: JsonObject): AutomaticHalts {
  return Object.fromEntries(
    TRIP_KINDS.flatMap((kind) => {
      const { count, seconds, halts } = members(rules[kind]);
      if (typeof count !== 'number' || typeof seconds !== 'number') return [];
      return [[kind, { count, seconds, halts: halts === 'agent' ? 'agent' : 'run' }]];
    }),
  );
}

function limitsOf({ run, agentDay, day }: JsonObject): Limits {
  return {
    ...(run === undefined ? {} : { run: countsOf(members(run)) }),
    ...(agentDay === undefined ? {} : { agentDay: countsOf(members(agentDay)) }),
    ...(day === undefined ? {} : { day: countsOf(members(day)) }),
  };
}

function countsOf(counts: JsonObject): { [D in Dimension]?: number } {
  return counts as { [D in Dimension]?: number };
}

function numberOr(value: Json | undefined, usual: number): number {
  return typeof value === 'number' ? value : usual;
}
