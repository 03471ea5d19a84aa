import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { KnownSecrets } from '../../src/boundary/known-secrets.ts';
import { answer } from '../../src/broker/answer.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { bundleSource } from '../../src/broker/bundles.ts';
import { Flights } from '../../src/broker/flights.ts';
import { Freshness } from '../../src/broker/freshness.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { LocalGate } from '../../src/broker/local-gate.ts';
import { Notices } from '../../src/broker/notices.ts';
import { OpenStreams } from '../../src/broker/open-streams.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { Leases } from '../../src/credentials/leases.ts';
import { NO_ALERTS } from '../../src/domain/alert.ts';
import { type Bundle, bundleDigest, type Limits, type Tool } from '../../src/domain/bundle.ts';
import { NO_CONSULTS } from '../../src/domain/consult.ts';
import { digestOf } from '../../src/domain/digest.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Store } from '../../src/domain/store.ts';
import { NO_GRANTS } from '../../src/domain/user-grant.ts';
import { realDoors } from '../../src/doors.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { Issuer, Target } from './target.ts';

/** The real broker over the real store, in front of a target that counts its effects. */
export interface PropertyWorld {
  readonly broker: Broker;
  readonly store: Store;
  readonly target: Target;
  readonly issuer: Issuer;
  /** Moves the wall clock. */
  readonly clock: { ahead: number };
  readonly logged: string[];
  apply(change?: (bundle: Bundle) => Partial<Bundle>): Promise<void>;
  run(agent: string): Promise<string>;
  approve(approvalId: string): Promise<void>;
  close(): Promise<void>;
}

/** Closed when `t` ends, also when it fails. */
export async function openWorld(t: TestContext, limits: Limits = {}): Promise<PropertyWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-property-'));
  const real = realDoors();
  const clock = { ahead: 0 };
  const doors = {
    ...real,
    clock: { now: () => real.clock.now() + clock.ahead, monotonic: real.clock.monotonic },
  };
  const store = await openSqliteStore({ directory, masterKey: Buffer.alloc(32, 7), doors });
  const [target, issuer, logged, bundles] = [
    new Target(),
    new Issuer(),
    [] as string[],
    bundleSource(store),
  ];
  const connection = async (name: string) => (await bundles.active()).connections[name] ?? null;
  const leases = new Leases({
    ...{ store, issuers: [issuer], connection, doors },
    log: (line) => logged.push(line),
  });
  const broker: Broker = {
    doors,
    store,
    connectors: new Map([['target', target]]),
    inspectors: new Map(),
    credentials: leases,
    inputs: () => [],
    bundles,
    policies: new PolicyRoom(),
    flights: new Flights(),
    freshness: new Freshness(store, doors.clock),
    ...{ streams: new OpenStreams(), local: new LocalGate(), alerts: NO_ALERTS },
    notices: new Notices(doors.timers),
    lineage: new Lineages({ store, bundles, doors, isSecret: () => false }),
    ...{ consults: NO_CONSULTS, grants: NO_GRANTS, withhold: new KnownSecrets() },
  };
  const world: PropertyWorld = {
    broker,
    store,
    target,
    issuer,
    clock,
    logged,
    async apply(change = () => ({})) {
      const active = await bundles.active();
      const base = { ...BUNDLE, limits };
      const content = { ...base, ...change(base) };
      const bundle = { ...content, digest: bundleDigest(content) };
      const applied = await store.commit({
        kind: 'bundle.apply',
        bundle,
        expected: active.digest,
        widenings: [],
        by: 'test',
        at: doors.clock.now(),
      });
      if (!applied.ok) throw new Error(applied.because);
    },
    run: async (agent) => (await beginRun(broker, { agent, intent: 'a test', budget: {} })).id,
    async approve(approvalId) {
      const ask = await store.ask(approvalId);
      if (ask === null) throw new Error(`no ask ${approvalId}`);
      await answer(broker, {
        approvalId,
        answer: 'approved',
        by: 'olga',
        because: 'test',
        digest: ask.approval.digest,
      });
    },
    async close() {
      leases.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  t.after(() => world.close());
  await world.apply();
  return world;
}

export function toolNamed(name: string, effect: Tool['effect'], more: Partial<Tool> = {}): Tool {
  const tool = {
    name,
    description: name,
    connection: 'target',
    inputSchema: { type: 'object' },
    effect,
    reversibility: 'none' as const,
    idempotent: false,
    recoveryPath: false,
    cap: effectVector(effect === 'read' ? { calls: 1, rowsRead: 5 } : { calls: 1, rowsWritten: 5 }),
    maxResultBytes: 10_000,
    timeoutMs: 5_000,
    binding: {},
    derivation: [],
    ...more,
  };
  return { ...tool, digest: digestOf('tool', tool) };
}

const AGENTS = ['ann', 'bob'];
const TOOLS = [
  toolNamed('look', 'read'),
  toolNamed('change', 'write'),
  toolNamed('wipe', 'destroy'),
];

export const BUNDLE: Bundle = {
  digest: '',
  format: 1,
  organisation: { name: 'o', domains: [] },
  connections: {
    target: {
      name: 'target',
      kind: 'target',
      environment: 'production',
      settings: {},
      issuer: 'target-issuer',
    },
  },
  tools: Object.fromEntries(TOOLS.map((tool) => [tool.name, tool])),
  agents: Object.fromEntries(AGENTS.map((name) => [name, { name, owner: 'dana@acme.example' }])),
  grants: AGENTS.flatMap((agent) =>
    TOOLS.map((tool) => ({ agent, tool: tool.name, rung: 'approve' as const })),
  ),
  limits: {},
  approvalMinutes: 60,
};
