import { MAX_INTENT_LENGTH } from '../../broker/runs.ts';
import type { Caller } from '../../domain/caller.ts';
import type { Clock } from '../../domain/doors.ts';
import { DIMENSIONS, type Dimension, type EffectVector } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { originOf } from '../http/origin.ts';
import type { Callers, Governed } from './governed.ts';

const MAX_BODY = 32_768;
const MAX_WHY = 200;
/** Runs one agent may start in a minute. */
const RUNS_A_MINUTE = 120;

/** The life of a run, for whoever starts agents: begin (agent secret), renew and end (the run's own token). */
export function runRoutes(parts: { governed: Governed; callers: Callers }): readonly Route[] {
  const { governed, callers } = parts;
  const { broker } = governed;
  const pace = new Pace(broker.doors.clock);
  return [
    {
      method: 'POST',
      path: '/v1/runs',
      async handle(exchange) {
        const caller = await callers.authenticate(exchange.request.headers.authorization);
        if (caller.kind !== 'agent')
          throw new SignalboxError(
            'TOKEN_AUDIENCE',
            'a run is started with the secret of an agent, got a token of a run',
          );
        const { intent, budget } = requestOf(await exchange.json(MAX_BODY));
        pace.check(caller.agent);
        const run = await governed.beginRun(broker, { agent: caller.agent, intent, budget });
        const { token, expiresAt } = await callers.issue(run);
        exchange.reply(201, {
          run: {
            id: run.id,
            agent: run.agent,
            intent: run.intent,
            startedAt: run.startedAt,
            expiresAt: run.expiresAt,
            budget: run.budget,
          },
          token,
          expiresAt,
          mcpUrl: `${originOf(exchange.request)}/mcp`,
        });
      },
    },
    {
      method: 'POST',
      path: '/v1/runs/{id}/renew',
      async handle(exchange) {
        const expiresAt = await callers.renew(await own(exchange, callers));
        exchange.reply(200, { expiresAt });
      },
    },
    {
      method: 'POST',
      path: '/v1/runs/{id}/end',
      async handle(exchange) {
        const { runId } = await own(exchange, callers);
        await governed.endRun(broker, runId, await whyOf(exchange));
        exchange.reply(200, { ended: runId });
      },
    },
  ];
}

/** The caller, if it is the run that the path names. Another run is not even admitted to exist. */
async function own(
  exchange: Exchange,
  callers: Callers,
): Promise<Extract<Caller, { kind: 'run' }>> {
  const caller = await callers.authenticate(exchange.request.headers.authorization);
  if (caller.kind !== 'run')
    throw new SignalboxError('TOKEN_AUDIENCE', 'expected the token of the run itself');
  if (caller.runId !== exchange.params.id)
    throw new SignalboxError('RUN_NOT_FOUND', 'this token has no such run');
  return caller;
}

function requestOf(body: Json): { intent: string; budget: Partial<EffectVector> } {
  const { intent, budget = {} } = closed(body, ['intent', 'budget']);
  if (typeof intent !== 'string' || intent.trim() === '')
    throw malformed('expected `intent` to say what the run is for');
  if (intent.length > MAX_INTENT_LENGTH)
    throw malformed(
      `expected an \`intent\` of at most ${MAX_INTENT_LENGTH} characters, got ${intent.length}`,
    );
  if (!isPlain(intent)) throw malformed('`intent` has control characters or a lone surrogate');
  return { intent, budget: budgetOf(budget) };
}

function budgetOf(budget: Json): Partial<EffectVector> {
  const limits: { [D in Dimension]?: number } = {};
  for (const [dimension, limit] of Object.entries(closed(budget, DIMENSIONS, 'budget.'))) {
    if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 0)
      throw malformed(`expected \`budget.${dimension}\` to be a non-negative integer`);
    limits[dimension as Dimension] = limit;
  }
  return limits;
}

async function whyOf(exchange: Exchange): Promise<string> {
  const { headers } = exchange.request;
  const empty = headers['transfer-encoding'] === undefined && !Number(headers['content-length']);
  if (empty) return 'ended by its agent';
  const { why = 'ended by its agent' } = closed(await exchange.json(MAX_BODY), ['why']);
  if (typeof why !== 'string' || why.length > MAX_WHY || !isPlain(why))
    throw malformed(`expected \`why\` to be a text of at most ${MAX_WHY} characters`);
  return why;
}

function closed(value: Json, members: readonly string[], prefix = ''): JsonObject {
  if (!isJsonObject(value))
    throw malformed(`expected ${prefix === '' ? 'the body' : '`budget`'} to be an object`);
  for (const name of Object.keys(value))
    if (!members.includes(name))
      throw malformed(
        `\`${prefix}${name.slice(0, 64)}\` is not known here, expected ${members.map((known) => `\`${known}\``).join(', ')}`,
      );
  return value;
}

/** Readable text: well-formed, and no control characters but line breaks and tabs. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\n\r\t]/u.test(text);
}

function malformed(message: string): SignalboxError {
  return new SignalboxError('REQUEST_MALFORMED', message);
}

/** Counts runs started per agent in the present minute. Agents are bounded by the bundle. */
class Pace {
  readonly #clock: Clock;
  readonly #started = new Map<string, number>();
  #minute = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  check(agent: string): void {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    if (minute !== this.#minute) this.#started.clear();
    this.#minute = minute;
    const started = (this.#started.get(agent) ?? 0) + 1;
    if (started > RUNS_A_MINUTE)
      throw new SignalboxError(
        'OVERLOADED',
        `agent \`${agent}\` started ${RUNS_A_MINUTE} runs in this minute`,
      );
    this.#started.set(agent, started);
  }
}
