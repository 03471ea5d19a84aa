import type { JsonObject } from '../../domain/json.ts';
import { MODERN_VERSION } from './versions.ts';

const PREFIX = 'io.modelcontextprotocol/';

/** Who we say we are towards servers. */
export interface ClientIdentity {
  readonly name: string;
  readonly version: string;
}

/** What a caller can be asked, as far as it is handed on: our own kinds, and extensions that need nothing of us. */
export function askable(capabilities: JsonObject): JsonObject {
  let found: Record<string, JsonObject[string]> | null = null;
  for (const kind of ['elicitation', 'sampling', 'roots', 'extensions']) {
    const value = capabilities[kind];
    if (value === undefined) continue;
    found ??= {};
    found[kind] = kind === 'extensions' ? extensions(value as JsonObject) : value;
  }
  return found ?? NOTHING;
}

const NOTHING: JsonObject = {};
/** A task is an answer that we would have to keep: not spoken here. */
const TASKS = `${PREFIX}tasks`;

function extensions(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== TASKS));
}

/** The kinds of question that a set of capabilities allows, by method. */
export function mayBeAsked(capabilities: JsonObject, method: string): boolean {
  const kind = kindOfQuestion(method);
  return kind !== null && Object.hasOwn(capabilities, kind);
}

/** The capability that a client needs to be asked this; null for what is no question. */
export function kindOfQuestion(method: string): string | null {
  return KINDS.get(method) ?? null;
}

const KINDS = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/** The part of `_meta` that every modern request has, serialised, without braces. */
export function modernMeta(client: ClientIdentity, capabilities: JsonObject): string {
  return JSON.stringify({
    [`${PREFIX}protocolVersion`]: MODERN_VERSION,
    [`${PREFIX}clientInfo`]: client,
    [`${PREFIX}clientCapabilities`]: capabilities,
  }).slice(1, -1);
}

/** What one request adds to it. */
export function ownMeta(id: number, progress: boolean, logLevel: string | null): string {
  const token = progress ? `"progressToken":${id}` : '';
  const level =
    logLevel === null ? '' : `${token === '' ? '' : ','}"${PREFIX}logLevel":"${logLevel}"`;
  return token + level;
}

/** A request from parts that are serialised already. `members` and `meta` are without braces. */
export function requestText(id: number, method: string, members: string, meta: string): string {
  const comma = members === '' || meta === '' ? '' : ',';
  const said = meta === '' ? '' : `"_meta":{${meta}}`;
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${members}${comma}${said}}}`;
}

export function notificationText(method: string, members: string): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":{${members}}}`;
}

export function resultText(id: string | number, result: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
}

export function refusalText(id: string | number, code: number, message: string): string {
  const error = JSON.stringify({ code, message });
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${error}}`;
}
