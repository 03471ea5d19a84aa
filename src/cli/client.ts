import { ERRORS, type ErrorCode, SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject, jsonIn } from '../domain/json.ts';
import type { Io } from './io.ts';
import { progress } from './progress.ts';

/** The operators' API. Every method throws SignalboxError: the server's own, or UNREACHABLE. */
export interface AdminClient {
  /** Where it would call; no key is needed to know that. */
  url(): Promise<string>;
  get(path: string): Promise<JsonObject>;
  post(path: string, body: JsonObject): Promise<JsonObject>;
}

export interface Address {
  readonly url: string;
  /** Null: nothing is sent, and the server says what it wants. */
  readonly bearer: string | null;
}

/** A halt revokes at the source before it answers, and that may take as long as the source does. */
const PATIENCE_MS = 130_000;
const LARGEST = 64 * 1024 * 1024;

export function adminClient(
  io: Io,
  address: () => Promise<Address>,
  url: () => Promise<string>,
): AdminClient {
  const call = async (method: string, path: string, body: JsonObject | null) => {
    const { url: base, bearer } = await address();
    const asked = request(io, { method, url: join(base, path), bearer, body });
    return progress(io, 'waiting for Signalbox', asked);
  };
  return {
    url,
    get: (path) => call('GET', path, null),
    post: (path, body) => call('POST', path, body),
  };
}

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly bearer: string | null;
  readonly body: JsonObject | null;
  readonly patienceMs?: number;
}

/** One JSON request. Never follows a redirect: a key goes to the address it was made for and nowhere else. */
export async function request(io: Io, asked: Request): Promise<JsonObject> {
  const patience = new AbortController();
  const timer = io.doors.timers.after(asked.patienceMs ?? PATIENCE_MS, () => patience.abort());
  try {
    const response = await io.fetch(asked.url, {
      method: asked.method,
      redirect: 'manual',
      signal: patience.signal,
      headers: {
        accept: 'application/json',
        ...(asked.bearer === null ? {} : { authorization: `Bearer ${asked.bearer}` }),
        ...(asked.body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(asked.body === null ? {} : { body: JSON.stringify(asked.body) }),
    });
    return await answerOf(response, asked.url);
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    throw new SignalboxError(
      'UNREACHABLE',
      `no answer from \`${new URL(asked.url).origin}\` (${reason(error)})`,
      {
        cause: error,
      },
    );
  } finally {
    timer.cancel();
  }
}

export function join(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}

async function answerOf(response: Response, url: string): Promise<JsonObject> {
  const text = await response.text();
  const value: unknown = text.length > LARGEST ? null : jsonIn(text);
  if (response.ok && isJsonObject(value)) return value;
  if (isJsonObject(value) && isJsonObject(value.error)) throw faultOf(value.error);
  throw new SignalboxError(
    'UNREACHABLE',
    `expected the operators' API at \`${new URL(url).origin}\`, got status ${response.status} without a known body`,
    { help: 'name the operators address with `--url`; the agents address is another one' },
  );
}

function faultOf(error: JsonObject): SignalboxError {
  const text = (key: string): string | undefined =>
    typeof error[key] === 'string' ? error[key] : undefined;
  const code = text('code') ?? 'INTERNAL';
  const at = text('at');
  const help = text('help');
  return new RemoteFault(
    Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL',
    text('message') ?? `the server answered \`${code}\``,
    { ...(help === undefined ? {} : { help }), ...(at === undefined ? {} : { at }) },
    error,
  );
}

/** A fault that the server named; passed on whole, with the list of problems of a file. */
class RemoteFault extends SignalboxError {
  readonly #body: JsonObject;

  constructor(
    code: ErrorCode,
    message: string,
    more: { help?: string; at?: string },
    body: JsonObject,
  ) {
    super(code, message, more);
    this.#body = body;
  }

  override toJSON(): ReturnType<SignalboxError['toJSON']> {
    return { ...this.#body, ...super.toJSON() };
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error instanceof Error && error.name === 'AbortError'
    ? 'took too long'
    : 'connection failed';
}
