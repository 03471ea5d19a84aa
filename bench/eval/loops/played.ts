import { digestOf } from '../../../src/domain/digest.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import {
  DETECTORS,
  type Firing,
  type LoopRules,
  USUAL_THRESHOLDS,
} from '../../../src/domain/loops.ts';
import { firingsOf } from '../../../src/limits/loops/detect.ts';
import { keyOf, sketchOf } from '../../../src/limits/loops/print.ts';
import { keepsInterval, told } from '../../../src/limits/loops/steps.ts';
import { EMPTY_TRAIL } from '../../../src/limits/loops/trail.ts';

export interface Call {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly effect: 'read' | 'change';
  readonly says: string;
  readonly failed?: boolean;
  readonly everyMs?: number;
}

const RULES: LoopRules = Object.fromEntries(
  DETECTORS.map((detector) => [detector, { as: 'on', at: USUAL_THRESHOLDS[detector] }]),
);
/** The records say no times: a call every two seconds. */
const APART_MS = 2_000;

/** What fires at each call, as the broker would ask it, when every call is executed whatever fires. */
export function played(calls: readonly Call[]): (readonly Firing[])[] {
  let trail = EMPTY_TRAIL;
  const made = new Map<string, number>();
  return calls.map(({ tool, effect, says, failed = false, everyMs, ...one }, index) => {
    const at = index * APART_MS;
    const argumentsDigest = digestOf('arguments', one.arguments);
    const key = `${tool} ${argumentsDigest}`;
    const attempts = made.get(key) ?? 0;
    made.set(key, attempts + 1);
    const call = {
      tool,
      argumentsDigest,
      arguments: one.arguments,
      effect,
      pollingMs: everyMs,
      at,
    };
    const firings = firingsOf(
      RULES,
      {
        ...call,
        ...sketchOf(one.arguments),
        key: keyOf(argumentsDigest),
        repeatHarms: effect === 'change',
        fits: true,
        polls: keepsInterval(trail, call),
        repeats: effect === 'read' ? null : { attempts, refusedAsks: 0, refusedOfTool: 0 },
      },
      trail,
    );
    trail = told(trail, call, {
      action: `act_${index}`,
      as: failed ? 'failed' : 'done',
      text: says,
    });
    return firings;
  });
}
