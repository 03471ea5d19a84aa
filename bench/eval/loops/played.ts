import { digestOf } from '../../../src/domain/digest.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import {
  DETECTORS,
  type Firing,
  type LoopRules,
  USUAL_THRESHOLDS,
} from '../../../src/domain/loops.ts';
import type { RunCost, Spend } from '../../../src/domain/spend.ts';
import { firingsOf } from '../../../src/limits/loops/detect.ts';
import { NOTHING, type Norm } from '../../../src/limits/loops/norm.ts';
import { keyOf, sketchOf } from '../../../src/limits/loops/print.ts';
import { keepsInterval, told } from '../../../src/limits/loops/steps.ts';
import { EMPTY_TRAIL, turned } from '../../../src/limits/loops/trail.ts';
import { spentTurn } from '../../../src/limits/loops/turns.ts';

export interface Call {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly effect: 'read' | 'change';
  readonly says: string;
  readonly failed?: boolean;
  readonly everyMs?: number;
  /** Arguments that do not fit the tool. */
  readonly misfit?: boolean;
  /** The model call that proposed it; left out, one is made up of the texts so far. */
  readonly model?: Partial<Spend>;
}

const RULES: LoopRules = Object.fromEntries(
  DETECTORS.map((detector) => [detector, { as: 'on', at: USUAL_THRESHOLDS[detector] }]),
);
/** The records say no times: a call every two seconds. */
const APART_MS = 2_000;

/** Characters of a token, and millionths of a dollar for one: made up, the same for every run. */
const TOKEN = 4;
const PRICE = 3;

/** What the model calls of a run cost, as far as the texts tell: each is given all that came before. */
function modelCalls(calls: readonly Call[]): Spend[] {
  let context = 2_000;
  return calls.map((call, index) => {
    const tokensOut = Math.ceil(JSON.stringify(call.arguments).length / TOKEN);
    const tokensIn = context;
    context += tokensOut + Math.ceil(call.says.length / TOKEN);
    return {
      ...{ id: `spd_${index}`, source: 'reported', by: 'bench', model: null, said: null },
      ...{ tokensIn, tokensOut, moneyMicros: (tokensIn + 5 * tokensOut) * PRICE, ...call.model },
    };
  });
}

/** What a run cost, as the store would tell it once the run has ended. */
export function costOf(calls: readonly Call[]): RunCost {
  const spends = modelCalls(calls);
  const sum = (of: (spend: Spend) => number | null): number =>
    spends.reduce((all, spend) => all + (of(spend) ?? 0), 0);
  return {
    moneyMicros: sum(({ moneyMicros }) => moneyMicros),
    tokens: sum(({ tokensIn }) => tokensIn) + sum(({ tokensOut }) => tokensOut),
    ...{ calls: {}, actions: calls.length, ms: calls.length * APART_MS },
  };
}

/** What fires at each call, as the broker would ask it, when every call is executed whatever fires. */
export function played(calls: readonly Call[], norm: Norm | null): (readonly Firing[])[] {
  let trail = EMPTY_TRAIL;
  let spent = NOTHING;
  const made = new Map<string, number>();
  const spends = modelCalls(calls);
  return calls.map(({ tool, effect, says, failed = false, everyMs, misfit, ...one }, index) => {
    const at = index * APART_MS;
    const argumentsDigest = digestOf('arguments', one.arguments);
    const key = `${tool} ${argumentsDigest}`;
    const attempts = made.get(key) ?? 0;
    made.set(key, attempts + 1);
    const turn = spentTurn(spends[index] ?? (spends[0] as Spend), at);
    trail = turned(trail, turn);
    spent = {
      moneyMicros: spent.moneyMicros + turn.moneyMicros,
      tokens: spent.tokens + turn.tokens,
    };
    const call = {
      ...{ tool, argumentsDigest, arguments: one.arguments, effect, pollingMs: everyMs, at },
      ...{ moneyMicros: 0, trusted: false },
    };
    const firings = firingsOf(
      RULES,
      {
        ...call,
        ...sketchOf(one.arguments),
        key: keyOf(argumentsDigest),
        repeatHarms: effect === 'change',
        fits: misfit !== true,
        polls: keepsInterval(trail, call),
        repeats: effect === 'read' ? null : { attempts, refusedAsks: 0, refusedOfTool: 0 },
      },
      trail,
      { spent, norm },
    );
    trail = told(trail, call, {
      action: `act_${index}`,
      as: misfit === true ? 'invalid' : failed ? 'failed' : 'done',
      text: says,
    });
    return firings;
  });
}
