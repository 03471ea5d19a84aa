import type { Bundle } from '../domain/bundle.ts';
import type { Facts } from '../domain/facts.ts';
import type { PolicyRuling } from '../domain/policy.ts';
import { BundlePolicies, type PolicyAlarm } from './bundle-policies.ts';
import type { Asking } from './context.ts';
import { Reference } from './reference.ts';
import { failed } from './ruling.ts';

type Unruled = Omit<Facts, 'policy'>;

/** The policies of bundles, read once each. */
export class PolicyRoom {
  readonly #alarm: (alarm: PolicyAlarm) => void;
  readonly #reference: () => Reference;
  readonly #bundles = new WeakMap<Bundle, BundlePolicies>();

  constructor(
    alarm: (alarm: PolicyAlarm) => void = () => {},
    reference: () => Reference = () => new Reference(),
  ) {
    this.#alarm = alarm;
    this.#reference = reference;
  }

  /** Null: the bundle has no policies, or there is nothing to ask them about, which other checks deny. Never throws. */
  rulingFor(facts: Unruled): PolicyRuling | null {
    if (facts.bundle.policies === undefined || !isAsking(facts)) return null;
    try {
      return this.of(facts.bundle).rulingFor(facts);
    } catch {
      return failed('the policies could not be asked', []);
    }
  }

  /** Reads the policies of a bundle before the first action under it comes. */
  learn(bundle: Bundle): void {
    if (bundle.policies !== undefined) this.of(bundle);
  }

  /** Reads the policies of a bundle, if that was not done yet. */
  of(bundle: Bundle): BundlePolicies {
    const known = this.#bundles.get(bundle);
    if (known !== undefined) return known;
    const made = new BundlePolicies(bundle, this.#reference(), this.#alarm);
    this.#bundles.set(bundle, made);
    return made;
  }
}

/** Arguments that do not fit their schema are refused anyway, and have no meaning that a policy could look at. */
function isAsking(facts: Unruled): facts is Unruled & Asking {
  return facts.tool !== null && facts.run !== null && facts.inputProblems.length === 0;
}
