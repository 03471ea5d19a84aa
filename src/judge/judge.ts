import type { Tool } from '../domain/bundle.ts';
import { type Decision, decide, type Nature, type Verdict } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { lower, type Mode } from '../domain/mode.ts';
import { type Check, verdictOf } from './check.ts';
import { approval } from './checks/approval.ts';
import { blastRadius } from './checks/blast-radius.ts';
import { cap } from './checks/cap.ts';
import { confidentiality } from './checks/confidentiality.ts';
import { consult } from './checks/consult.ts';
import { effect } from './checks/effect.ts';
import { grant } from './checks/grant.ts';
import { halt } from './checks/halt.ts';
import { input } from './checks/input.ts';
import { loops } from './checks/loops.ts';
import { policy } from './checks/policy.ts';
import { provenance } from './checks/provenance.ts';
import { repeat } from './checks/repeat.ts';
import { reversibility } from './checks/reversibility.ts';
import { run } from './checks/run.ts';
import { observed } from './observe.ts';

/** Every check there is. Order is for the reader: the lowest ceiling wins, whatever the order. */
export const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['halt', halt],
  ['run', run],
  ['grant', grant],
  ['input', input],
  ['effect', effect],
  ['reversibility', reversibility],
  ['provenance', provenance],
  ['confidentiality', confidentiality],
  ['cap', cap],
  ['blast-radius', blastRadius],
  ['policy', policy],
  ['repeat', repeat],
  ['loops', loops],
  ['consult', consult],
  ['approval', approval],
]);

/** Unknown is the worst there is. */
const UNKNOWN_NATURE: Nature = { class: 'destroy', reversibility: 'none', idempotent: false };

/** Facts → decision. The lowest ceiling wins; every verdict is kept; a check that throws denies; no check at all denies. */
export function judge(facts: Facts, checks: ReadonlyMap<string, Check> = CHECKS): Decision {
  const said: Verdict[] = [];
  let ceiling: Mode = checks.size === 0 ? 'deny' : 'auto';
  for (const [name, check] of checks) {
    const verdict = attempt(name, check, facts);
    said.push(verdict);
    ceiling = lower(ceiling, verdict.ceiling);
  }
  const verdicts = ceiling === 'auto' ? said : observed(said, facts);
  if (verdicts !== said)
    ceiling = verdicts.reduce<Mode>((low, each) => lower(low, each.ceiling), 'auto');
  const decision = decide(natureOf(facts), ceiling, verdicts);
  return decision.mode === 'auto' && facts.tool !== null ? kept(facts.tool, decision) : decision;
}

/** The last decision to let each tool pass: the same again is the same object, so what is made of it is made once. */
const passes = new WeakMap<Tool, Decision>();

function kept(tool: Tool, decision: Decision): Decision {
  const last = passes.get(tool);
  const { verdicts } = decision;
  if (
    last?.verdicts.length === verdicts.length &&
    last.verdicts.every((verdict, index) => verdict === verdicts[index])
  )
    return last;
  passes.set(tool, Object.freeze(decision));
  return decision;
}

function attempt(name: string, check: Check, facts: Facts): Verdict {
  try {
    return verdictOf(name, check(facts));
  } catch {
    return {
      check: name,
      ceiling: 'deny',
      code: 'CHECK_FAILED',
      reason: 'this check could not decide, so it denies',
    };
  }
}

function natureOf({ tool }: Facts): Nature {
  if (tool === null) return UNKNOWN_NATURE;
  return { class: tool.effect, reversibility: tool.reversibility, idempotent: tool.idempotent };
}
