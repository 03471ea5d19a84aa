import type { Bundle } from '../domain/bundle.ts';
import type { Facts } from '../domain/facts.ts';
import type { PolicyAlarm, PolicyRuling } from '../domain/policy.ts';
import { BundlePolicies } from './bundle-policies.ts';
import type { Asking } from './context.ts';
import { Reference } from './reference.ts';
import { failed } from './ruling.ts';

type Unruled = Omit<Facts, 'policy'>;

/** Gives way to what came in meanwhile. */
export type Pause = () => Promise<void>;

/** Bundles that are kept by their digest until somebody asks under one: what is applied is read again from the store. */
const MOST_READY = 4;

/** The policies of bundles, read once each. */
export class PolicyRoom {
  readonly #alarm: (alarm: PolicyAlarm) => void;
  readonly #reference: () => Reference;
  readonly #pause: Pause | null;
  readonly #bundles = new WeakMap<Bundle, BundlePolicies>();
  readonly #ready = new Map<
    string,
    { readonly of: BundlePolicies; readonly done: Promise<void> }
  >();

  /** `pause` null: nothing is verified before the first question about a tool, which takes a few ms longer. */
  constructor(
    alarm: (alarm: PolicyAlarm) => void = () => {},
    reference: () => Reference = () => new Reference(),
    pause: Pause | null = null,
  ) {
    this.#alarm = alarm;
    this.#reference = reference;
    this.#pause = pause;
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

  /**
   * Reads the policies of a bundle, then compiles and verifies them in small steps between which others have their turn.
   * Resolves when every tool is through. Never rejects.
   */
  ready(bundle: Bundle): Promise<void> {
    if (bundle.policies === undefined) return Promise.resolve();
    const of = this.of(bundle);
    const known = this.#ready.get(bundle.digest);
    if (known !== undefined) return known.done;
    const done = this.#pause === null ? Promise.resolve() : stepping(of, this.#pause);
    const [oldest] = this.#ready.keys();
    if (this.#ready.size >= MOST_READY && oldest !== undefined) this.#ready.delete(oldest);
    this.#ready.set(bundle.digest, { of, done });
    return done;
  }

  /** Begins to make them ready. */
  learn(bundle: Bundle): void {
    void this.ready(bundle);
  }

  /** Reads the policies of a bundle, if that was not done yet. */
  of(bundle: Bundle): BundlePolicies {
    const known = this.#bundles.get(bundle);
    if (known !== undefined) return known;
    const of =
      this.#ready.get(bundle.digest)?.of ??
      new BundlePolicies(bundle, this.#reference(), this.#alarm);
    this.#bundles.set(bundle, of);
    return of;
  }
}

async function stepping(of: BundlePolicies, pause: Pause): Promise<void> {
  const steps = of.verify();
  try {
    while (steps.next().done !== true) await pause();
  } catch {
    // the tool that it stopped at, and those after it, stay with the reference engine
  }
}

/** Arguments that do not fit their schema are refused anyway, and have no meaning that a policy could look at. */
function isAsking(facts: Unruled): facts is Unruled & Asking {
  return facts.tool !== null && facts.run !== null && facts.inputProblems.length === 0;
}
