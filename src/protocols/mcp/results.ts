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

const META_FIRST = '"_meta":{';
/** What a modern client may keep of an answer that can be kept at all. */
export const CACHING = `"ttlMs":${TTL_MS},"cacheScope":"private"`;

/** Wraps results for one side: modern ones say their type and who made them. Texts are JSON, ready to send. */
export class Results {
  readonly #server: ServerIdentity;
  /** Up to and into `_meta`, which is still open. */
  readonly #modernHead: string;

  constructor(server: ServerIdentity) {
    this.#server = server;
    const identity = `"io.modelcontextprotocol/serverInfo":${JSON.stringify(server)}`;
    this.#modernHead = `"resultType":"complete",${META_FIRST}${identity}`;
  }

  /**
   * A complete result from the members of an object, already serialised and without its braces. A `_meta` of their own,
   * a target's, has to come first and to hold something: ours is put into it.
   */
  complete(id: Id, { era }: Pick<Envelope, 'era'>, members: string): string {
    const name = typeof id === 'number' ? id : JSON.stringify(id);
    if (era === 'legacy') return `{"jsonrpc":"2.0","id":${name},"result":{${members}}}`;
    const head = `{"jsonrpc":"2.0","id":${name},"result":{${this.#modernHead}`;
    if (members.startsWith(META_FIRST)) return `${head},${members.slice(META_FIRST.length)}}}`;
    return members === '' ? `${head}}}}` : `${head}},${members}}}`;
  }

  /** A complete result from an object that has no `_meta` of its own. */
  completeObject(id: Id, envelope: Pick<Envelope, 'era'>, result: JsonObject): string {
    return this.complete(id, envelope, JSON.stringify(result).slice(1, -1));
  }

  discover(id: Id, offered: Offered): string {
    return this.completeObject(
      id,
      { era: 'modern' },
      {
        supportedVersions: SUPPORTED_VERSIONS,
        capabilities: capabilitiesOf(offered),
        instructions: INSTRUCTIONS,
        ttlMs: TTL_MS,
        cacheScope: 'private',
      },
    );
  }

  initialize(id: Id, version: string, offered: Offered): string {
    const { name, title, version: ours } = this.#server;
    const serverInfo =
      version < '2025-06-18' ? { name, version: ours } : { name, title, version: ours };
    const result = {
      protocolVersion: version,
      capabilities: { ...capabilitiesOf(offered), logging: {} },
      serverInfo,
      instructions: INSTRUCTIONS,
    };
    return this.completeObject(id, { era: 'legacy' }, result);
  }

  /** The call waits for somebody; the same request again, with `requestState`, continues it. */
  inputRequired(id: Id, requestState: string, inputRequests: JsonObject | null): string {
    const result = {
      resultType: 'input_required',
      ...(inputRequests === null ? {} : { inputRequests }),
      requestState,
    };
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
  }
}

/** What one agent holds a grant for, apart from tools. */
export interface Offered {
  readonly resources: boolean;
  readonly prompts: boolean;
}

function capabilitiesOf({ resources, prompts }: Offered): JsonObject {
  return {
    tools: { listChanged: true },
    ...(resources ? { resources: { subscribe: true, listChanged: true } } : {}),
    ...(prompts ? { prompts: { listChanged: true } } : {}),
    ...(resources || prompts ? { completions: {} } : {}),
  };
}

/** A progress notification of a call that is held. `step` must grow. */
export function progressText(token: Id, step: number, message: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: token, progress: step, message },
  });
}

/** A notification. `about` ties it to a subscription of the modern revision. */
export function notificationText(method: string, params: JsonObject, about?: Id): string {
  if (about === undefined) return JSON.stringify({ jsonrpc: '2.0', method, params });
  const _meta = { ...(params._meta as JsonObject | undefined), [SUBSCRIPTION]: about };
  return JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, _meta } });
}

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

/** One message as a server-sent event. JSON has no raw line break, so one `data` line holds it. */
export function eventOf(text: string): string {
  return `event: message\ndata: ${text}\n\n`;
}
