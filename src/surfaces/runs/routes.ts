import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { SubjectTokens } from '../../domain/subject-token.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { originOf } from '../http/origin.ts';
import { Beginnings, type RunCaller, told } from './begin.ts';
import type { Callers, Governed } from './governed.ts';
import { Pace } from './pace.ts';
import { exchangeRoutes } from './token-exchange.ts';
import { usageOf } from './usage.ts';
import { closed, isPlain, malformed, WANTED, wantedRun } from './wanted.ts';

const MAX_BODY = 32_768;
const MAX_SAID = 131_072;
const MAX_WHY = 200;
/** Each is a record: a run that calls its model more often tells of several calls at once. */
const USAGE_A_MINUTE = 240;

/**
 * The life of a run, for whoever starts agents: begin (the secret of an agent, or the token of the run above), say more
 * (the secret of its agent), renew and end (the run's own token).
 */
export function runRoutes(parts: {
  governed: Governed;
  callers: Callers;
  subjects: SubjectTokens;
}): readonly Route[] {
  const { governed, callers, subjects } = parts;
  const { broker } = governed;
  const beginnings = new Beginnings(governed, callers, subjects);
  const pace = new Pace(broker.doors.clock, (most) => `said ${most} things`);
  const reports = new Pace(
    broker.doors.clock,
    (most) => `told of ${most} model calls`,
    USAGE_A_MINUTE,
    'run',
  );
  return [
    ...exchangeRoutes(beginnings, callers),
    {
      method: 'POST',
      path: '/v1/runs',
      async handle(exchange) {
        const caller = await callers.authenticate(exchange.request.headers.authorization);
        const body = closed(await exchange.json(MAX_BODY), [...WANTED, 'parentToken', 'subject']);
        const wanted = wantedRun(body);
        const begun =
          caller.kind === 'run'
            ? await beginnings.under(ownParent(caller, body), null, wanted)
            : body.parentToken === undefined
              ? await beginnings.root(caller.agent, wanted)
              : await beginnings.under(await shownParent(body, beginnings), caller, wanted);
        const { token, expiresAt } = begun;
        const mcpUrl = `${originOf(exchange.request)}/mcp`;
        exchange.reply(201, { run: told(begun.run), token, expiresAt, mcpUrl });
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
      path: '/v1/runs/{id}/said',
      async handle(exchange) {
        const caller = await callers.authenticate(exchange.request.headers.authorization);
        // the run's own token is in its agent's hands, whose word proves nothing
        if (caller.kind !== 'agent')
          throw new SignalboxError('TOKEN_AUDIENCE', 'expected the secret of the agent');
        pace.check(caller.agent);
        const { text } = closed(await exchange.json(MAX_SAID), ['text']);
        if (typeof text !== 'string' || text.trim() === '' || !isPlain(text))
          throw malformed('expected `text` to be what was said');
        const runId = exchange.params.id ?? '';
        await governed.say(broker, { runId, agent: caller.agent, text });
        exchange.reply(200, { said: runId });
      },
    },
    {
      method: 'POST',
      path: '/v1/runs/{id}/usage',
      async handle(exchange) {
        const { runId } = await own(exchange, callers);
        reports.check(runId);
        const usage = usageOf(runId, await exchange.json(MAX_BODY));
        const reported = await governed.reportUsage(broker, usage);
        if (reported === null) throw new SignalboxError('RUN_OVER', 'the run is over');
        exchange.reply(201, { ...reported });
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

/** A run begins one under itself; it needs no other token. */
function ownParent(caller: RunCaller, { parentToken }: JsonObject): RunCaller {
  if (parentToken === undefined) return caller;
  throw malformed('`parentToken` goes with the secret of an agent, got two tokens of runs');
}

/** An agent that was handed the token of a run begins one under it. */
async function shownParent(
  { parentToken }: JsonObject,
  beginnings: Beginnings,
): Promise<RunCaller> {
  if (typeof parentToken !== 'string')
    throw malformed('expected `parentToken` to be the token of a run');
  return beginnings.parent(parentToken);
}

/** The caller, if it is the run that the path names. Another run is not even admitted to exist. */
async function own(exchange: Exchange, callers: Callers): Promise<RunCaller> {
  const caller = await callers.authenticate(exchange.request.headers.authorization);
  if (caller.kind !== 'run')
    throw new SignalboxError('TOKEN_AUDIENCE', 'expected the token of the run itself');
  if (caller.runId !== exchange.params.id)
    throw new SignalboxError('RUN_NOT_FOUND', 'this token has no such run');
  return caller;
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
