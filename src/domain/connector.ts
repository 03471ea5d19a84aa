import type { Connection, Tool } from './bundle.ts';
import type { Credential } from './credential.ts';
import type { HaltScope } from './halt.ts';
import type { JsonObject } from './json.ts';
import type { Continuation, Measured, TargetError, ToolResult } from './proposal.ts';
import type { StopSignal } from './stop.ts';
import type { Verified } from './verified.ts';

/** What a target says to its caller while a call is under way (progress, a log line), as MCP names it. */
export interface Notice {
  readonly method: string;
  readonly params: JsonObject;
}

/** What a target wants to know of its caller before it goes on (elicitation, sampling, roots), as MCP names it. */
export interface Question {
  readonly method: string;
  readonly params: JsonObject;
}

/** The caller's side of a call under way. Nothing that the target says reaches it before the intent is durable. */
export interface Sink {
  /** What the caller can be asked: MCP client capabilities. Empty for one that only waits for the answer. */
  readonly capabilities: JsonObject;
  /** Least severe log line the caller wants (`debug` … `emergency`); null: none. */
  readonly logLevel: string | null;
  /** The caller wants to hear of progress. */
  readonly progress: boolean;
  /** Resolves when the caller's side can take more. Rejects when nothing more may be told. */
  tell(notice: Notice): Promise<void>;
  /** The caller's answer. Rejects with ConnectorFailure when it cannot be asked, or goes away. */
  ask(question: Question): Promise<JsonObject>;
}

/** One call, already admitted. `signal` aborts it (caller gone, halt, deadline). */
export interface Call {
  readonly actionId: string;
  readonly runId: string;
  readonly tool: Tool;
  readonly connection: Connection;
  readonly arguments: JsonObject;
  /** Answers to what the target asked in an earlier round of this call. */
  readonly continuation: Continuation | null;
  readonly credential: Credential | null;
  /** A preview is begun, measured, cancelled; it takes row images where it can. */
  readonly purpose: 'execute' | 'preview';
  readonly signal: StopSignal;
  /** By which a target can know a repeat of this very call in this run tree; present where its tool sends one. */
  readonly key?: string;
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
  /**
   * Ends at once what is kept open in a halted scope, by force where that is a process; `runs` are those in it. Answers
   * with what could not be ended, in words. Absent where nothing is kept beyond `release`.
   */
  cut?(scope: HaltScope, runs: ReadonlySet<string>): Promise<readonly string[]>;
  /** Child processes that `cut` would end now. */
  children?(scope: HaltScope, runs: ReadonlySet<string>): number;
  close(): Promise<void>;
}

/**
 * Fault at the target. `effect: 'none'` is a promise that nothing happened there. `message` may reach the agent: no
 * secrets. `reply` is the target's own error, for callers of its protocol.
 */
export class ConnectorFailure extends Error {
  readonly code: string;
  readonly effect: 'none' | 'unknown';
  readonly reply: TargetError | undefined;
  constructor(code: string, message: string, effect: 'none' | 'unknown', reply?: TargetError) {
    super(message);
    this.name = 'ConnectorFailure';
    this.code = code;
    this.effect = effect;
    this.reply = reply;
  }
}

/** Something that a system serves has changed, told by the system itself. `uri`: of the one resource, if it was one. */
export interface Change {
  readonly connection: string;
  readonly what: 'tools' | 'prompts' | 'resources' | 'resource';
  readonly uri?: string;
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
  /**
   * Tries, with the minted credential of an agent, what it can do there; `tools` are those that the credential is for.
   * Absent where a system takes only credentials that are the same for all. Throws SignalboxError.
   */
  verify?(
    connection: Connection,
    grants: { readonly agent: string; readonly tools: readonly Tool[] },
    credential: Credential | null,
  ): Promise<Verified>;
  /** What a connection would start on this machine, by content, without starting it. Null: nothing. */
  launch?(connection: Connection): Promise<JsonObject | null>;
  /** What a system that describes itself offers. Absent where the operator writes every tool. Throws SignalboxError. */
  catalogue?(connection: Connection): Promise<Catalogue>;
}

/** What an MCP server says of itself. A stranger's words: checked for shape and size, believed in nothing. */
export interface Catalogue {
  readonly server: { readonly name: string; readonly version: string };
  /** Revision of the protocol that it was asked in, where its inspector tells. */
  readonly protocol?: string;
  readonly instructions: string | null;
  /** Definitions as listed (`name`, `inputSchema`, …), in name order. */
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: boolean;
  readonly completions: boolean;
}

/** The part of a Tool that its system decides. */
export interface Derived {
  readonly effect: Tool['effect'];
  readonly recoveryPath: boolean;
  readonly idempotent: boolean;
  readonly binding: JsonObject;
  readonly derivation: readonly string[];
  readonly listing?: JsonObject;
}

/** The tools of one connection that one agent holds: what its credential must be able to do, and no more. */
export interface GrantSet {
  readonly agent: string;
  readonly tools: readonly string[];
}

/** The same caller where nothing may be asked or told yet: some servers have more for one who could be asked. */
export function muted({ capabilities }: Sink): Sink {
  return { ...NO_SINK, capabilities };
}

/** A caller that only waits for the answer. */
export const NO_SINK: Sink = {
  capabilities: {},
  logLevel: null,
  progress: false,
  tell: async () => undefined,
  ask: async () => {
    throw new ConnectorFailure('CONNECTOR_REFUSED', 'the caller cannot be asked', 'none');
  },
};
