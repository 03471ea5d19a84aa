import { ALERT_EVENTS } from '../domain/alert.ts';
import { TRIP_KINDS } from '../domain/automatic-halt.ts';
import type { JsonObject } from '../domain/json.ts';
import { closed, flag, table, text } from './schema-parts.ts';

/** Who is told outside, and when a run or an agent is halted without a human. */
export function watchProperties(name: string, secret: JsonObject): JsonObject {
  return {
    alerts: table(
      'Webhooks that are told of halts and of what keeps one from being inert',
      name,
      20,
      closed('One webhook', ['url', 'secret'], {
        url: text('Where it is posted to', { maxLength: 2_000, pattern: '^https?://[^\\s@]+$' }),
        secret,
        allowPrivate: flag('It stands in a private network', false),
        events: {
          type: 'array',
          minItems: 1,
          uniqueItems: true,
          items: { enum: [...ALERT_EVENTS] },
          description: 'What it is told; everything unless said',
        },
      }),
    ),
    automaticHalts: closed(
      'When a run or an agent is halted without a human. What is not named here is off',
      [],
      Object.fromEntries(
        TRIP_KINDS.map((kind) => [
          kind,
          closed(`So many ${WHAT[kind]} within so many seconds halt it`, ['count', 'seconds'], {
            count: { type: 'integer', minimum: 1, maximum: 1_000, description: 'How many' },
            seconds: {
              type: 'integer',
              minimum: 1,
              maximum: 86_400,
              description: 'Within how long',
            },
            halts: {
              enum: ['run', 'agent'],
              default: 'run',
              description: 'What is halted: the run, or its agent with all its runs',
            },
          }),
        ]),
      ),
    ),
  };
}

const WHAT = {
  denials: 'refusals for the same reason',
  unknownDestroys: 'destructions whose outcome is unknown',
  failedCredentials: 'credentials that could not be had',
} as const;
