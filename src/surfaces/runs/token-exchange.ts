import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { originOf } from '../http/origin.ts';
import { type AgentCaller, type Beginnings, type BegunRun, told } from './begin.ts';
import type { Callers } from './governed.ts';
import { OAuthFault, refuse } from './oauth-fault.ts';
import { closed, toolsOf, WANTED, type WantedRun, wantedRun } from './wanted.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** What an identity provider says of a user. */
const USER_TOKENS = [
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
];
/** The one type of `authorization_details` (RFC 9396) that is known here. */
const DETAILS = 'signalbox_run';
const MAX_BODY = 32_768;
const MAX_PARAMETERS = 16;

type Form = ReadonlyMap<string, string>;

/**
 * RFC 8693: the token of a run becomes the token of a run under it, and the token of an identity provider with the secret of
 * an agent that of a run on behalf of its user. Both tokens are proof by themselves, so there is no
 * client authentication; errors are those of RFC 6749 §5.2 with our own code beside.
 */
export function exchangeRoutes(beginnings: Beginnings, callers: Callers): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/oauth/token',
      async handle(exchange) {
        try {
          const form = await formOf(exchange);
          const wanted = wantedOf(form);
          requireTarget(form, exchange);
          const actor = await actorOf(form, callers);
          const token = required(form, 'subject_token');
          const begun =
            form.get('subject_token_type') === ACCESS_TOKEN
              ? await beginnings.under(await beginnings.parent(token), actor, wanted)
              : await beginnings.onBehalf(token, acting(actor), wanted);
          exchange.reply(200, answer(begun, exchange), { pragma: 'no-cache' });
        } catch (fault) {
          refuse(exchange, fault);
        }
      },
    },
  ];
}

async function formOf(exchange: Exchange): Promise<Form> {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new OAuthFault(
      'invalid_request',
      'expected a form (`application/x-www-form-urlencoded`)',
    );
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(await exchange.text(MAX_BODY))) {
    if (value === '') continue; // RFC 6749 §3.2: as if it had not been sent
    if (form.has(name))
      throw new OAuthFault('invalid_request', `\`${name.slice(0, 64)}\` came twice`);
    if (form.size >= MAX_PARAMETERS)
      throw new OAuthFault('invalid_request', `more than ${MAX_PARAMETERS} parameters`);
    form.set(name, value);
  }
  if (form.get('grant_type') !== GRANT)
    throw form.has('grant_type')
      ? new OAuthFault('unsupported_grant_type', `expected \`grant_type\` to be \`${GRANT}\``)
      : new OAuthFault('invalid_request', 'expected a `grant_type`');
  requireTypes(form);
  return form;
}

function requireTypes(form: Form): void {
  const known = [ACCESS_TOKEN, ...USER_TOKENS];
  if (!known.includes(required(form, 'subject_token_type')))
    throw new OAuthFault(
      'invalid_request',
      `expected \`subject_token_type\` to be one of ${known.map((type) => `\`${type}\``).join(', ')}`,
    );
  if (form.has('actor_token') !== form.has('actor_token_type'))
    throw new OAuthFault('invalid_request', '`actor_token` and `actor_token_type` come together');
  for (const name of ['actor_token_type', 'requested_token_type'])
    if ((form.get(name) ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
      throw new OAuthFault('invalid_request', `expected \`${name}\` to be \`${ACCESS_TOKEN}\``);
}

/** A run token is good at this listener and nowhere else. */
function requireTarget(form: Form, { request }: Exchange): void {
  const origin = originOf(request);
  const resource = form.get('resource');
  if (resource !== undefined && resource !== `${origin}/mcp` && resource !== origin)
    throw new OAuthFault('invalid_target', `expected \`resource\` to be \`${origin}/mcp\``);
  if (form.has('audience'))
    throw new OAuthFault(
      'invalid_target',
      'expected no `audience`: name the `resource`, or nothing',
    );
}

function wantedOf(form: Form): WantedRun {
  const text = form.get('authorization_details');
  const scope = form.get('scope');
  if (text === undefined)
    throw new OAuthFault(
      'invalid_request',
      'expected `authorization_details` to say what the sub-run is for',
    );
  try {
    const [said, ...others] = list(text);
    if (said === undefined || others.length > 0 || !isJsonObject(said) || said.type !== DETAILS)
      throw new OAuthFault(
        'invalid_authorization_details',
        `expected a list of one object of type \`${DETAILS}\``,
      );
    const wanted = wantedRun(closed(said, ['type', ...WANTED], 'authorization_details'));
    if (scope === undefined) return wanted;
    if (wanted.tools !== null)
      throw new OAuthFault('invalid_scope', '`scope` and `tools` both name tools, expected one');
    return { ...wanted, tools: toolsOf(scope.split(' ').filter((name) => name !== '')) };
  } catch (fault) {
    if (fault instanceof SignalboxError && fault.code === 'REQUEST_MALFORMED')
      throw new OAuthFault('invalid_authorization_details', fault.message);
    throw fault;
  }
}

function list(text: string): readonly Json[] {
  try {
    const parsed = JSON.parse(text) as Json;
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // told below
  }
  throw new OAuthFault(
    'invalid_authorization_details',
    'expected `authorization_details` to be a JSON list',
  );
}

/** The agent that shall act in the sub-run, by its secret; null: the one that acts above. */
async function actorOf(form: Form, callers: Callers): Promise<AgentCaller | null> {
  const token = form.get('actor_token');
  if (token === undefined) return null;
  const actor = await callers.authenticate(`Bearer ${token}`);
  if (actor.kind === 'agent') return actor;
  throw new SignalboxError(
    'TOKEN_AUDIENCE',
    'expected `actor_token` to be the secret of an agent, got a token of a run',
  );
}

/** The user's token says for whom, never who acts. */
function acting(actor: AgentCaller | null): AgentCaller {
  if (actor !== null) return actor;
  throw new OAuthFault('invalid_request', 'expected the secret of an agent as `actor_token`');
}

function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthFault('invalid_request', `expected a \`${name}\``);
  return value;
}

/** RFC 8693 §2.2.1; `authorization_details` as they were granted, and the run in our own words beside. */
function answer({ run, token, expiresAt }: BegunRun, { request }: Exchange): JsonObject {
  const { intent, budget, tools } = run;
  const details = {
    ...{ type: DETAILS, identifier: run.id, intent, budget: { ...budget } },
    ...(tools === null ? {} : { tools: [...tools] }),
    lifetimeSeconds: seconds(run.expiresAt - run.startedAt),
  };
  return {
    access_token: token,
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: seconds(expiresAt - run.startedAt),
    ...(tools === null ? {} : { scope: tools.join(' ') }),
    authorization_details: [details],
    act: actOf(run),
    run: told(run),
    mcpUrl: `${originOf(request)}/mcp`,
  };
}

/** Who acts now, outermost; whom it acts for, nested inside it (RFC 8693 §4.1). */
function actOf(run: Run): JsonObject {
  const chain = [{ run: run.id, agent: run.agent }, ...run.actsFor];
  return chain.reduceRight<JsonObject>(
    (inner, { run: id, agent }) => ({
      sub: agent,
      run: id,
      ...(Object.keys(inner).length === 0 ? {} : { act: inner }),
    }),
    {},
  );
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000));
}
