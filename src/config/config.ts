import type { Agent, Connection, Grant, Limits, Organisation } from '../domain/bundle.ts';
import type { Dimension, EffectClass } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';

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
  /** `{sql}`, or the request with its defaults. */
  readonly binding: JsonObject;
}

/** A file that holds together. It grants nothing: `planBundle` makes a bundle of it, and an operator applies that. */
export interface Config {
  readonly path: string;
  readonly organisation: Organisation;
  readonly connections: { readonly [name: string]: Connection };
  readonly tools: { readonly [name: string]: ToolDeclaration };
  readonly agents: { readonly [name: string]: Agent };
  /** One for each agent and tool. */
  readonly grants: readonly Grant[];
  readonly limits: Limits;
  readonly approvalMinutes: number;
  /** What is allowed and probably not meant. */
  readonly warnings: readonly string[];
  /** `path:line:column` of what a JSON Pointer names. */
  at(pointer: string, what?: 'key' | 'value'): string;
  /** `path:line:column` of a field of the grant that gives this agent this tool. */
  grantAt(agent: string, tool: string, field: 'agent' | 'tools' | 'rung'): string;
}
