import type { Connection, Tool } from '../domain/bundle.ts';
import { DIMENSIONS, type EffectVector } from '../domain/effect.ts';
import type { Facts } from '../domain/facts.ts';
import type { Policies } from '../domain/policy.ts';
import { actorsOf, type Run, UNDECLARED_INTENT } from '../domain/run.ts';
import { type FlowConstants, flowConstants, flowFacts } from './flow.ts';
import type { LocalTime } from './local-time.ts';
import type { Groups } from './node.ts';
import { type RecordValue, SetValue } from './values.ts';

/** What of the facts policies are told. */
export type Asking = Pick<Facts, 'now' | 'arguments' | 'lineage' | 'measured'> & {
  readonly run: Run;
  readonly tool: Tool;
};

/** The groups of the context, each made when it is first read. */
export class Context implements Groups {
  readonly args: RecordValue;
  readonly #asking: Asking;
  readonly #constants: Constants;
  readonly #time: LocalTime;
  #run: RecordValue | null = null;
  #effect: RecordValue | null = null;
  #clock: RecordValue | null = null;
  #flow: RecordValue | null = null;

  constructor(asking: Asking, args: RecordValue, constants: Constants, time: LocalTime) {
    this.#asking = asking;
    this.args = args;
    this.#constants = constants;
    this.#time = time;
  }

  get run(): RecordValue {
    this.#run ??= runFacts(this.#asking.run, this.#asking.now);
    return this.#run;
  }

  get effect(): RecordValue {
    const { measured, tool } = this.#asking;
    this.#effect ??= effectFacts(measured?.effect ?? tool.cap, measured !== null);
    return this.#effect;
  }

  get clock(): RecordValue {
    this.#clock ??= { ...this.#time(this.#asking.now), ...this.#constants.clock };
    return this.#clock;
  }

  get flow(): RecordValue {
    this.#flow ??= flowFacts(this.#asking.lineage, this.#constants.flow);
    return this.#flow;
  }
}

function runFacts(run: Run, now: number): RecordValue {
  return {
    declared: run.intent !== UNDECLARED_INTENT,
    depth: run.depth,
    actors: new SetValue([...actorsOf(run)]),
    onBehalf: run.subject !== undefined,
    subject: run.subject ?? '',
    ageSeconds: Math.max(0, Math.floor((now - run.startedAt) / 1000)),
  };
}

function effectFacts(effect: EffectVector, measured: boolean): RecordValue {
  return { measured, ...Object.fromEntries(DIMENSIONS.map((name) => [name, effect[name]])) };
}

/** By group: members that are the same for every action of a tool under a bundle. */
export type Constants = {
  readonly clock: { readonly offHours?: false; readonly frozen?: false };
  readonly flow: FlowConstants;
};

export function constantsOf(
  tool: Tool,
  connection: Connection | null,
  { hours, freezes = [] }: Policies,
): Constants {
  return {
    clock: {
      ...(hours === undefined ? { offHours: false } : {}),
      ...(freezes.length === 0 ? { frozen: false } : {}),
    },
    flow: flowConstants(tool, connection),
  };
}
