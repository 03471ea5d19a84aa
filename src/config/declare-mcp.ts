import type { Connection, Organisation } from '../domain/bundle.ts';
import type { Dimension, EffectClass } from '../domain/effect.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { RESULT_BYTES, TIMEOUT_MS } from '../tools/caps.ts';
import { bindingsOf } from './bindings.ts';
import type { ServedTool, Serving } from './config.ts';
import { lineageOf } from './declare-lineage.ts';
import { declaredNarrowing } from './declare-narrow.ts';
import { pollingMsOf } from './loops.ts';

/** `<name>_` unless the file says otherwise; empty for none. */
export function toolPrefixOf(name: string, { toolPrefix }: JsonObject): string {
  return typeof toolPrefix === 'string' ? toolPrefix : `${name}_`;
}

/** What the connector needs, and how its credentials are made. */
export function mcpConnection(
  name: string,
  value: JsonObject,
  { domains }: Organisation,
  secretHeader: (value: JsonObject) => JsonObject,
): Pick<Connection, 'settings' | 'secret' | 'issuer'> {
  const { command, url, secret, secrets, oauth, headers } = value;
  const both = {
    protocol: value.protocol ?? 'auto',
    toolPrefix: toolPrefixOf(name, value),
  };
  if (command !== undefined) {
    const { env = {}, cwd } = value;
    const settings: JsonObject = {
      transport: 'stdio',
      command,
      env,
      secrets: secrets ?? {},
      ...(cwd === undefined ? {} : { cwd }),
      ...both,
    };
    const named = Object.keys((secrets ?? {}) as JsonObject).length > 0;
    return { settings, ...(named ? { issuer: 'static-secret' } : {}) };
  }
  const { origin, pathname, hostname } = new URL(String(url));
  const settings: JsonObject = {
    transport: 'http',
    url: origin + pathname,
    allowPrivate: value.allowPrivate === true,
    inside: domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`)),
    ...(secret === undefined ? {} : secretHeader(value)),
    ...(headers === undefined ? {} : { headers }),
    ...(oauth === undefined ? {} : { oauth }),
    ...both,
  };
  return {
    settings,
    ...(typeof secret === 'string' ? { secret, issuer: 'static-secret' } : {}),
    ...(oauth === undefined ? {} : { issuer: 'oauth' }),
  };
}

/** What the file lets agents be granted of an MCP server. */
export function servingOf(name: string, value: JsonObject): Serving {
  const serve = (value.serve ?? {}) as JsonObject;
  const tools = new Map<string, ServedTool | null>();
  for (const [upstream, how] of Object.entries((serve.tools ?? {}) as JsonObject))
    tools.set(upstream, how === false ? null : servedTool(how));
  const others = tools.get('*') ?? null;
  tools.delete('*');
  return {
    toolPrefix: toolPrefixOf(name, value),
    tools,
    others,
    resources: serve.resources === true,
    prompts: serve.prompts === true,
  };
}

function servedTool(how: Json): ServedTool {
  const said = (typeof how === 'string' ? { effect: how } : how) as JsonObject;
  const { effect, reversibility, idempotent, cap, maxResultBytes, timeoutMs, polling } = said;
  const { of = null, description = null } = said;
  return {
    effect: effect as EffectClass,
    reversibility: reversibility === 'declared' || said.undo !== undefined ? 'declared' : 'none',
    idempotent: idempotent === undefined ? effect === 'read' : idempotent !== false,
    cap: (cap ?? {}) as { [D in Dimension]?: number },
    maxResultBytes: typeof maxResultBytes === 'number' ? maxResultBytes : RESULT_BYTES.usual,
    timeoutMs: typeof timeoutMs === 'number' ? timeoutMs : TIMEOUT_MS.usual,
    of: of as string | null,
    description: description as string | null,
    narrowing: declaredNarrowing(said),
    keepHidden: said.keepHidden === true,
    ...pollingMsOf(polling),
    lineage: lineageOf(said),
    bindings: bindingsOf(said),
  };
}

export function servesAnything({ tools, others, resources, prompts }: Serving): boolean {
  return others !== null || resources || prompts || [...tools.values()].some((how) => how !== null);
}
