import type { JsonObject } from '../../domain/json.ts';
import type { Envelope } from './envelope.ts';
import type { Id } from './message.ts';
import { SUPPORTED_VERSIONS } from './versions.ts';

/** Who we say we are, and what an agent should know before its first call. */
export interface ServerIdentity {
  readonly name: string;
  readonly title: string;
  readonly version: string;
}

export const INSTRUCTIONS =
  'Every call is judged before anything happens. A refused call comes back as an error result with reasons and what ' +
  'would pass; nothing was executed. A call that needs a human comes back as pending: repeat the very same call ' +
  '(same tool, same arguments) to continue it, it is executed at most once per approval. When you are told that you ' +
  'are halted, stop.';

/** How long a client may keep what it was told about tools. Short: a bundle can be replaced at any time. */
export const TTL_MS = 5_000;

/** Wraps results for one side: modern ones say their type and who made them. Texts are JSON, ready to send. */
export class Results {
  readonly #server: ServerIdentity;
  readonly #modernHead: string;

  constructor(server: ServerIdentity) {
    this.#server = server;
    const meta = JSON.stringify({ 'io.modelcontextprotocol/serverInfo': server });
    this.#modernHead = `"resultType":"complete","_meta":${meta}`;
  }

  /** A complete result from the members of an object, already serialised and without its braces. */
  complete(id: Id, { era }: Pick<Envelope, 'era'>, members: string): string {
    const head = era === 'modern' ? this.#modernHead : '';
    const comma = head !== '' && members !== '' ? ',' : '';
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${head}${comma}${members}}}`;
  }

  /** A complete result from an object that has no `_meta` of its own. */
  completeObject(id: Id, envelope: Pick<Envelope, 'era'>, result: JsonObject): string {
    return this.complete(id, envelope, JSON.stringify(result).slice(1, -1));
  }

  discover(id: Id): string {
    return this.completeObject(
      id,
      { era: 'modern' },
      {
        supportedVersions: SUPPORTED_VERSIONS,
        capabilities: { tools: {} },
        instructions: INSTRUCTIONS,
        ttlMs: TTL_MS,
        cacheScope: 'private',
      },
    );
  }

  initialize(id: Id, version: string): string {
    const { name, title, version: ours } = this.#server;
    const serverInfo =
      version < '2025-06-18' ? { name, version: ours } : { name, title, version: ours };
    const capabilities = { tools: { listChanged: false }, logging: {} };
    const result = {
      protocolVersion: version,
      capabilities,
      serverInfo,
      instructions: INSTRUCTIONS,
    };
    return this.completeObject(id, { era: 'legacy' }, result);
  }

  /** The call waits for a human; the same request again, with `requestState`, continues it. */
  inputRequired(id: Id, requestState: string, inputRequests: JsonObject | null): string {
    const result = {
      resultType: 'input_required',
      ...(inputRequests === null ? {} : { inputRequests }),
      requestState,
    };
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
  }
}

/** A progress notification of a call that is held. `step` must grow. */
export function progressText(token: Id, step: number, message: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: token, progress: step, message },
  });
}

/** One message as a server-sent event. JSON has no raw line break, so one `data` line holds it. */
export function eventOf(text: string): string {
  return `event: message\ndata: ${text}\n\n`;
}
