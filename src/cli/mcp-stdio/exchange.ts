import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { SseReader, StreamTooLong } from '../../protocols/mcp/sse.ts';

/** One answer at a time is in memory; a listener sends results of 4 MiB at most. */
const MAX_MESSAGE = 16 * 1024 * 1024;

/** What came back for one request: each message as the text it was, in order. */
export interface Heard {
  /** Resolves when the client's side can take more. */
  message(text: string, value: Json): Promise<void>;
}

export interface Ended {
  /** Of the last event that had one: where a broken stream can be taken up again. */
  readonly lastId: string | null;
  /** Milliseconds the listener asks to wait before coming back. */
  readonly retryMs: number | null;
}

const NOTHING_LEFT: Ended = { lastId: null, retryMs: null };

/** Reads a whole response. Throws SignalboxError for an answer that is no answer, and what the network throws. */
export async function hear(response: Response, heard: Heard): Promise<Ended> {
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && type.startsWith('text/event-stream')) return hearStream(response, heard);
  const text = await textOf(response);
  if (!response.ok) throw refusalOf(response.status, text);
  if (text.trim() !== '') await heard.message(flat(text), messageOf(text));
  return NOTHING_LEFT;
}

async function hearStream(response: Response, heard: Heard): Promise<Ended> {
  const events: string[] = [];
  const reader = new SseReader(MAX_MESSAGE, ({ data }) => {
    if (data !== null && data !== '') events.push(data);
  });
  try {
    for await (const chunk of response.body ?? []) {
      reader.push(Buffer.from(chunk));
      for (const text of events.splice(0)) await heard.message(flat(text), messageOf(text));
    }
  } catch (error) {
    if (error instanceof StreamTooLong) throw tooLarge();
    // a broken stream is one that ended early: whoever asked knows whether an answer is missing
    if (error instanceof SignalboxError || isAbort(error)) throw error;
  }
  return { lastId: reader.lastId, retryMs: reader.retry };
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** A line break in JSON can only stand between its parts; a line of ours ends with one. */
const flat = (text: string): string => text.replace(/[\r\n]+/g, ' ');

function messageOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new SignalboxError('UNREACHABLE', 'the agents address answered what is no JSON', {
      help: 'name the agents address with `--agents-url`; the operators address is another one',
    });
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_MESSAGE) throw tooLarge();
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
}

const tooLarge = (): SignalboxError =>
  new SignalboxError('REQUEST_TOO_LARGE', `an answer of more than ${MAX_MESSAGE} bytes`);

/** What a listener said instead of an answer, as JSON-RPC says it. */
export class Refused extends Error {
  readonly status: number;
  readonly error: JsonObject;
  constructor(status: number, error: JsonObject) {
    super(String(error.message));
    this.status = status;
    this.error = error;
  }
}

/** Both ways in which it says no: a JSON-RPC error, and the error object of the other routes. */
function refusalOf(status: number, text: string): Refused {
  let body: Json = null;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    // a listener of another program
  }
  const error = isJsonObject(body) && isJsonObject(body.error) ? body.error : {};
  if (typeof error.code === 'number' && typeof error.message === 'string')
    return new Refused(status, error);
  const { code = 'UNREACHABLE', message = `the agents address answered ${status}`, help } = error;
  const data = { code, ...(help === undefined ? {} : { help }) };
  return new Refused(status, { code: status, message, data });
}
