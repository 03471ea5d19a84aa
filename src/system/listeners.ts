import { hkdfSync } from 'node:crypto';
import { act } from '../broker/act.ts';
import type { Broker } from '../broker/broker.ts';
import { DrillClock } from '../broker/drill-clock.ts';
import { Overload } from '../broker/overload.ts';
import { beginRun, beginSubRun, endRun } from '../broker/runs.ts';
import { say } from '../broker/say.ts';
import { reportUsage } from '../broker/spend.ts';
import { loadConfig } from '../config/load.ts';
import type { Plan } from '../config/plan.ts';
import type { PolicyFiles } from '../config/policies.ts';
import type { DrillHealth } from '../domain/drill.ts';
import { soon } from '../doors.ts';
import { createAgents } from '../identity/agents.ts';
import type { Callers } from '../identity/callers.ts';
import type { createOperators } from '../identity/operators.ts';
import { why } from '../ledger/why.ts';
import { verifyAt } from '../store/open.ts';
import { adminRoutes } from '../surfaces/admin/routes.ts';
import { healthRoutes } from '../surfaces/http/health.ts';
import { type Listener, listen, type Route } from '../surfaces/http/listener.ts';
import { createMcpSurface } from '../surfaces/mcp/endpoint.ts';
import { runRoutes } from '../surfaces/runs/routes.ts';
import { VERSION } from '../version.ts';
import { drillGround } from './drill-ground.ts';
import type { House } from './house.ts';
import type { SystemOptions } from './options.ts';
import { ChildSolver } from './solver.ts';

const MAX_BODY_BYTES = 1_048_576;

export interface Parts {
  readonly options: SystemOptions;
  readonly house: House;
  readonly callers: Callers;
  readonly operators: ReturnType<typeof createOperators>;
  /** `inspect`: servers that may be started or called though they were never applied. */
  readonly plan: (
    text: string,
    path: string,
    inspect?: readonly string[] | 'all',
    files?: PolicyFiles,
  ) => Promise<Plan>;
}

export interface Surfaces {
  readonly agents: Listener;
  readonly operators: Listener;
  close(): Promise<void>;
}

/** Lets calls go on between the pieces of a long piece of work. */
const pause = (): Promise<void> => new Promise((resolve) => soon(resolve));

/** Two listeners: one for agents, one for humans. Neither trusts an address. */
export async function openListeners(parts: Parts): Promise<Surfaces> {
  const { options, house, callers, operators, plan } = parts;
  const { broker, secrets, masterKey, alerts, adapters } = house;
  const { doors, store } = broker;
  const governed = { broker, act, beginRun, beginSubRun, endRun, reportUsage, say };
  const withhold = (text: string): string => broker.withhold.text(text);
  const common = { doors, log: options.log, maxBodyBytes: MAX_BODY_BYTES, withhold };
  let agentsUrl = '';
  const drills = new DrillClock(
    broker,
    drillGround(parts, () => agentsUrl),
    options.log,
  );
  const health = healthOf(parts, () => drills.health);
  const admin = await listen({
    ...common,
    ...options.operators,
    origins: 'same',
    routes: [
      ...health,
      ...adminRoutes({
        broker,
        operators,
        enrol: createAgents({ store, doors }).enrol,
        secrets,
        authorizations: adapters.oauth,
        declared: (text, path) => loadConfig(text, path).connections,
        plan,
        verify: () => verifyAt(options, { masterKey: masterKey, pause }),
        why: (id) => why(store, id),
        drills,
        agentsUrl: () => agentsUrl,
        alerts: () => alerts.standing,
        ...aboutPolicies(house),
        version: VERSION,
        tls: options.operators.tls !== undefined,
      }),
    ],
  });
  const overload = new Overload(store, doors, 'agents', (refused) =>
    broker.alerts.tell('overload', { where: 'agents', refused }, 'agents'),
  );
  const overloaded = (): void => overload.refused();
  const mcp = createMcpSurface({
    governed,
    callers,
    version: VERSION,
    stateKey: Buffer.from(hkdfSync('sha256', masterKey, '', 'signalbox/request-state/v1', 32)),
    approvalUrl: (id) => `${admin.url}/approvals/${id}`,
    log: options.log,
    overloaded,
    ...holding(options),
  });
  const runs = runRoutes({ governed, callers, subjects: adapters.subjects });
  house.feed.told = (change) => mcp.changed(change);
  const agents = await listen({
    ...common,
    ...options.agents,
    origins: 'same',
    overloaded,
    routes: [...health, ...mcp.routes, ...runs],
  }).catch(async (error: unknown) => {
    await admin.close(0);
    throw error;
  });
  agentsUrl = agents.url;
  return {
    agents,
    operators: admin,
    async close() {
      drills.close();
      mcp.hush();
      await Promise.all([agents.close(), admin.close()]);
      overload.close();
      await mcp.close();
    },
  };
}

function holding({ holdMs }: SystemOptions) {
  return holdMs === undefined ? {} : { hold: { modernMs: holdMs, legacyMs: holdMs } };
}

function aboutPolicies({ broker, policyAlarms }: House) {
  return {
    policies: (bundle: string) => policyAlarms.health(bundle),
    solver: () => new ChildSolver(broker.doors.timers),
  };
}

function healthOf(
  { house: { broker, policyAlarms } }: Parts,
  drilled: () => DrillHealth,
): readonly Route[] {
  const policies = (bundle: string): string => policyAlarms.health(bundle).state;
  return healthRoutes(readiness(broker), drilled, policies);
}

function readiness({ store, freshness }: Broker): Parameters<typeof healthRoutes>[0] {
  return {
    alone: store.alone,
    haltState: async () => {
      freshness.require();
      return store.haltState();
    },
  };
}
