import type { Bundle } from '../../domain/bundle.ts';
import type { Facts } from '../../domain/facts.ts';
import type { Mode } from '../../domain/mode.ts';
import { own } from '../../domain/own.ts';
import type { PolicyRuling } from '../../domain/policy.ts';
import { BundlePolicies } from '../bundle-policies.ts';
import type { Asking } from '../context.ts';
import { ASKED, type Asked } from '../facts-schema.ts';
import { localTime } from '../local-time.ts';
import { type Policy, readPolicy } from '../policy-set.ts';
import { Reference } from '../reference.ts';
import { byReference, contextOf, questionOf, toolPolicies } from '../tool-policies.ts';

/** Both engines of one bundle, for what a solver made up: an example counts when they say it too. */
export class ProofEngine {
  readonly #bundle: Bundle;
  readonly #policies: BundlePolicies;
  readonly #reference = new Reference();

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    this.#policies = new BundlePolicies(bundle, this.#reference, () => {});
  }

  /** Null: the bundle is of the time before policies. */
  get all(): readonly Policy[] | null {
    return this.#bundle.policies === undefined ? null : this.#policies.all;
  }

  /** A condition in Cedar as a permit. Throws EngineFailure with the words of Cedar's parser. */
  condition(text: string): Policy {
    const policy = `permit (principal, action, resource) when { ${text} };`;
    return readPolicy(this.#reference, 'when', policy);
  }

  /** `null`: there is nothing to ask. `undefined`: the two engines do not say the same. */
  rulingFor(facts: Omit<Facts, 'policy'>): PolicyRuling | null | undefined {
    if (this.#bundle.policies === undefined) return null;
    const asking = askingOf(facts);
    if (asking === null) return null;
    const ruling = this.#policies.rulingFor(asking);
    const of = this.#policies.toolPolicies(asking.tool);
    const context = contextOf(of, asking);
    if (context === null) return ruling;
    const other = byReference(of, asking.run.agent, context, this.#reference);
    return other.ceiling === ruling.ceiling && other.code === ruling.code ? ruling : undefined;
  }

  /** Does a condition hold of these facts, by the reference engine? */
  holds(condition: Policy, facts: Omit<Facts, 'policy'>, mode: Mode): boolean {
    const asking = askingOf(facts);
    if (asking === null || !isAsked(mode)) return false;
    const { connections, policies = { set: {} } } = this.#bundle;
    const { tool } = asking;
    const terms = { policies, time: localTime(policies) };
    const of = toolPolicies([condition], tool, own(connections, tool.connection), terms);
    const context = contextOf(of, asking);
    if (context === null) return false;
    return this.#reference.ask(of.slice, questionOf(of, asking.run.agent, context, mode)).allowed;
  }
}

function askingOf(facts: Omit<Facts, 'policy'>): Asking | null {
  const { run, tool } = facts;
  return run === null || tool === null || facts.inputProblems.length > 0
    ? null
    : { ...facts, run, tool };
}

function isAsked(mode: Mode): mode is Asked {
  return (ASKED as readonly string[]).includes(mode);
}
