import type { EffectVector } from './effect.ts';
import type { Json, JsonObject } from './json.ts';
import type { StopSignal } from './stop.ts';

/** What the actor asks for. `runId` was proven by a run token; everything else is the agent's word. */
export interface Proposal {
  readonly runId: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** The surface it came by (`mcp`, `scenario`), and the caller's trace, for the record only. */
  readonly via: string;
  readonly traceparent?: string;
  /** Present when this call goes on where an earlier one was asked something. Part of what is judged and digested. */
  readonly continuation?: Continuation;
  /** What was sent as arguments is none: why. Then `arguments` is empty, and nothing is executed. */
  readonly malformed?: string;
  /** Aborts what is under way when the caller goes away. */
  readonly signal?: StopSignal;
}

/** Answers to a target's questions (by its keys), and the state it gave with them; sent on as they are. */
export interface Continuation {
  readonly responses: JsonObject;
  readonly state: string | null;
}

/** Before and after of one row, as the target gave them. `before: null` is an insert, `after: null` a delete. */
export interface RowImage {
  readonly table: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
}

/** What a flight measured before commit. */
export interface Measured {
  readonly effect: EffectVector;
  /** Rows by table, the target's own statistics: cascades and triggers included. */
  readonly byTable: readonly {
    readonly table: string;
    readonly inserted: number;
    readonly updated: number;
    readonly deleted: number;
  }[];
  readonly images: readonly RowImage[];
  /** False: the target changed more than the images show. */
  readonly imagesComplete: boolean;
  /** SHA-256 over the rows as they were; an approval is bound to it. */
  readonly preState: string;
}

/** What a tool gives back. `structured` is what `text` says, when it is JSON. */
export interface ToolResult {
  readonly text: string;
  readonly structured?: JsonObject;
  /** What a cap cut, in words; empty when whole. */
  readonly cut: readonly string[];
  /** The members of an MCP result, serialised, without braces, checked and capped; then `text` is empty. */
  readonly wire?: string;
  /** No answer yet: the target asks first, and the same call is to be repeated with a Continuation. */
  readonly wants?: Wants;
}

/** Questions of a target by its own keys, and the state to come back with. */
export interface Wants {
  readonly questions: JsonObject;
  readonly state: string | null;
}

/** An error as the target's protocol says it (JSON-RPC). A stranger's words. */
export interface TargetError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

export interface Refusal {
  readonly code: string;
  readonly reasons: readonly {
    readonly check: string;
    readonly code: string;
    readonly reason: string;
    readonly fix?: string;
  }[];
}

/** done | failed | refused | running | unknown: what became of an intent. */
export type Settlement =
  | { readonly kind: 'done'; readonly result: ToolResult }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly reply?: TargetError;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'running' }
  | { readonly kind: 'unknown'; readonly message: string };

/** What `act()` answers: a settlement of its intent, or that nothing was executed and why. */
export type Outcome =
  | (Settlement & { readonly actionId: string })
  | {
      readonly kind: 'drafted';
      readonly actionId: string;
      readonly reason: string;
      /** What the same call answered at the staging connection of its tool. */
      readonly staged?: { readonly at: string; readonly result: ToolResult };
    }
  | {
      readonly kind: 'parked';
      readonly actionId: string;
      readonly approvalId: string;
      readonly expiresAt: number;
      readonly previewed: boolean;
    };
