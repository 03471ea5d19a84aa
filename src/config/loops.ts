import type { Bundle } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import {
  DETECTORS,
  type Detector,
  type LoopRule,
  type LoopRules,
  STAGES,
  type Thresholds,
  USUAL_THRESHOLDS,
} from '../domain/loops.ts';
import { members } from './meaning.ts';
import { closed } from './schema-parts.ts';

const WHAT: Readonly<Record<Detector, string>> = {
  sameResult: 'The same call gave the same result so many times',
  failing: 'The same call failed so many times in a row',
  repeat: 'A call whose repeat does harm, again with the same arguments; this one counts too',
  cycle: 'The last calls are one short sequence, so many times over',
  noNews: 'Reads with ever other arguments that bring nothing new',
  invalid: 'Calls of one tool with arguments that do not fit',
  refusedAsks: 'Asks for the same call that humans refused; two of the same tool weigh as much',
};

const MEANING: Readonly<Record<(typeof STAGES)[number], string>> = {
  observe: 'recorded, and let pass',
  steer: 'refused once, with what would pass',
  pause: 'asked of a human',
  block: 'refused',
  stop: 'refused, and the run tree is halted',
};

export const LOOPS_SCHEMA: JsonObject = {
  description:
    'What is looked for in the calls of a run tree, and from how many on what follows. Left out: everything, with the usual numbers. `off`: nothing',
  anyOf: [
    { const: 'off' },
    closed(
      'By detector; one that is not named is on with its usual numbers',
      [],
      Object.fromEntries(
        DETECTORS.map((detector) => [
          detector,
          closed(WHAT[detector], [], {
            as: {
              enum: ['on', 'observe', 'off'],
              default: 'on',
              description: '`observe` records every firing and holds nothing up',
            },
            ...Object.fromEntries(
              STAGES.map((stage) => [
                stage,
                {
                  type: 'integer',
                  minimum: 2,
                  maximum: 64,
                  ...(USUAL_THRESHOLDS[detector][stage] === undefined
                    ? {}
                    : { default: USUAL_THRESHOLDS[detector][stage] }),
                  description: `From so many on: ${MEANING[stage]}`,
                },
              ]),
            ),
          }),
        ]),
      ),
    ),
  ],
};

export const POLLING_SCHEMA: JsonObject = closed(
  'It is meant to be called again and again, as a status is',
  ['everySeconds'],
  {
    everySeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 86_400,
      description: 'So many seconds apart a repeat of the same call is no loop',
    },
  },
);

/** Null: nothing is looked for. Numbers that are named replace those of the detector, all of them. */
export function loopRulesOf(value: Json | undefined): LoopRules | null {
  if (value === 'off') return null;
  const named = members(value);
  const rules: [Detector, LoopRule][] = [];
  for (const detector of DETECTORS) {
    const { as = 'on', ...at } = members(named[detector]);
    if (as === 'off') continue;
    const numbers = Object.keys(at).length > 0 ? (at as Thresholds) : USUAL_THRESHOLDS[detector];
    rules.push([detector, { as: as === 'observe' ? 'observe' : 'on', at: numbers }]);
  }
  return Object.fromEntries(rules);
}

export function pollingMsOf(value: Json | undefined): { readonly pollingMs?: number } {
  const { everySeconds } = members(value);
  return typeof everySeconds === 'number' ? { pollingMs: everySeconds * 1_000 } : {};
}

/** How the loop rules let more pass than before. */
export function loopsWiden(before: Bundle, after: Bundle): string[] {
  return DETECTORS.flatMap((detector) =>
    letsMore(detector, before.loops?.[detector], after.loops?.[detector]),
  );
}

function letsMore(name: Detector, was: LoopRule | undefined, is: LoopRule | undefined): string[] {
  if (was === undefined) return [];
  if (is === undefined) return [`loops are no longer looked for by \`${name}\``];
  if (was.as === 'on' && is.as === 'observe')
    return [`loops found by \`${name}\` are recorded and no longer held up`];
  const later = STAGES.filter(
    (stage) => was.at[stage] !== undefined && (is.at[stage] ?? NEVER) > was.at[stage],
  );
  if (later.length === 0) return [];
  return [
    `loops found by \`${name}\` get further: ${later
      .map((stage) => `\`${stage}\` at ${is.at[stage] ?? 'no number'}, ${was.at[stage]} before`)
      .join(', ')}`,
  ];
}

const NEVER = Number.POSITIVE_INFINITY;
