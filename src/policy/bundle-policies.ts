import type { Bundle, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import { own } from '../domain/own.ts';
import type { Policies, PolicyRuling } from '../domain/policy.ts';
import type { Asking } from './context.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { type Policy, readPolicy } from './policy-set.ts';
import { EngineFailure, type Reference } from './reference.ts';
import { failed } from './ruling.ts';
import { rulingOf, type ToolPolicies, toolPolicies } from './tool-policies.ts';
import { disagreement } from './verify-compiled.ts';

/** Told when policies do not work as they should: somebody must look. */
export interface PolicyAlarm {
  /** `fallback`: the reference engine decides alone, which is slower. `failed`: everything is denied. */
  readonly kind: 'fallback' | 'failed';
  readonly bundle: string;
  readonly tool: string | null;
  readonly why: string;
}

/** How many made-up actions the compiled policies of a tool must pass before the first real one. */
const CASES = 4;

/** The policies of one bundle. Those of a tool are compiled, and held to the reference engine, when it is first used. */
export class BundlePolicies {
  readonly reference: Reference;
  readonly #bundle: Bundle;
  readonly #alarm: (alarm: PolicyAlarm) => void;
  readonly #tools = new Map<string, ToolPolicies>();
  readonly #read: { readonly all: readonly Policy[]; readonly time: LocalTime } | null;

  constructor(bundle: Bundle, reference: Reference, alarm: (alarm: PolicyAlarm) => void) {
    this.reference = reference;
    this.#bundle = bundle;
    this.#alarm = alarm;
    this.#read = this.#readAll(bundle.policies ?? { set: {} });
  }

  rulingFor(asking: Asking): PolicyRuling {
    if (this.#read === null) return failed('the policies of this bundle cannot be read', []);
    return rulingOf(this.toolPolicies(asking.tool), asking, this.reference);
  }

  /** Throws EngineFailure when the policies of the bundle could not be read. */
  toolPolicies(tool: Tool): ToolPolicies {
    const known = this.#tools.get(tool.name);
    if (known !== undefined) return known;
    if (this.#read === null) throw new EngineFailure('the policies of this bundle cannot be read');
    const { connections, policies = { set: {} } } = this.#bundle;
    const connection = own(connections, tool.connection);
    const { all, time } = this.#read;
    const made = this.#verified(toolPolicies(all, tool, connection, { policies, time }));
    this.#tools.set(tool.name, made);
    return made;
  }

  get all(): readonly Policy[] {
    return this.#read?.all ?? [];
  }

  #readAll(policies: Policies): { all: readonly Policy[]; time: LocalTime } | null {
    try {
      const all = Object.entries(policies.set).map(([id, text]) =>
        readPolicy(this.reference, id, text),
      );
      return { all, time: localTime(policies) };
    } catch (error) {
      this.#tell('failed', null, error instanceof Error ? error.message : 'unknown');
      return null;
    }
  }

  /** Any disagreement leaves the tool to the reference engine. */
  #verified(made: ToolPolicies): ToolPolicies {
    const { name } = made.tool;
    const cases = made.always === null ? CASES : 1;
    if (made.compiled === null) {
      this.#tell('fallback', name, 'its policies use what only the reference engine knows');
      return made;
    }
    const seed = Number.parseInt(digestOf('seed', [this.#bundle.digest, name]).slice(0, 8), 16);
    try {
      const found = disagreement(made, this.reference, { seed, cases });
      if (found === null) return made;
      this.#tell('fallback', name, `compiled and reference disagree at \`${found.mode}\``);
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      this.#tell('failed', name, error.message);
    }
    return { ...made, compiled: null, always: null };
  }

  #tell(kind: PolicyAlarm['kind'], tool: string | null, why: string): void {
    this.#alarm({ kind, bundle: this.#bundle.digest, tool, why });
  }
}
