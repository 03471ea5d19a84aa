import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/** How a client reaches one server, in the same words for every client. Values as written: nothing is expanded yet. */
export interface Entry {
  readonly transport: 'stdio' | 'http' | null;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** Names of variables that the client hands on from its own environment. */
  readonly envNames: readonly string[];
  readonly envFile: string | null;
  readonly cwd: string | null;
  readonly url: string;
  /** By what the file says it speaks the transport of before 2025. */
  readonly sse: boolean;
  readonly headers: { readonly [name: string]: string };
  /** Headers whose values are variables of the client's environment. */
  readonly headerNames: { readonly [header: string]: string };
  readonly disabled: boolean;
  /** The only tools to be served, by the client's own list; null: all. */
  readonly only: readonly string[] | null;
  readonly without: readonly string[];
  /** Milliseconds that a call may take; null: the usual. */
  readonly timeoutMs: number | null;
  /** What it says and nothing here can do. */
  readonly unknown: readonly string[];
}

const KNOWN = new Set(
  (
    'type transport command args env envFile cwd url httpUrl serverUrl headers http_headers disabled enabled timeout ' +
    'tool_timeout_sec startup_timeout_sec startup_timeout_ms enabled_tools disabled_tools includeTools excludeTools trust ' +
    'description bearer_token_env_var env_http_headers env_vars alwaysAllow autoApprove dev gallery version required tools'
  ).split(' '),
);

/** Reads one entry of a client's table of servers. */
export function entryOf(value: JsonObject): Entry {
  const { type, transport, command, url, httpUrl, serverUrl, cwd, envFile } = value;
  const address = [httpUrl, url, serverUrl].find((each) => typeof each === 'string') ?? '';
  const [program, given] = typeof command === 'string' ? [command, []] : splitCommand(command);
  const kind = String(type ?? transport ?? '');
  const bearer = value.bearer_token_env_var;
  return {
    transport:
      program !== '' && kind !== 'http' && kind !== 'sse'
        ? 'stdio'
        : address !== ''
          ? 'http'
          : null,
    command: program,
    args: [...given, ...textsOf(value.args)],
    env: tableOf(value.env),
    envNames: envNamesOf(value.env_vars),
    envFile: typeof envFile === 'string' ? envFile : null,
    cwd: typeof cwd === 'string' && cwd !== '' ? cwd : null,
    url: String(address),
    sse: kind === 'sse' || /\/sse\/?$/.test(String(address)),
    headers: { ...tableOf(value.http_headers), ...tableOf(value.headers) },
    headerNames: {
      ...tableOf(value.env_http_headers),
      ...(typeof bearer === 'string' ? { Authorization: bearer } : {}),
    },
    disabled: value.disabled === true || value.enabled === false,
    only: listed(value.enabled_tools ?? value.includeTools),
    without: [...textsOf(value.disabled_tools), ...textsOf(value.excludeTools)],
    timeoutMs: timeoutOf(value),
    unknown: Object.keys(value).filter((key) => !KNOWN.has(key)),
  };
}

/** Gemini counts milliseconds, Codex seconds; others what looks like one of the two. */
function timeoutOf({ timeout, tool_timeout_sec: seconds }: JsonObject): number | null {
  if (typeof seconds === 'number' && seconds > 0) return Math.round(seconds * 1_000);
  if (typeof timeout !== 'number' || timeout <= 0) return null;
  return Math.round(timeout < 1_000 ? timeout * 1_000 : timeout);
}

function splitCommand(command: Json | undefined): [string, readonly string[]] {
  const [program = '', ...args] = textsOf(command);
  return [program, args];
}

function envNamesOf(value: Json | undefined): string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).flatMap((each) =>
    typeof each === 'string'
      ? [each]
      : isJsonObject(each) && typeof each.name === 'string'
        ? [each.name]
        : [],
  );
}

function tableOf(value: Json | undefined): { [name: string]: string } {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) =>
      text === null || typeof text === 'object' ? [] : [[name, String(text)]],
    ),
  );
}

function listed(value: Json | undefined): readonly string[] | null {
  return Array.isArray(value) ? textsOf(value) : null;
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value)
    ? (value as readonly Json[]).flatMap((each) =>
        typeof each === 'string' || typeof each === 'number' ? [String(each)] : [],
      )
    : [];
}
