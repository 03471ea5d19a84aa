import type { Decision } from './decision.ts';
import type { JsonObject } from './json.ts';
import type { LineageRecord } from './lineage.ts';
import type { Continuation } from './proposal.ts';

/** What is recorded of an action, whether it came to an intent or not. `arguments` is payload: encrypted, apart from the chain. */
export interface ActionRecord {
  readonly id: string;
  readonly runId: string;
  readonly root: string;
  readonly agent: string;
  readonly tool: string;
  readonly toolDigest: string;
  readonly connection: string;
  readonly arguments: JsonObject;
  /** Covers `continuation` too. */
  readonly argumentsDigest: string;
  readonly continuation?: Continuation;
  readonly purpose: 'execute' | 'preview';
  readonly via: string;
  readonly decision: Decision;
  readonly traceparent?: string;
  /** Of a tool whose arguments need a proof. */
  readonly lineage?: LineageRecord;
}
