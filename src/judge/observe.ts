import { type Bundle, MAX_OBSERVED_MS, type Observing, type Tool } from '../domain/bundle.ts';
import type { Verdict } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { own } from '../domain/own.ts';
import { actorsOf } from '../domain/run.ts';

/**
 * Observe mode, for adoption: verdicts of these checks are kept with the ceiling that they would have given, and hold
 * nothing down. Everything else holds as ever: halts, runs, grants, input, hidden effects, reversibility, caps, limits,
 * repeats, loops, what leaves with a call, a human's no, and every check that could not decide.
 */
const OBSERVABLE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['policy', new Set(['POLICY_FORBIDS', 'POLICY_PERMITS_NOT'])],
  ['provenance', new Set(['UNTRUSTED_ARGUMENT', 'UNPROVEN_ARGUMENT', 'PROVEN_BY_LEAF_ONLY'])],
  ['consult', new Set(['CONSULT_ASKS', 'CONSULT_DENIED'])],
]);

/** Costs nothing where no agent of the bundle is observed. */
export function observed(verdicts: readonly Verdict[], facts: Facts): readonly Verdict[] {
  if (!isObserved(facts) || !mayPass(facts)) return verdicts;
  return verdicts.map((verdict) => (isObservable(verdict, facts) ? passing(verdict) : verdict));
}

/** Everybody who acts in this run is observed now: one who is not holds the others. */
export function isObserved({ run, bundle, now }: Pick<Facts, 'run' | 'bundle' | 'now'>): boolean {
  if (run === null) return false;
  return actorsOf(run).every((name) => {
    const observing = own(bundle.agents, name)?.observe;
    return observing !== undefined && isOn(observing, now);
  });
}

/** Are verdicts about calls of this tool lifted for this agent, now or later? */
export function isLifted(bundle: Bundle, agent: string, tool: Tool, now: number): boolean {
  const observing = own(bundle.agents, agent)?.observe;
  if (observing === undefined || !mayPass({ tool, removes: null })) return false;
  return now < Math.min(observing.until, observing.from + MAX_OBSERVED_MS);
}

/** However it came into a bundle, it is over after its longest time. */
function isOn({ from, until }: Observing, now: number): boolean {
  return from <= now && now < Math.min(until, from + MAX_OBSERVED_MS);
}

/** Never what destroys, removes a way to recover, reaches others, or cannot be taken back. */
function mayPass({ tool, removes }: Pick<Facts, 'tool' | 'removes'>): boolean {
  if (tool === null || tool.recoveryPath || removes !== null) return false;
  const { irreversible, moneyMicros, recipients } = tool.cap;
  if (irreversible + moneyMicros + recipients > 0 || tool.lineage?.outward === true) return false;
  return tool.effect === 'read' || (tool.effect === 'write' && tool.reversibility !== 'none');
}

function isObservable({ check, code, ceiling }: Verdict, { consulted }: Facts): boolean {
  if (ceiling === 'auto' || OBSERVABLE.get(check)?.has(code) !== true) return false;
  // one who could not be asked may stand behind one who said no
  return check !== 'consult' || consulted.every((answer) => answer.code !== 'CONSULT_FAILED');
}

function passing(verdict: Verdict): Verdict {
  return { ...verdict, ceiling: 'auto', would: verdict.ceiling };
}
