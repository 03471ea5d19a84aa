import { hkdfSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { Webhooks } from './boundary/webhook.ts';
import { act } from './broker/act.ts';
import { Alerts, tellStuck } from './broker/alerts.ts';
import { apply } from './broker/apply.ts';
import type { Broker } from './broker/broker.ts';
import { bundleSource } from './broker/bundles.ts';
import { DrillClock } from './broker/drill-clock.ts';
import type { DrillGround } from './broker/drill-ground.ts';
import { Flights } from './broker/flights.ts';
import { boundsOf, Freshness } from './broker/freshness.ts';
import { LocalGate } from './broker/local-gate.ts';
import { LocalHalts } from './broker/local-halts.ts';
import { Notices } from './broker/notices.ts';
import { OpenStreams } from './broker/open-streams.ts';
import { Overload } from './broker/overload.ts';
import { Pulse } from './broker/pulse.ts';
import type { Recovery } from './broker/recover.ts';
import { beginRun, beginSubRun, endRun } from './broker/runs.ts';
import { Sealer } from './broker/sealer.ts';
import { sweeper, takeOver } from './broker/take-over.ts';
import { loadConfig } from './config/load.ts';
import { type Plan, planBundle } from './config/plan.ts';
import { createHttpConnector } from './connectors/http/connector.ts';
import { createHttpInspector } from './connectors/http/inspector.ts';
import { createMcpConnector, type McpOptions } from './connectors/mcp/connector.ts';
import { createMcpInspector } from './connectors/mcp/inspector.ts';
import { createPostgresAdmin, type PostgresAdmin } from './connectors/postgres/admin.ts';
import { createPostgresConnector } from './connectors/postgres/connector.ts';
import { createPostgresInspector } from './connectors/postgres/inspector.ts';
import { Leases } from './credentials/leases.ts';
import { loadMasterKey } from './credentials/master-key.ts';
import { createUpstreamOAuth, type UpstreamOAuth } from './credentials/oauth/upstream.ts';
import { postgresRoleIssuer } from './credentials/postgres-role.ts';
import { createReveal } from './credentials/reveal.ts';
import { createSecrets, type Secrets } from './credentials/secrets.ts';
import { staticSecretIssuer } from './credentials/static-secret.ts';
import type { Change } from './domain/connector.ts';
import type { Doors } from './domain/doors.ts';
import { DRILL_DOCUMENT } from './domain/drill.ts';
import { haltFile, realDoors } from './doors.ts';
import { createAgents } from './identity/agents.ts';
import { type Callers, createCallers } from './identity/callers.ts';
import { createOperators } from './identity/operators.ts';
import { why } from './ledger/why.ts';
import { openStore, type SharedStore, verifyAt } from './store/open.ts';
import { openPublisher } from './store/publish.ts';
import { documentSigner } from './store/signer.ts';
import { adminRoutes } from './surfaces/admin/routes.ts';
import { drillAgent } from './surfaces/drill/agent.ts';
import { healthRoutes } from './surfaces/http/health.ts';
import { type Listener, listen } from './surfaces/http/listener.ts';
import { createMcpSurface } from './surfaces/mcp/endpoint.ts';
import { runRoutes } from './surfaces/runs/routes.ts';
import { createInputCheck } from './tools/input.ts';
import { VERSION } from './version.ts';

const MAX_BODY_BYTES = 1_048_576;
const SWEEP_EVERY_MS = 60_000;

export interface Address {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** More names by which this listener is called. */
  readonly extraHosts?: readonly string[];
}

export interface SystemOptions {
  /** Holds everything: store, ledger, master key; the key alone where the store is shared. Made when absent (0700). */
  readonly directory: string;
  /** The store that this replica shares with others; unset: a file in the directory, for this process alone. */
  readonly shared?: SharedStore;
  readonly agents: Address;
  readonly operators: Address;
  /** One line at a time; never holds a secret. */
  readonly log: (line: string) => void;
  /** The simulator's and the tests' own clock, randomness and timers. */
  readonly doors?: Doors;
  /** A file that every signed checkpoint of the ledger is appended to; the log has one a minute. */
  readonly checkpoints?: string;
  /** How long a client whose call waits for a human is held before it is told to come back. */
  readonly holdMs?: number;
  /**
   * How old knowledge of halts may be where several processes share one store (250 to 5000 ms; 1000), and how often it
   * is asked for (50 ms to half of that; 250).
   */
  readonly freshness?: { readonly boundMs?: number; readonly beatMs?: number };
}

export interface System {
  readonly broker: Broker;
  readonly callers: Callers;
  readonly secrets: Secrets;
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  /** For the first operator; null when there is one. Shown once. */
  readonly setupCode: string | null;
  readonly recovered: Recovery;
  /** `inspect`: servers that may be started or called though they were never applied; all unless said. */
  plan(text: string, path: string, inspect?: readonly string[] | 'all'): Promise<Plan>;
  /** Halts this machine at once, store or no store: what its halt file says, and everything when there is none. */
  haltHere(reason: string): Promise<void>;
  apply(plan: Plan, operator: { name: string; role: 'owner' | 'operator' }): Promise<void>;
  close(): Promise<void>;
}

/** Builds and starts everything. What an earlier process left open is settled before the first call is taken. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const house = await build(options);
  try {
    return await start(house, options);
  } catch (error) {
    await house.close();
    throw error;
  }
}

/** Everything that has no door to the outside yet. */
interface House {
  readonly broker: Broker;
  readonly secrets: Secrets;
  readonly masterKey: Uint8Array;
  readonly oauth: UpstreamOAuth;
  readonly alerts: Alerts;
  readonly beatMs: number;
  readonly tryLogin: PostgresAdmin['tryLogin'];
  /** Who is told what an upstream serves anew: the surface, once there is one. */
  readonly feed: { told: (change: Change) => void };
  close(): Promise<void>;
}

async function build(options: SystemOptions): Promise<House> {
  const { directory, log, doors = realDoors(), freshness: bounds } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const masterKey = await loadMasterKey(directory, doors.entropy);
  const store = await openStore({ ...options, masterKey, doors, soon: setImmediate });
  const secrets = createSecrets({ store, masterKey, doors });
  const bundles = bundleSource(store);
  const admin = createPostgresAdmin(secrets, doors);
  const oauth = createUpstreamOAuth({ secrets, store, doors });
  const issuers = [postgresRoleIssuer(admin, doors), staticSecretIssuer(secrets), oauth.issuer];
  const connection = async (name: string) => (await bundles.active()).connections[name] ?? null;
  const { boundMs, beatMs } = boundsOf(bounds);
  const freshness = new Freshness(store, doors.clock, boundMs);
  const whoseIsLeft = () => freshness.whoseIsLeft();
  const webhooks = new Webhooks(doors.timers);
  const alerts = new Alerts({
    ...{ doors, store, bundles, log },
    secret: (name) => secrets.reveal(name),
    post: (delivery) => webhooks.post(delivery),
  });
  const leases = new Leases({
    ...{ store, issuers, connection, whoseIsLeft, doors, log },
    stuck: (trying) => tellStuck(alerts, trying, doors.clock.now()),
  });
  const feed: House['feed'] = { told: () => {} };
  const upstream: McpOptions = {
    challenged: (at, refused) => void oauth.challenged(at, refused),
    version: VERSION,
  };
  const connectors = [
    createPostgresConnector(doors, admin),
    createHttpConnector(doors),
    createMcpConnector(doors, { ...upstream, feed: (change) => feed.told(change) }),
  ];
  const reveal = createReveal(secrets, oauth);
  const inspectors = [
    createPostgresInspector(admin),
    createHttpInspector(),
    createMcpInspector(doors, { ...upstream, reveal }),
  ];
  const broker: Broker = {
    doors,
    store,
    connectors: new Map(connectors.map((connector) => [connector.kind, connector])),
    inspectors: new Map(inspectors.map((inspector) => [inspector.kind, inspector])),
    credentials: leases,
    inputs: createInputCheck(),
    bundles,
    flights: new Flights(),
    freshness,
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts,
    notices: new Notices(doors.timers),
  };
  let sealing: Awaited<ReturnType<typeof seal>> | null = null;
  const close = async (): Promise<void> => {
    leases.close();
    alerts.close();
    await webhooks.close();
    await Promise.allSettled(connectors.map((connector) => connector.close()));
    await Promise.all([admin.close(), oauth.close()]);
    await sealing?.close();
    await store.close();
  };
  sealing = await seal(broker, options).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const tryLogin: House['tryLogin'] = (...login) => admin.tryLogin(...login);
  return { broker, secrets, masterKey, oauth, tryLogin, feed, alerts, beatMs, close };
}

async function start(house: House, options: SystemOptions): Promise<System> {
  const { broker, secrets } = house;
  const { doors, store, bundles } = broker;
  const sweep = sweeper(broker, (error) => options.log(`sweep: ${error.message}`));
  const pulse = new Pulse(broker, sweep);
  await pulse.start(house.beatMs);
  const recovered = await takeOver(broker);
  const local = new LocalHalts(broker, haltFile(options.directory), options.log);
  // a halt that was written while nothing ran here comes before the first call
  await local.settled();
  const plan: System['plan'] = async (text, path, inspect = 'all') =>
    planBundle(loadConfig(text, path), {
      inspect,
      active: await bundles.active(),
      inspectors: broker.inspectors,
      timers: doors.timers,
    });
  const callers = createCallers({ store, doors });
  const operators = createOperators({ store, doors });
  const { masterKey, oauth, tryLogin, feed, alerts } = house;
  // known before the store is away
  void alerts.learn().catch((error: Error) => options.log(`alerts: ${error.message}`));
  const kept = { secrets, masterKey, oauth, tryLogin, feed, alerts };
  const surfaces = await open({ options, broker, callers, operators, plan, ...kept });
  const unwatch = local.watch();
  const sweeping = doors.timers.every(SWEEP_EVERY_MS, sweep);
  return {
    broker,
    callers,
    secrets,
    agentsUrl: surfaces.agents.url,
    operatorsUrl: surfaces.operators.url,
    setupCode: await operators.setupCode(),
    recovered,
    plan,
    haltHere: (reason) => local.now(reason),
    apply: (proposed, operator) => apply(broker, proposed, operator),
    async close() {
      sweeping.cancel();
      unwatch();
      await surfaces.close();
      pulse.close(); // last: calls that were let finish need its answers
      await house.close();
    },
  };
}

/** Seals records as long as it is up, and publishes what was signed. */
async function seal(
  { store, doors }: Broker,
  options: SystemOptions,
): Promise<{ close(): Promise<void> }> {
  const { checkpoints: file = null, log } = options;
  const publisher = await openPublisher({ file, store, log, clock: doors.clock });
  const sealer = new Sealer({ store, doors, log, publish: (one) => publisher.publish(one) });
  void sealer.seal();
  return {
    async close() {
      await sealer.close();
      await publisher.close();
    },
  };
}

interface Parts {
  readonly options: SystemOptions;
  readonly broker: Broker;
  readonly callers: Callers;
  readonly operators: ReturnType<typeof createOperators>;
  readonly secrets: Secrets;
  readonly plan: System['plan'];
  readonly masterKey: Uint8Array;
  readonly oauth: UpstreamOAuth;
  readonly alerts: Alerts;
  readonly tryLogin: House['tryLogin'];
  readonly feed: House['feed'];
}

interface Surfaces {
  readonly agents: Listener;
  readonly operators: Listener;
  close(): Promise<void>;
}

/** Lets calls go on between the pieces of a long piece of work. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Two listeners: one for agents, one for humans. Neither trusts an address. */
async function open(parts: Parts): Promise<Surfaces> {
  const { options, broker, callers, operators, secrets, plan } = parts;
  const { doors, store } = broker;
  const governed = { broker, act, beginRun, beginSubRun, endRun };
  const common = { doors, log: options.log, maxBodyBytes: MAX_BODY_BYTES };
  let agentsUrl = '';
  const drills = new DrillClock(
    broker,
    drillGround(parts, () => agentsUrl),
    options.log,
  );
  const health = healthRoutes(readiness(broker), () => drills.health);
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
        authorizations: parts.oauth,
        declared: (text, path) => loadConfig(text, path).connections,
        plan,
        verify: () => verifyAt(options, { masterKey: parts.masterKey, pause }),
        why: (id) => why(store, id),
        drills,
        agentsUrl: () => agentsUrl,
        alerts: () => parts.alerts.standing,
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
    stateKey: Buffer.from(
      hkdfSync('sha256', parts.masterKey, '', 'signalbox/request-state/v1', 32),
    ),
    approvalUrl: (id) => `${admin.url}/approvals/${id}`,
    log: options.log,
    overloaded,
    ...(options.holdMs === undefined
      ? {}
      : { hold: { modernMs: options.holdMs, legacyMs: options.holdMs } }),
  });
  parts.feed.told = (change) => mcp.changed(change);
  const agents = await listen({
    ...common,
    ...options.agents,
    origins: 'same',
    overloaded,
    routes: [...health, ...mcp.routes, ...runRoutes({ governed, callers })],
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

function readiness({ store, freshness }: Broker): Parameters<typeof healthRoutes>[0] {
  return {
    alone: store.alone,
    haltState: async () => {
      freshness.require();
      return store.haltState();
    },
  };
}

/** The drill's way out: an agent's requests to our own listener, and a login that is tried past it. */
function drillGround(parts: Parts, url: () => string): DrillGround {
  const { options, broker, callers, masterKey } = parts;
  const { store, doors } = broker;
  const sign = documentSigner({ store, masterKey, clock: doors.clock });
  return {
    software: VERSION,
    token: async (run) => (await callers.issue(run)).token,
    tryCredential: async (at, credential) =>
      credential.kind === 'login' && at.kind === 'postgres'
        ? parts.tryLogin(at, credential.user, credential.password)
        : 'unclear',
    sign: (text) => sign(DRILL_DOCUMENT, Buffer.from(text)),
    ...drillAgent({ url, cert: options.agents.tls?.cert }),
  };
}
