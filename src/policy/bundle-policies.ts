import type { Bundle, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import { own } from '../domain/own.ts';
import type { Policies, PolicyAlarm, PolicyRuling } from '../domain/policy.ts';
import type { Asking } from './context.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { type Policy, readPolicy } from './policy-set.ts';
import { EngineFailure, type Reference } from './reference.ts';
import { failed } from './ruling.ts';
import { rulingOf, type ToolPolicies, toolPolicies } from './tool-policies.ts';
import { verification } from './verify-compiled.ts';

/** How many made-up actions the compiled policies of a tool must pass before a real one is decided by them. */
const CASES = 4;

/**
 * The policies of one bundle. For each tool:
 *   none → compiled     it is asked about, or it is this tool's turn in `verify`
 *   compiled → verified as many made-up actions as it takes, one a step: both engines say the same
 *   compiled → left     they do not, or one of them cannot say: the reference engine decides alone from here on
 * Until then the reference engine decides, unless nobody takes the steps: then the first question takes them all.
 */
export class BundlePolicies {
  readonly reference: Reference;
  readonly #bundle: Bundle;
  readonly #alarm: (alarm: PolicyAlarm) => void;
  readonly #tools = new Map<string, ToolPolicies>();
  /** Compiled and not verified yet: asked of the reference engine. */
  readonly #unsure = new Map<
    string,
    { readonly made: ToolPolicies; readonly asked: ToolPolicies }
  >();
  readonly #read: { readonly all: readonly Policy[]; readonly time: LocalTime } | null;
  #isVerifying = false;

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
    if (this.#isVerifying) return this.#compiled(tool).asked;
    const steps = this.#steps(tool);
    for (let step = steps.next(); step.done !== true; step = steps.next());
    return this.#tools.get(tool.name) ?? this.#compiled(tool).asked;
  }

  /** Verifies every tool; what comes after a step waits for no more than that one. Once is enough. */
  *verify(): Generator<undefined, void> {
    if (this.#read === null) return;
    this.#isVerifying = true;
    try {
      for (const tool of Object.values(this.#bundle.tools))
        if (!this.#tools.has(tool.name)) yield* this.#steps(tool);
    } finally {
      this.#isVerifying = false;
    }
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

  #compiled(tool: Tool): { readonly made: ToolPolicies; readonly asked: ToolPolicies } {
    const known = this.#unsure.get(tool.name);
    if (known !== undefined) return known;
    if (this.#read === null) throw new EngineFailure('the policies of this bundle cannot be read');
    const { connections, policies = { set: {} } } = this.#bundle;
    const connection = own(connections, tool.connection);
    const { all, time } = this.#read;
    const made = toolPolicies(all, tool, connection, { policies, time });
    const both = { made, asked: { ...made, compiled: null, always: null } };
    this.#unsure.set(tool.name, both);
    return both;
  }

  /** Any disagreement leaves the tool to the reference engine. */
  *#steps(tool: Tool): Generator<undefined, void> {
    const { made, asked } = this.#compiled(tool);
    const { name } = tool;
    const cases = made.always === null ? CASES : 1;
    const seed = Number.parseInt(digestOf('seed', [this.#bundle.digest, name]).slice(0, 8), 16);
    const settled = (as: ToolPolicies): void => {
      this.#unsure.delete(name);
      this.#tools.set(name, as);
    };
    if (made.compiled === null) {
      this.#tell('fallback', name, 'its policies use what only the reference engine knows');
      return settled(made);
    }
    try {
      const found = yield* verification(made, this.reference, { seed, cases });
      if (found === null) return settled(made);
      this.#tell('disagreed', name, `compiled and reference disagree at \`${found.mode}\``);
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      this.#tell('failed', name, error.message);
    }
    settled(asked);
  }

  #tell(kind: PolicyAlarm['kind'], tool: string | null, why: string): void {
    this.#alarm({ kind, bundle: this.#bundle.digest, tool, why });
  }
}
