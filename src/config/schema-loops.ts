import type { JsonObject } from '../domain/json.ts';
import { DETECTORS, type Detector, STAGES, USUAL_THRESHOLDS } from '../domain/loops.ts';
import { closed } from './schema-parts.ts';

const WHAT: Readonly<Record<Detector, string>> = {
  sameResult: 'The same call gave the same result so many times',
  failing: 'The same call failed so many times in a row',
  repeat: 'A call whose repeat does harm, again with the same arguments; this one counts too',
  cycle: 'The last calls are one short sequence, so many times over',
  noNews: 'Reads with ever other arguments that bring nothing new',
  invalid: 'Calls of one tool with arguments that do not fit',
  refusedAsks: 'Asks for the same call that humans refused; two of the same tool weigh as much',
  velocity:
    'Minutes in a row in which far more was spent than such runs do; or model calls that only make the context longer, four of them like one minute',
  cost: 'So many times the cost of such runs; nothing before eight of the agent have ended',
  jump: 'So many times dearer steps, or more of them, since something untrusted was read; a read is only told of it',
  words: 'The same said so many times in a row by agents of the tree, and nothing new read',
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
