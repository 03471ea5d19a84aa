import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnownSecrets } from '../../../boundary/known-secrets.ts';
import { act } from '../../../broker/act.ts';
import type { Broker } from '../../../broker/broker.ts';
import { bundleSource } from '../../../broker/bundles.ts';
import { Flights } from '../../../broker/flights.ts';
import { Freshness } from '../../../broker/freshness.ts';
import { Lineages } from '../../../broker/lineage.ts';
import { LocalGate } from '../../../broker/local-gate.ts';
import { Notices } from '../../../broker/notices.ts';
import { OpenStreams } from '../../../broker/open-streams.ts';
import { PolicyAlarms } from '../../../broker/policy-alarms.ts';
import { beginRun, beginSubRun, endRun } from '../../../broker/runs.ts';
import { say } from '../../../broker/say.ts';
import { reportUsage } from '../../../broker/spend.ts';
import { loadConfig } from '../../../config/load.ts';
import { planBundle } from '../../../config/plan.ts';
import { createHttpInspector } from '../../../connectors/http/inspector.ts';
import { Leases } from '../../../credentials/leases.ts';
import { createUpstreamOAuth, type UpstreamOAuth } from '../../../credentials/oauth/upstream.ts';
import { createSecrets } from '../../../credentials/secrets.ts';
import { UserGrants } from '../../../credentials/user-grants.ts';
import { NO_ALERTS } from '../../../domain/alert.ts';
import { type Bundle, bundleDigest, type Tool } from '../../../domain/bundle.ts';
import { NO_CONSULTS } from '../../../domain/consult.ts';
import { digestOf } from '../../../domain/digest.ts';
import type { Doors } from '../../../domain/doors.ts';
import { effectVector } from '../../../domain/effect.ts';
import { SignalboxError } from '../../../domain/errors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Outcome } from '../../../domain/proposal.ts';
import { realDoors } from '../../../doors.ts';
import { createAgents } from '../../../identity/agents.ts';
import { createCallers } from '../../../identity/callers.ts';
import { KeySets } from '../../../identity/key-sets.ts';
import { createOperators, type Operators } from '../../../identity/operators.ts';
import { createSubjectTokens } from '../../../identity/subject-tokens.ts';
import { why } from '../../../ledger/why.ts';
import { PolicyRoom } from '../../../policy/policies.ts';
import { verifyStore } from '../../../store/sqlite/evidence.ts';
import { openSqliteStore } from '../../../store/sqlite/store.ts';
import { healthRoutes } from '../../http/health.ts';
import { listen } from '../../http/listener.ts';
import { runRoutes } from '../../runs/routes.ts';
import { adminRoutes } from '../routes.ts';
import { Shelf } from './shelf.ts';

/** The real store, broker, identity and both listeners over a target of rows. Time stands still until a test moves it. */
export interface Office {
  readonly broker: Broker;
  readonly operators: Operators;
  readonly policyAlarms: PolicyAlarms;
  readonly shelf: Shelf;
  readonly doors: Doors;
  readonly clock: { at: number };
  readonly url: string;
  readonly agentsUrl: string;
  readonly directory: string;
  /** An owner's key. */
  readonly key: string;
  /** Activates a bundle directly, as `apply` does. */
  activate(change?: Partial<Bundle>): Promise<void>;
  begin(intent?: string): Promise<string>;
  propose(runId: string, tool: string, input: JsonObject): Promise<Outcome>;
  /** The id of a new ask: customer 7 renamed. */
  park(runId: string, name?: string): Promise<string>;
  call(method: string, path: string, options?: CallOptions): Promise<Answered>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly bearer?: string | null;
  readonly headers?: { readonly [name: string]: string };
  readonly json?: unknown;
  readonly form?: { readonly [name: string]: string };
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: JsonObject;
}

export const START = Date.UTC(2026, 10, 22, 9, 0, 0);

export async function openOffice(): Promise<Office> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-office-'));
  const clock = { at: START };
  const doors = steadyDoors(clock);
  const masterKey = Buffer.alloc(32, 7);
  const store = await openSqliteStore({ directory, masterKey, doors });
  const bundles = bundleSource(store);
  const leases = new Leases({
    store,
    issuers: [],
    connection: async (name) => (await bundles.active()).connections[name] ?? null,
    doors,
    log: () => {},
  });
  const oauth = createUpstreamOAuth({
    secrets: createSecrets({ store, masterKey, doors }),
    store,
    doors,
  });
  const grants = new UserGrants({ shelf: oauth.grants, store, doors, log: () => {} });
  const shelf = new Shelf();
  const broker: Broker = {
    doors,
    store,
    connectors: new Map([[shelf.kind, shelf]]),
    inspectors: new Map([['http', createHttpInspector()]]),
    credentials: leases,
    grants,
    inputs: () => [],
    policies: new PolicyRoom(),
    bundles,
    flights: new Flights(),
    freshness: new Freshness(store, doors.clock),
    streams: new OpenStreams(),
    local: new LocalGate(),
    lineage: new Lineages({ store, bundles, doors, isSecret: () => false }),
    alerts: NO_ALERTS,
    notices: new Notices(doors.timers),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
  };
  const operators = createOperators({ store, doors });
  const { admin, agents, policyAlarms } = await openListeners({
    broker,
    operators,
    directory,
    masterKey,
    oauth,
  });
  const { key } = await operators.claim((await operators.setupCode()) ?? '', 'olga');
  const parts = { broker, operators, policyAlarms, shelf, doors, clock, directory, key };
  const office: Office = {
    ...parts,
    url: admin.url,
    agentsUrl: agents.url,
    ...deedsOf(broker),
    call: (method, path, options) => call(admin.url, key, method, path, options),
    async close() {
      await Promise.all([admin.close(0), agents.close(0)]);
      leases.close();
      grants.close();
      await oauth.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await office.activate();
  shelf.rows = [
    { id: 7, name: 'Ada', plan: 'basic' },
    { id: 8, name: 'Bob', plan: null },
  ];
  return office;
}

async function openListeners(parts: {
  readonly broker: Broker;
  readonly operators: Operators;
  readonly directory: string;
  readonly masterKey: Uint8Array;
  readonly oauth: UpstreamOAuth;
}) {
  const { broker, operators, directory, masterKey } = parts;
  const { store, doors, bundles, inspectors } = broker;
  const log = (line: string): void => console.error(line);
  const common = { doors, host: '127.0.0.1', port: 0, maxBodyBytes: 1_048_576, log };
  const policyAlarms = new PolicyAlarms({ store, doors, log: () => {}, alerts: () => NO_ALERTS });
  const governed = { broker, act, beginRun, beginSubRun, endRun, reportUsage, say };
  const callers = createCallers({ store, doors });
  const keys = new KeySets(async (url) => (await fetch(url)).text(), doors.clock);
  const subjects = createSubjectTokens(keys, doors.clock);
  const agents = await listen({
    ...common,
    origins: 'none',
    routes: [...healthRoutes(store), ...runRoutes({ governed, callers, subjects })],
  });
  const routes = adminRoutes({
    broker,
    operators,
    enrol: createAgents({ store, doors }).enrol,
    secrets: createSecrets({ store, masterKey, doors }),
    plan: async (text, path, inspect, files) =>
      planBundle(loadConfig(text, path, files), {
        active: await bundles.active(),
        inspectors,
        inspect,
      }),
    authorizations: parts.oauth,
    declared: (text, path) => loadConfig(text, path).connections,
    verify: () => verifyStore({ directory, masterKey }),
    why: (id) => why(store, id),
    policies: (bundle) => policyAlarms.health(bundle),
    solver: () => ({
      solve: async () => ({ kind: 'unknown', why: 'there is no solver here' }),
      close: () => {},
    }),
    alerts: () => ({ waiting: 0, undelivered: 0, why: null }),
    drills: {
      drill: async () => {
        throw new SignalboxError('DRILL_UNPLANNED', 'no drill is planned in the active bundle');
      },
    },
    agentsUrl: () => agents.url,
    version: '0.0.0-test',
    tls: false,
  });
  const admin = await listen({
    ...common,
    origins: 'same',
    routes: [...healthRoutes(store), ...routes],
  });
  return { admin, agents, policyAlarms };
}

function deedsOf(broker: Broker): Pick<Office, 'activate' | 'begin' | 'propose' | 'park'> {
  const { store, bundles, doors } = broker;
  const propose: Office['propose'] = (runId, tool, input) =>
    act(broker, { runId, tool, arguments: input, via: 'test' });
  return {
    propose,
    async activate(change = {}) {
      const active = await bundles.active();
      const content = { ...BUNDLE, ...change, digest: '' };
      const applied = await store.commit({
        kind: 'bundle.apply',
        bundle: { ...content, digest: bundleDigest(content) },
        expected: active.digest,
        widenings: [],
        by: 'olga',
        at: doors.clock.now(),
      });
      if (!applied.ok) throw new Error(applied.because);
    },
    begin: async (intent = 'rename a customer') =>
      (await beginRun(broker, { agent: 'support', intent, budget: {} })).id,
    async park(runId, name = 'Ada L.') {
      const outcome = await propose(runId, 'rename', { id: 7, name });
      if (outcome.kind !== 'parked')
        throw new Error(`expected an ask, got ${JSON.stringify(outcome)}`);
      return outcome.approvalId;
    },
  };
}

async function call(
  url: string,
  key: string,
  method: string,
  path: string,
  { bearer = key, headers = {}, json, form }: CallOptions = {},
): Promise<Answered> {
  const response = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? (JSON.parse(text) as JsonObject) : {},
  };
}

/** Ids count up, so that what is shown can be compared word by word. */
function steadyDoors(clock: { at: number }): Doors {
  const real = realDoors();
  const counts = new Map<string, number>();
  return {
    ...real,
    clock: { now: () => clock.at, monotonic: real.clock.monotonic },
    entropy: {
      bytes: real.entropy.bytes,
      id: (prefix) => {
        const count = (counts.get(prefix) ?? 0) + 1;
        counts.set(prefix, count);
        return `${prefix}_${String(count).padStart(4, '0')}`;
      },
    },
  };
}

const CAPS = { read: { rowsRead: 100 }, write: { rowsWritten: 5 }, destroy: { rowsDeleted: 5 } };

export function toolNamed(name: string, effect: Tool['effect'], more: Partial<Tool> = {}): Tool {
  const { digest: _, ...tool } = {
    digest: '',
    name,
    description: name,
    connection: 'shop',
    inputSchema: { type: 'object' },
    effect,
    reversibility: 'declared' as const,
    idempotent: false,
    recoveryPath: false,
    cap: effectVector({ calls: 1, ...CAPS[effect] }),
    maxResultBytes: 10_000,
    timeoutMs: 5_000,
    binding: { sql: 'update customers set name = :name\nwhere id = :id' },
    derivation: [],
    ...more,
  };
  return { ...tool, digest: digestOf('tool', tool) };
}

const TOOLS = [
  toolNamed('look', 'read'),
  toolNamed('rename', 'write'),
  toolNamed('wipe', 'destroy'),
];

const BUNDLE: Bundle = {
  digest: '',
  format: 1,
  organisation: { name: 'acme', domains: ['acme.example'] },
  connections: {
    shop: {
      name: 'shop',
      kind: 'shelf',
      environment: 'production',
      settings: { host: 'shop.example' },
    },
  },
  tools: Object.fromEntries(TOOLS.map((tool) => [tool.name, tool])),
  agents: { support: { name: 'support', owner: 'dana@acme.example' } },
  grants: TOOLS.map(({ name }) => ({ agent: 'support', tool: name, rung: 'approve' as const })),
  limits: { run: { calls: 50, rowsDeleted: 10 } },
  approvalMinutes: 60,
};
