import { createRequire } from 'node:module';
import type * as CedarWasm from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarValueJson, SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { EntityValue, SetValue, type Value } from './values.ts';

/*
 * Life of an instance of the reference engine (WebAssembly):
 *   none → live           at the first question
 *   live → none           a trap, or anything else thrown: what it holds cannot be trusted any more
 * What was asked then is denied, and so is for ever what was asked of the same policies: they would trap again.
 */

export type Cedar = typeof CedarWasm;

/** What Cedar answers. `errors`: ids of policies that could not be evaluated; Cedar itself leaves those out. */
export interface Answer {
  readonly allowed: boolean;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
}

/** A question of one tool. The context is whole: every attribute of the schema. */
export interface Question {
  readonly agent: string;
  readonly tool: string;
  readonly connection: string;
  readonly context: { readonly [name: string]: Value };
}

/** What a tool is asked under: the policies that can concern it, and the schema of it alone. */
export interface Slice {
  readonly tool: string;
  readonly policies: { readonly [id: string]: string };
  /** Equal for tools that the same policies concern: they share one parsed set. */
  readonly key: string;
  readonly schema: SchemaJson<string>;
}

/** The reference engine failed, refused or trapped: a no. */
export class EngineFailure extends Error {}

/**
 * A new instance of its own memory each time: parsed policies cannot be removed from one. Nothing keeps it but who
 * asked for it, so each has a `require` of its own, which would remember what it loaded.
 */
export function freshCedar(): Cedar {
  const require = createRequire(import.meta.url);
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[path];
  const cedar = require(path) as Cedar;
  delete require.cache[path];
  return cedar;
}

export class Reference {
  readonly #load: () => Cedar;
  #cedar: Cedar | null = null;
  #parsed = new Set<string>();
  readonly #poisoned = new Set<string>();

  constructor(load: () => Cedar = freshCedar) {
    this.#load = load;
  }

  /** Throws EngineFailure for everything but an answer. */
  ask(slice: Slice, question: Question): Answer {
    if (this.#poisoned.has(slice.key))
      throw new EngineFailure('these policies stopped the engine before');
    return this.#guarded(slice.key, (cedar) => {
      this.#prepare(cedar, slice);
      const answer = cedar.statefulIsAuthorized({
        principal: { type: 'Agent', id: question.agent },
        action: { type: 'Action', id: question.tool },
        resource: { type: 'Connection', id: question.connection },
        context: contextJson(question.context),
        entities: [],
        preparsedPolicySetId: slice.key,
        preparsedSchemaName: schemaName(slice),
        validateRequest: true,
      });
      if (answer.type !== 'success')
        throw new EngineFailure(answer.errors.map(({ message }) => message).join('; '));
      const { decision, diagnostics } = answer.response;
      return {
        allowed: decision === 'allow',
        reasons: diagnostics.reason,
        errors: diagnostics.errors.map(({ policyId }) => policyId),
      };
    });
  }

  /** What else the engine can do (parse, validate, format), on the same instance; `key` is what a trap is blamed on. */
  use<T>(key: string, work: (cedar: Cedar) => T): T {
    return this.#guarded(key, work);
  }

  #prepare(cedar: Cedar, slice: Slice): void {
    const { key, policies, schema } = slice;
    const name = schemaName(slice);
    if (!this.#parsed.has(`policies ${key}`)) {
      const parsed = cedar.preparsePolicySet(key, { staticPolicies: { ...policies } });
      if (parsed.type !== 'success')
        throw new EngineFailure(parsed.errors.map(({ message }) => message).join('; '));
      this.#parsed.add(`policies ${key}`);
    }
    if (this.#parsed.has(`schema ${name}`)) return;
    const parsed = cedar.preparseSchema(name, schema);
    if (parsed.type !== 'success')
      throw new EngineFailure(parsed.errors.map(({ message }) => message).join('; '));
    this.#parsed.add(`schema ${name}`);
  }

  #guarded<T>(key: string, work: (cedar: Cedar) => T): T {
    try {
      this.#cedar ??= this.#load();
      return work(this.#cedar);
    } catch (error) {
      if (error instanceof EngineFailure) throw error;
      if (isTrap(error)) {
        this.#cedar = null;
        this.#parsed = new Set();
        this.#poisoned.add(key);
        throw new EngineFailure('the engine was stopped by these policies');
      }
      throw new EngineFailure(error instanceof Error ? error.message : 'the engine failed');
    }
  }
}

/** Which arguments are typed depends on the policies that read them. */
function schemaName({ tool, key }: Slice): string {
  return `${tool} ${key}`;
}

/** A refusal of the glue (a value that JSON cannot hold) leaves the instance as it was; a trap does not. */
function isTrap(error: unknown): boolean {
  return error instanceof Error && ['RuntimeError', 'RangeError'].includes(error.name);
}

function contextJson(context: Question['context']): { [name: string]: CedarValueJson } {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, json(value)]));
}

/** Every value is written out by its kind: nothing that was sent is taken over as it came. */
export function json(value: Value): CedarValueJson {
  if (value instanceof EntityValue) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof SetValue) return value.members.map(json);
  if (typeof value === 'bigint') throw new EngineFailure('a number beyond what JSON can hold');
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, json(inner)]));
  return value;
}
