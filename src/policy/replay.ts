import type { Bundle, Tool } from '../domain/bundle.ts';
import { decide, type Nature } from '../domain/decision.ts';
import type { JsonObject } from '../domain/json.ts';
import type { LineageFacts } from '../domain/lineage.ts';
import { lower, type Mode } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import type { PolicyAlarm, PolicyRuling } from '../domain/policy.ts';
import type { Measured } from '../domain/proposal.ts';
import type { Run } from '../domain/run.ts';
import { BundlePolicies } from './bundle-policies.ts';
import type { Asking } from './context.ts';
import { DecisionDiff, type DiffReport } from './decision-diff.ts';
import { flowThen } from './flow-then.ts';
import { Reference } from './reference.ts';
import { byReference, contextOf } from './tool-policies.ts';

/** One decision as the ledger has it. */
export interface Recorded {
  readonly action: string;
  readonly at: number;
  readonly run: Run;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly measured: Measured | null;
  /** Null: its tool declared none then, or it is of the time before what was read was recorded. */
  readonly lineage: LineageFacts | null;
  /** The lowest ceiling of every check but the policies. */
  readonly others: Mode;
  readonly mode: Mode;
}

/** What would have been decided otherwise. Lineage that was not recorded, or not for these arguments, is taken at its worst. */
export interface ReplayReport extends DiffReport {
  readonly decisions: number;
  /** Decisions whose tool one of the two bundles no longer has. */
  readonly gone: number;
  /** Where policies alone do not give what was decided then: other facts, or another bundle. */
  readonly otherwiseThen: number;
  /** Of the decisions asked of the reference engine as well, those that it saw otherwise. */
  readonly checked: number;
  readonly disagreed: number;
  readonly alarms: readonly PolicyAlarm[];
}

const MOST_ALARMS = 20;
const CHECK_EVERY = 2_000;
const MOST_CHECKED = 100;

/** Recorded decisions under two bundles. */
export class Replay {
  readonly #before: Side;
  readonly #after: Side;
  readonly #alarms: PolicyAlarm[] = [];
  readonly #diff = new DecisionDiff();
  #counts = { decisions: 0, gone: 0, otherwiseThen: 0 };
  #checks = { checked: 0, disagreed: 0 };

  constructor(before: Bundle, after: Bundle) {
    const alarm = (one: PolicyAlarm): void => {
      if (this.#alarms.length < MOST_ALARMS) this.#alarms.push(one);
    };
    this.#before = sideOf(before, alarm);
    this.#after = sideOf(after, alarm);
  }

  add(one: Recorded): void {
    const [old, fresh] = [toolIn(this.#before, one.tool), toolIn(this.#after, one.tool)];
    if (old === null || fresh === null) {
      this.#counts.gone++;
      return;
    }
    const counts = this.#counts;
    counts.decisions++;
    const was = decided(this.#before, one, old);
    const is = decided(this.#after, one, fresh);
    if (was.mode !== one.mode) counts.otherwiseThen++;
    const differs = was.mode !== is.mode;
    if (differs) this.#note(one, fresh, was.mode, is);
    if ((differs && this.#checks.checked < MOST_CHECKED) || counts.decisions % CHECK_EVERY === 1)
      this.#check(one, fresh, is.ruling);
  }

  report(): ReplayReport {
    return {
      ...this.#counts,
      ...this.#diff.report(),
      ...this.#checks,
      alarms: this.#alarms,
    };
  }

  #note(one: Recorded, tool: Tool, before: Mode, { mode: after, ruling }: Decided): void {
    const { action, at, run } = one;
    this.#diff.note(
      {
        ...{ action, run: run.id, agent: run.agent, tool: one.tool, at, before, after },
        why: ruling?.reason ?? 'there are no policies',
      },
      tool.effect === 'read',
    );
  }

  #check(one: Recorded, tool: Tool, ruling: PolicyRuling | null): void {
    const { policies } = this.#after;
    if (policies === null || ruling === null || ruling.code === 'POLICY_ARGUMENT') return;
    this.#checks.checked++;
    const of = policies.toolPolicies(tool);
    const context = contextOf(of, askingOf(one, tool));
    if (context === null) return;
    const reference = byReference(of, one.run.agent, context, policies.reference);
    if (reference.ceiling !== ruling.ceiling) this.#checks.disagreed++;
  }
}

interface Side {
  readonly bundle: Bundle;
  /** Null: a bundle of the time before policies. */
  readonly policies: BundlePolicies | null;
}

function sideOf(bundle: Bundle, alarm: (alarm: PolicyAlarm) => void): Side {
  const none = bundle.policies === undefined;
  return { bundle, policies: none ? null : new BundlePolicies(bundle, new Reference(), alarm) };
}

function toolIn({ bundle }: Side, name: string): Tool | null {
  return own(bundle.tools, name);
}

interface Decided {
  readonly mode: Mode;
  readonly ruling: PolicyRuling | null;
}

function decided({ policies }: Side, one: Recorded, tool: Tool): Decided {
  const ruling = policies === null ? null : policies.rulingFor(askingOf(one, tool));
  const ceiling = ruling === null ? one.others : lower(one.others, ruling.ceiling);
  const nature: Nature = {
    class: tool.effect,
    reversibility: tool.reversibility,
    idempotent: tool.idempotent,
  };
  return { mode: decide(nature, ceiling, []).mode, ruling };
}

function askingOf(one: Recorded, tool: Tool): Asking {
  const { at: now, arguments: given, run, measured } = one;
  const lineage = flowThen(one.lineage, tool, given);
  return { now, arguments: given, run, tool, measured, lineage };
}
