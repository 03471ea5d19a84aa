import { replay } from '../../broker/replay.ts';
import type { Bundle } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { askPolicies, questionsOf } from '../../policy/ask.ts';
import type { Route } from '../http/listener.ts';
import { CONFIG_BODY, policyFiles, read } from './body.ts';
import type { AdminDeps, Plan } from './deps.ts';
import { changer } from './guard.ts';

const CANDIDATE = {
  text: { most: 1_048_576, optional: true },
  path: { most: 1_000, optional: true },
  policies: { most: 1_048_576, optional: true },
} as const;

/** What policies say of made-up actions. A configuration that comes along is planned for it and then forgotten. */
export function policyRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/policies/ask',
      async handle(exchange) {
        await changer(deps, exchange);
        const body = read(await exchange.json(CONFIG_BODY), {
          ...CANDIDATE,
          questions: { most: 1_048_576 },
        });
        const questions = questionsOf(jsonOf(body.questions), deps.broker.doors.clock.now());
        const bundle = await candidate(deps, body);
        const { answers, alarms } = askPolicies(bundle, questions);
        exchange.reply(200, {
          bundle: bundle.digest,
          answers: answers as unknown as Json,
          alarms: alarms as unknown as Json,
        });
      },
    },
    {
      method: 'POST',
      path: '/api/policies/replay',
      async handle(exchange) {
        await changer(deps, exchange);
        const body = read(await exchange.json(CONFIG_BODY), {
          ...CANDIDATE,
          since: { most: 20 },
          most: { most: 20 },
        });
        const after = await candidate(deps, body);
        const back = backOf(body.since);
        const most = Number(body.most);
        if (back === null || !Number.isSafeInteger(most) || most < 1 || most > MOST_REPLAYED)
          throw new SignalboxError(
            'REQUEST_MALFORMED',
            `expected \`since\` such as \`30d\` or \`12h\`, and \`most\` from 1 to ${MOST_REPLAYED}`,
          );
        const { broker } = deps;
        const before = await broker.bundles.active();
        const since = broker.doors.clock.now() - back;
        const report = await replay(broker, { before, after, since, most });
        exchange.reply(200, { ...report, bundle: after.digest, base: before.digest } as never);
      },
    },
  ];
}

const MOST_REPLAYED = 5_000_000;
const HOUR_MS = 3_600_000;

function backOf(text: string): number | null {
  const found = /^([1-9]\d{0,3})([hd])$/.exec(text);
  return found === null ? null : Number(found[1]) * (found[2] === 'd' ? 24 : 1) * HOUR_MS;
}

/** What is looked at for a plan: the newest decisions of a month. */
const PLANNED = { back: 30 * 24 * HOUR_MS, most: 2_000 } as const;

/** What a plan would have decided otherwise; null where it changes neither policies nor tools, or nothing is active. */
export async function plannedReplay(
  { broker }: AdminDeps,
  { bundle: after, changes }: Plan,
): Promise<object | null> {
  if (!changes.some(({ subject }) => CONCERNS.has(String(subject)))) return null;
  const before = await broker.bundles.active();
  if (before.digest === 'none') return null;
  const since = broker.doors.clock.now() - PLANNED.back;
  return replay(broker, { before, after, since, most: PLANNED.most });
}

const CONCERNS: ReadonlySet<string> = new Set(['policy', 'working hours', 'freeze', 'connection']);

/** The bundle that a configuration would make, or the active one where none came along. */
export async function candidate(
  deps: AdminDeps,
  {
    text,
    path,
    policies,
  }: { readonly text: string; readonly path: string; readonly policies: string },
): Promise<Bundle> {
  if (text === '') return deps.broker.bundles.active();
  return (await deps.plan(text, path, [], policyFiles(policies))).bundle;
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new SignalboxError('REQUEST_MALFORMED', 'expected `questions` to be the text of a list');
  }
}
