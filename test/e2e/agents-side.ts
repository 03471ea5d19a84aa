import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import { apply } from '../../src/broker/apply.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { beginRun, beginSubRun, endRun } from '../../src/broker/runs.ts';
import { say } from '../../src/broker/say.ts';
import { reportUsage } from '../../src/broker/spend.ts';
import { loadConfig } from '../../src/config/load.ts';
import { planBundle } from '../../src/config/plan.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { createHttpInspector } from '../../src/connectors/http/inspector.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import type { Run } from '../../src/domain/run.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { realDoors } from '../../src/doors.ts';
import { createAgents } from '../../src/identity/agents.ts';
import { type Callers, createCallers } from '../../src/identity/callers.ts';
import { KeySets } from '../../src/identity/key-sets.ts';
import { createSubjectTokens } from '../../src/identity/subject-tokens.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { healthRoutes } from '../../src/surfaces/http/health.ts';
import { listen } from '../../src/surfaces/http/listener.ts';
import { createMcpSurface, type McpOptions } from '../../src/surfaces/mcp/endpoint.ts';
import { runRoutes } from '../../src/surfaces/runs/routes.ts';
import { type System, startSystem } from '../../src/system.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { type EchoTarget, startEchoTarget } from './echo-target.ts';

/** The agents' listener over a real broker and store, with an HTTP target that counts. */
export interface AgentsSide {
  readonly broker: Broker;
  /** Of the agents' listener. */
  readonly url: string;
  readonly target: EchoTarget;
  readonly logged: string[];
  readonly mcpUrl: string;
  /** The secret of agent `support`, who holds every tool but `forbidden`. */
  readonly secret: string;
  run(intent?: string): Promise<{ readonly run: Run; readonly token: string }>;
  approve(approvalId: string): Promise<void>;
  refuse(approvalId: string): Promise<void>;
  /** The newest open ask, as soon as there is one. */
  ask(): Promise<string>;
  halt(scope: string): Promise<void>;
  resume(scope: string): Promise<void>;
  close(): Promise<void>;
}

const MASTER_KEY = new Uint8Array(32).fill(7);
/** An operator's test name; answers must come from somebody. */
const BY = 'dana';

const NO_CREDENTIALS: Broker['credentials'] = {
  obtain: async () => null,
  revoke: async () => [],
  revokeKnown: async () => [],
  revokeThese: async () => [],
  endThese: async () => [],
  trying: () => [],
  letGo: async () => {},
  sweep: async () => 0,
};

export async function startAgentsSide(
  more: Partial<Pick<McpOptions, 'hold' | 'maxCalls' | 'approvalUrl' | 'maxBodyBytes'>> & {
    readonly slow?: { readonly headersMs: number; readonly requestMs: number };
    /** Another configuration than the usual one. */
    readonly config?: (usual: string) => string;
    /** Milliseconds by which the system's wall clock is ahead. */
    readonly ahead?: () => number;
  } = {},
): Promise<AgentsSide> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-agents-'));
  const { slow, ahead = () => 0, config = (usual) => usual, ...options } = more;
  const real = realDoors();
  const doors = { ...real, clock: { ...real.clock, now: () => real.clock.now() + ahead() } };
  const target = await startEchoTarget();
  const store = await openSqliteStore({ directory, masterKey: MASTER_KEY, doors });
  const connector = createHttpConnector(doors);
  const broker: Broker = {
    doors,
    store,
    connectors: new Map([['http', connector]]),
    inspectors: new Map([['http', createHttpInspector()]]),
    credentials: NO_CREDENTIALS,
    inputs: createInputCheck(),
    bundles: bundleSource(store),
    policies: new PolicyRoom(),
    flights: new Flights(),
    freshness: new Freshness(store, doors.clock),
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts: NO_ALERTS,
    notices: new Notices(doors.timers),
    lineage: new Lineages({ store, bundles: bundleSource(store), doors, isSecret: () => false }),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
    grants: NO_GRANTS,
  };
  const plan = await planBundle(loadConfig(config(configFor(target.port)), 'signalbox.yaml'), {
    active: await broker.bundles.active(),
    inspectors: broker.inspectors,
  });
  await apply(broker, plan, { name: BY, role: 'owner' });
  const { token: secret } = await createAgents({ store, doors }).enrol({
    agent: 'support',
    by: BY,
  });
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const governed = { broker, act, beginRun, beginSubRun, endRun, reportUsage, say };
  const callers = createCallers({ store, doors });
  const keys = new KeySets(async (url) => (await fetch(url)).text(), doors.clock);
  const subjects = createSubjectTokens(keys, doors.clock);
  const mcp = createMcpSurface({
    governed,
    callers,
    version: '0.0.0-test',
    stateKey: doors.entropy.bytes(32),
    log,
    ...options,
  });
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    routes: [...mcp.routes, ...runRoutes({ governed, callers, subjects }), ...healthRoutes(store)],
    origins: 'same',
    maxBodyBytes: 1_048_576,
    doors,
    log,
    slow,
  });
  return {
    broker,
    url: listener.url,
    target,
    logged,
    mcpUrl: `${listener.url}/mcp`,
    secret,
    ...handsOf(broker, callers),
    async close() {
      await listener.close(0);
      await mcp.close();
      await connector.close();
      await store.close();
      await target.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The same over the whole system, exactly as `signalbox up` builds it. */
export async function startSystemSide(
  holdMs?: number,
): Promise<AgentsSide & { readonly system: System }> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-system-'));
  const target = await startEchoTarget();
  const logged: string[] = [];
  const system = await startSystem({
    directory,
    agents: { host: '127.0.0.1', port: 0 },
    operators: { host: '127.0.0.1', port: 0 },
    log: (line) => void logged.push(line),
    ...(holdMs === undefined ? {} : { holdMs }),
  });
  const { broker, callers } = system;
  const plan = await system.plan(configFor(target.port), 'signalbox.yaml');
  await system.apply(plan, { name: BY, role: 'owner' });
  const { token: secret } = await createAgents(broker).enrol({ agent: 'support', by: BY });
  return {
    system,
    broker,
    url: system.agentsUrl,
    target,
    logged,
    mcpUrl: `${system.agentsUrl}/mcp`,
    secret,
    ...handsOf(broker, callers),
    async close() {
      await system.close();
      await target.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Whoever starts runs, and what operators do without their listener. */
function handsOf(
  broker: Broker,
  callers: Callers,
): Pick<AgentsSide, 'run' | 'approve' | 'refuse' | 'ask' | 'halt' | 'resume'> {
  const { store } = broker;
  const answerAs = async (approvalId: string, given: 'approved' | 'refused'): Promise<void> => {
    const ask = await store.ask(approvalId);
    const digest = ask?.approval.digest ?? '';
    await answer(broker, { approvalId, answer: given, by: BY, because: 'looked at it', digest });
  };
  return {
    async run(intent = 'answer a customer') {
      const run = await beginRun(broker, { agent: 'support', intent, budget: {} });
      return { run, token: (await callers.issue(run)).token };
    },
    approve: (approvalId) => answerAs(approvalId, 'approved'),
    refuse: (approvalId) => answerAs(approvalId, 'refused'),
    async ask() {
      for (;;) {
        const asked = broker.notices.wait('asks', 1_000);
        const [open] = await store.asks({ limit: 1, state: 'pending' });
        if (open !== undefined) return open.approval.id;
        await asked;
      }
    },
    halt: async (scope) => void (await halt(broker, { scope, reason: 'test', by: BY })),
    resume: async (scope) => void (await resume(broker, { scope, reason: 'test', by: BY })),
  };
}

/** The target is an HTTP API: it cannot be measured, so every write is asked for. */
function configFor(port: number): string {
  return `
version: 1
organisation: { name: acme, domains: [acme.example] }
loops: off
connections:
  target: { kind: http, environment: production, url: "http://127.0.0.1:${port}", allowPrivate: true }
tools:
  echo:
    connection: target
    description: Says a text back
    http: { method: GET, path: "/echo", query: { text: "{text}" } }
    input: { text: { type: string } }
  slow_echo:
    connection: target
    description: Says a text back, when the target gets round to it
    http: { method: GET, path: "/slow", query: { text: "{text}" } }
    input: { text: { type: string } }
  set_plan:
    connection: target
    description: Sets the plan of a customer
    http: { method: POST, path: "/customers/{customer}/plan", body: { plan: "{plan}" } }
    input: { customer: { type: integer }, plan: { type: string } }
  slow_write:
    connection: target
    description: Sets a plan, when the target gets round to it
    http: { method: POST, path: "/slow/plan", body: { plan: "{plan}" } }
    input: { plan: { type: string } }
  delete_backup:
    connection: target
    description: Removes a backup
    http: { method: DELETE, path: "/backups/{backup}" }
    input: { backup: { type: string } }
    recoveryPath: true
  forbidden:
    connection: target
    description: Granted to another agent only
    http: { method: GET, path: "/forbidden" }
agents:
  support: { owner: dana@acme.example }
  other: { owner: dana@acme.example }
  researcher: { owner: dana@acme.example }
grants:
  - { agent: support, tools: [echo, slow_echo], rung: read }
  - { agent: support, tools: [set_plan, slow_write, delete_backup], rung: approve }
  - { agent: other, tools: [forbidden], rung: read }
  - { agent: researcher, tools: [echo, slow_echo, forbidden], rung: read }
  - { agent: researcher, tools: [set_plan], rung: draft }
limits:
  run: { calls: 500 }
approvals: { minutes: 60 }
`;
}
