import { plainWordIn } from '../../boundary/plain-words.ts';
import { reach } from '../../broker/reach.ts';
import { endRun } from '../../broker/runs.ts';
import { undo } from '../../broker/undo.ts';
import { unhalt } from '../../broker/unhalt.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { CONFIG_BODY, type Field, policyFiles, type Read, read, SMALL_BODY } from './body.ts';
import { answerAsk, applyShown, haltNow, LONGEST_REASON, planDigest } from './deeds.ts';
import type { AdminDeps, Operator, Plan } from './deps.ts';
import { clip, oneRun } from './desk.ts';
import { changer } from './guard.ts';
import { plannedReplay } from './policies.ts';
import { rotateSecret } from './secrets.ts';

const NAME = { most: 200 } as const;
const REASON = { most: LONGEST_REASON } as const;
const DIGEST = { most: 128 } as const;
const CONFIG = {
  text: { most: 1_048_576 },
  path: { most: 1_000 },
  inspect: { most: 4_000, optional: true },
  policies: { most: 1_048_576, optional: true },
} as const;

/** The half of the operators' API that changes something, or may take a whole configuration. */
export function changeRoutes(deps: AdminDeps): Route[] {
  const { broker } = deps;
  const post = poster(deps);
  return [
    ...(['approve', 'refuse'] as const).map((verb) =>
      post(
        `/api/approvals/{id}/${verb}`,
        { because: { ...REASON, optional: true }, digest: DIGEST },
        async ({ because, digest }, by, { id = '' }) => ({
          approval: await answerAsk(broker, {
            id,
            answer: verb === 'approve' ? 'approved' : 'refused',
            because,
            digest,
            by,
          }),
        }),
      ),
    ),
    post(
      '/api/halts',
      { scope: NAME, reason: { ...REASON, optional: true }, preview: { most: 'flag' } },
      async ({ scope, reason, preview }, by) => {
        if (preview) return { reach: await reach(broker, scope) };
        if (reason.trim() === '')
          throw new SignalboxError('REQUEST_MALFORMED', 'expected a text as `reason`');
        return { report: await haltNow(broker, { scope, reason, by }) };
      },
    ),
    post(
      '/api/resume',
      { scope: NAME, reason: REASON },
      async ({ scope, reason }, by, _, proven) => ({
        halt: await unhalt(broker, { scope, reason, by, proven }),
      }),
    ),
    post('/api/undo', { id: NAME, as: { ...NAME, optional: true } }, async ({ id, as }, by) => ({
      report: (await undo(broker, {
        id,
        as: as === '' ? null : as,
        by: by.name,
      })) as unknown as Json,
    })),
    post('/api/runs/{id}/end', { reason: REASON }, async ({ reason }, by, { id = '' }) => {
      const { run } = await oneRun(broker, id);
      await endRun(broker, run.id, `${reason} (${by.name})`);
      return { ended: run.id };
    }),
    post(
      '/api/plan',
      CONFIG,
      async ({ text, path, inspect, policies }, by) =>
        planned(deps, await deps.plan(text, path, inspected(inspect, by), policyFiles(policies))),
      CONFIG_BODY,
    ),
    post(
      '/api/apply',
      { ...CONFIG, plan: DIGEST },
      async ({ text, path, inspect, policies, plan: digest }, by) => {
        const files = policyFiles(policies);
        const shown = { text, path, digest, inspect: inspected(inspect, by), files };
        return planJson(await applyShown(deps, shown, by));
      },
      CONFIG_BODY,
    ),
    ...identityRoutes(deps),
    post('/api/ledger/erase', { run: NAME, reason: REASON }, async ({ run, reason }, by) => {
      ownersOnly(by, 'erase');
      return erase(deps, run, reason, by);
    }),
  ];
}

function identityRoutes(deps: AdminDeps): Route[] {
  const post = poster(deps);
  return [
    post('/api/agents/{name}/enrol', {}, async (_, by, { name = '' }) => {
      ownersOnly(by, 'enrol agents');
      const { agents } = await deps.broker.bundles.active();
      if (!Object.hasOwn(agents, name))
        throw new SignalboxError(
          'AGENT_UNKNOWN',
          `agent \`${clip(name)}\` is not in the active bundle`,
        );
      const { token, expiresAt } = await deps.enrol({ agent: name, by: by.name });
      return { agent: name, token, expiresAt, url: deps.agentsUrl() };
    }),
    post('/api/operators/invite', { role: { most: 20 } }, async ({ role }, by) => {
      ownersOnly(by, 'invite operators');
      if (role !== 'owner' && role !== 'operator')
        throw new SignalboxError('REQUEST_MALFORMED', 'expected `role` to be owner or operator');
      const { token, expiresAt } = await deps.operators.invite({ role, by: by.name });
      return { role, code: token, expiresAt };
    }),
    post(
      '/api/secrets/{name}',
      { value: { most: 65_536 } },
      async ({ value }, by, { name = '' }) => {
        ownersOnly(by, 'set secrets');
        const { version } = await deps.secrets.put(name, value, by.name);
        const note = plainWordIn(value);
        return { name, version, ...(note === null ? {} : { note }) };
      },
      400_000,
    ),
    post(
      '/api/secrets/{name}/rotate',
      { value: { most: 65_536 }, now: { most: 'flag' } },
      async ({ value, now }, by, { name = '' }) => {
        ownersOnly(by, 'rotate secrets');
        return rotateSecret(deps, { name, value, now, by });
      },
      400_000,
    ),
  ];
}

async function erase(
  deps: AdminDeps,
  id: string,
  reason: string,
  by: Operator,
): Promise<{ readonly [name: string]: Json }> {
  const { run } = await oneRun(deps.broker, id);
  if (run.state === 'live')
    throw new SignalboxError('REQUEST_MALFORMED', `run \`${clip(id)}\` is still live`, {
      help: '`signalbox run end ID` first: what it does next would be written again',
    });
  const erased = await deps.broker.store.commit({
    kind: 'ledger.erase',
    runId: run.id,
    reason,
    by: by.name,
    at: deps.broker.doors.clock.now(),
  });
  if (!erased.ok) throw new SignalboxError('RUN_NOT_FOUND', `no run \`${clip(id)}\` is known`);
  return { run: run.id, payloads: erased.payloads };
}

/** Who may only operate cannot widen who operates or acts, change a secret, or destroy what an auditor may ask for. */
function ownersOnly(by: Operator, deed: string): void {
  if (by.role !== 'owner')
    throw new SignalboxError(
      'OWNER_NEEDED',
      `\`${by.name}\` is an operator, only an owner can ${deed}`,
    );
}

/** Names with commas between them. Starting a program here, or sending a secret there, is an owner’s to allow. */
function inspected(inspect: string, by: Operator): readonly string[] {
  const names = inspect.split(',').filter((name) => name !== '');
  if (names.length > 0) ownersOnly(by, 'let a plan start or call a server that was never applied');
  return names;
}

async function planned(deps: AdminDeps, plan: Plan): Promise<object> {
  return { ...planJson(plan), replay: await plannedReplay(deps, plan) };
}

function planJson(plan: Plan): { readonly [name: string]: unknown } {
  return {
    plan: planDigest(plan),
    bundle: plan.bundle.digest,
    base: plan.base,
    changes: plan.changes,
    widenings: plan.widenings,
    warnings: plan.warnings,
  };
}

type Deed<Fields extends { readonly [name: string]: Field }> = (
  body: Read<Fields>,
  by: Operator,
  params: Exchange['params'],
  /** The operator's key came with this request. */
  proven: boolean,
) => Promise<unknown>;

function poster(deps: AdminDeps) {
  return <const Fields extends { readonly [name: string]: Field }>(
    path: string,
    fields: Fields,
    deed: Deed<Fields>,
    most = SMALL_BODY,
  ): Route => ({
    method: 'POST',
    path,
    async handle(exchange) {
      const { operator, csrf } = await changer(deps, exchange);
      const body = read(await exchange.json(most), fields);
      exchange.reply(
        200,
        (await deed(body, operator, exchange.params, csrf === null)) as JsonObject,
      );
    },
  });
}
