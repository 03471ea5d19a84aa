/** What agents and operators send over HTTP, written by hand: JSON there and back, and a lost answer is an answer too. */
import { Agent, request } from 'undici';
import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';

const opened = (): Agent => new Agent({ connections: 64, keepAliveTimeout: 30_000 });
let connections = opened();
const PATIENCE_MS = 30_000;

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

/** Null: the connection broke before the whole answer was here. */
export async function send(
  method: 'GET' | 'POST',
  url: string,
  token: string | null,
  body?: JsonObject | string,
  headers: Readonly<Record<string, string>> = {},
  patienceMs = PATIENCE_MS,
): Promise<Reply | null> {
  try {
    const got = await request(url, {
      method,
      dispatcher: connections,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await got.body.text();
    const parsed: unknown = text === '' ? {} : JSON.parse(lastOf(text));
    return { status: got.statusCode, body: isJsonObject(parsed) ? parsed : {} };
  } catch {
    return null;
  }
}

export function member(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  let found = value;
  for (const name of names) found = isJsonObject(found) ? found[name] : undefined;
  return found;
}

/** Those there are; what is sent afterwards, by the next campaign of the same process, opens others. */
export function closeConnections(): Promise<void> {
  const over = connections;
  connections = opened();
  return over.destroy();
}

/** A call that was held is answered as a stream of events: what counts is the last one. */
function lastOf(text: string): string {
  const events = text.split('\n').filter((line) => line.startsWith('data:'));
  return text.startsWith('{') ? text : (events.at(-1)?.slice('data:'.length) ?? text);
}
