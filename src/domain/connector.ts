import type { Connection, Tool } from './bundle.ts';
import type { Credential } from './credential.ts';
import type { JsonObject } from './json.ts';
import type { Measured, ToolResult } from './proposal.ts';

/** Where a stream writes. Only called after the intent is durable. */
export interface Sink {
  write(chunk: string): void;
}

/** One call, already admitted. `signal` aborts it (caller gone, halt, deadline). */
export interface Call {
  readonly actionId: string;
  readonly runId: string;
  readonly tool: Tool;
  readonly connection: Connection;
  readonly arguments: JsonObject;
  readonly credential: Credential | null;
  /** A preview is begun, measured, cancelled; it takes row images where it can. */
  readonly purpose: 'execute' | 'preview';
  readonly signal: AbortSignal;
}

/** An action that has begun and can still be taken back, when the connector can measure before commit. */
export interface Flight {
  /** Null when the connector cannot measure before commit. */
  readonly measured: Measured | null;
  /** What `probe` needs after a crash (a transaction id); made durable before `finish`. Null: nothing to ask. */
  readonly trace: JsonObject | null;
  /** Makes the effect and answers. Throws ConnectorFailure (`effect: 'none'`) when surely nothing happened, otherwise `'unknown'`. */
  finish(): Promise<ToolResult>;
  cancel(): Promise<void>;
}

export interface ProbeQuery {
  readonly actionId: string;
  readonly tool: Tool;
  readonly connection: Connection;
  /** What the flight left before finishing; null when it never got there. */
  readonly trace: JsonObject | null;
}

export type ProbeAnswer = 'done' | 'failed' | 'running' | 'unknown';

/** An adapter that really calls things. Only broker/act.ts and broker/recover.ts call these. */
export interface Connector {
  readonly kind: string;
  begin(call: Call, sink: Sink): Promise<Flight>;
  probe(query: ProbeQuery): Promise<ProbeAnswer>;
  /** Ends sessions kept for this run (run ended or halted). */
  release(runId: string): Promise<void>;
  close(): Promise<void>;
}

/** Fault at the target. `effect: 'none'` is a promise that nothing happened there. `message` may reach the agent: no secrets. */
export class ConnectorFailure extends Error {
  readonly code: string;
  readonly effect: 'none' | 'unknown';
  constructor(code: string, message: string, effect: 'none' | 'unknown') {
    super(message);
    this.name = 'ConnectorFailure';
    this.code = code;
    this.effect = effect;
  }
}

/** Reads catalogues for plan, lint and verify; never on behalf of an agent and never through `begin`. */
export interface Inspector {
  readonly kind: string;
  /**
   * Completes a tool from its binding and the live system: parses, resolves, classes. The answer may only raise risk.
   * Throws SignalboxError (`TOOL_…`) when the manifest understates or cannot be honoured.
   */
  derive(draft: Tool, connection: Connection): Promise<Derived>;
  /** Creates what the bundle needs at the target (stable grant roles). Called on `apply`, serialised; idempotent. */
  prepare(
    connection: Connection,
    tools: readonly Tool[],
    grantSets: readonly GrantSet[],
  ): Promise<void>;
}

/** The part of a Tool that its system decides. */
export interface Derived {
  readonly effect: Tool['effect'];
  readonly recoveryPath: boolean;
  readonly idempotent: boolean;
  readonly binding: JsonObject;
  readonly derivation: readonly string[];
}

/** The tools of one connection that one agent holds: what its credential must be able to do, and no more. */
export interface GrantSet {
  readonly agent: string;
  readonly tools: readonly string[];
}
