import type { ErrorCode } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TargetError } from '../../domain/proposal.ts';
import type { StopSignal } from '../../domain/stop.ts';

/** What one request says, apart from its id. */
export interface Ask {
  readonly method: string;
  /** Members of `params` but `_meta`, serialised, without braces. */
  readonly members: string;
  /** What `Mcp-Name` mirrors; null where nothing is. */
  readonly name: string | null;
  /** `Mcp-Param-*`; null for none. */
  readonly paramHeaders: Readonly<Record<string, string>> | null;
  /** Milliseconds from now; it stands still while the caller is asked something. Null: no end. */
  readonly timeoutMs: number | null;
  /** Bytes of the answer that are read; a longer one is no answer. */
  readonly maxBytes: number;
  readonly signal: StopSignal | null;
  readonly ear: Ear | null;
  /** Takes the capabilities that questions of an older server wanted of this caller in vain. */
  readonly lacking?: string[];
}

/** The caller of one request, as far as a server may speak to it. */
export interface Ear {
  readonly capabilities: JsonObject;
  /** Null: no log lines. */
  readonly logLevel: string | null;
  readonly progress: boolean;
  /** A notification that belongs to this request. Never throws. */
  hear(method: string, params: JsonObject): void;
  /** A question that belongs to this request; rejects when it cannot be asked. */
  question(method: string, params: JsonObject): Promise<JsonObject>;
  /** Resolves when everything heard was told. Rejects when the call must not go on. */
  told(): Promise<void>;
  /** Called back when the caller's side wants the call to end. */
  onRefused: (() => void) | null;
}

export type Reply =
  | { readonly result: JsonObject; readonly error?: never }
  | { readonly error: TargetError; readonly result?: never };

/** What a server said of itself when a session with it was opened. */
export interface ServerSelf {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | null;
  readonly capabilities: JsonObject;
}

/** A way to a server on which requests can be sent: over HTTP or to a child, of either era. */
export interface Session {
  readonly era: 'modern' | 'legacy';
  readonly server: ServerSelf;
  /** Closed, lost or refused by the server: open another one. */
  readonly over: boolean;
  /** Rejects with WireFault only. */
  request(ask: Ask): Promise<Reply>;
  close(): Promise<void>;
}

/** Before a session is open. */
export const NOT_OPEN: ServerSelf = {
  name: 'unknown',
  version: 'unknown',
  instructions: null,
  capabilities: {},
};

/** Something told without being asked: `notifications/*`. */
export type Unasked = (method: string, params: JsonObject) => void;

/**
 * Why no answer came. `sent`: the server may have acted. `evidence`: an answer that tells its era, though it is none.
 * Never holds a secret.
 */
export class WireFault extends Error {
  readonly code: ErrorCode;
  readonly sent: boolean;
  /** HTTP status of an answer that was no message of the protocol; 0 when there was none. */
  readonly status: number;
  /** `connection`: counts for the circuit breaker. `session`: the server knows this session no longer. */
  readonly kind: 'connection' | 'session' | 'other';
  constructor(
    code: ErrorCode,
    message: string,
    sent: boolean,
    more: { status?: number; kind?: WireFault['kind'] } = {},
  ) {
    super(message);
    this.name = 'WireFault';
    this.code = code;
    this.sent = sent;
    this.status = more.status ?? 0;
    this.kind = more.kind ?? 'other';
  }
}
