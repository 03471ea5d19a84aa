import type { AlertTarget } from '../domain/alert.ts';
import type { AutomaticHalts } from '../domain/automatic-halt.ts';
import type { Agent, Connection, Grant, Limits, Organisation, User } from '../domain/bundle.ts';
import type { Consult } from '../domain/consult.ts';
import type { DrillPlan } from '../domain/drill.ts';
import type { Dimension, EffectClass } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ToolLineage } from '../domain/lineage.ts';
import type { LoopRules } from '../domain/loops.ts';
import type { Bindings } from './bindings.ts';
import type { DeclaredNarrowing } from './declare-narrow.ts';
import type { PolicyDeclaration } from './policies.ts';

/** A tool as its file declares it, before its system was asked what it really does. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  readonly connection: string;
  readonly inputSchema: JsonObject;
  /** Null where the file says nothing. */
  readonly effect: EffectClass | null;
  readonly recoveryPath: boolean | null;
  readonly reversibility: 'declared' | 'none';
  readonly cap: { readonly [D in Dimension]?: number };
  readonly maxResultBytes: number;
  readonly timeoutMs: number;
  /** Hidden characters of its results are handed on as they came. */
  readonly keepHidden: boolean;
  /** Absent: it is not meant to be polled. */
  readonly pollingMs?: number;
  /** Null where the file says nothing of it. */
  readonly lineage: ToolLineage | null;
  readonly bindings?: Bindings;
  /** `{sql}`, or the request with its defaults. */
  readonly binding: JsonObject;
}

/** What an operator accepts of one tool of an MCP server. */
export type ServedTool = Pick<
  ToolDeclaration,
  'reversibility' | 'cap' | 'maxResultBytes' | 'timeoutMs' | 'keepHidden' | 'pollingMs' | 'lineage'
> & {
  readonly effect: EffectClass;
  readonly idempotent: boolean;
  /** Its name at its server, where the file gives it another; null: the name it is served under. */
  readonly of: string | null;
  /** Instead of its server’s words; null: those. */
  readonly description: string | null;
  readonly narrowing: DeclaredNarrowing;
  readonly bindings: Bindings;
};

/** What of an MCP server agents may be granted. */
export interface Serving {
  readonly toolPrefix: string;
  /** By the server's own names, or those that the file makes of them (`of`); null: not served. */
  readonly tools: ReadonlyMap<string, ServedTool | null>;
  /** Of every tool that is not named; null: not served. */
  readonly others: ServedTool | null;
  readonly resources: boolean;
  readonly prompts: boolean;
}

/** A file that holds together. It grants nothing: `planBundle` makes a bundle of it, and an operator applies that. */
export interface Config {
  readonly path: string;
  readonly organisation: Organisation;
  readonly connections: { readonly [name: string]: Connection };
  readonly tools: { readonly [name: string]: ToolDeclaration };
  /** By connection; of each of kind `mcp`. */
  readonly serving: { readonly [connection: string]: Serving };
  readonly agents: { readonly [name: string]: Agent };
  /** One for each agent and tool as written: one that ends in `*` is for every tool whose name begins so. */
  readonly grants: readonly Grant[];
  /** By name, with patterns as written; null where the file has none. */
  readonly users: { readonly [name: string]: User } | null;
  readonly limits: Limits;
  readonly approvalMinutes: number;
  readonly alerts: readonly AlertTarget[];
  readonly automaticHalts: AutomaticHalts | null;
  readonly consults: readonly Consult[];
  /** Null: `off`. */
  readonly loops: LoopRules | null;
  readonly drill: DrillPlan | undefined;
  readonly policies: PolicyDeclaration;
  /** What is allowed and probably not meant. */
  readonly warnings: readonly string[];
  /** `path:line:column` of what a JSON Pointer names. */
  at(pointer: string, what?: 'key' | 'value'): string;
  /** `path:line:column` of a field of the grant that gives this agent this tool; of `tools` the name or pattern itself. */
  grantAt(agent: string, tool: string, field: 'agent' | 'tools' | 'rung'): string;
}
