import type { Lease } from '../domain/credential.ts';
import { type HaltScope, partsOf } from '../domain/halt.ts';
import type { Alive } from '../domain/ops.ts';
import type { LiveRun } from '../domain/run.ts';
import type { Broker, HaltReach, HeldCredentials } from './broker.ts';
import { knownScope, runsAmong } from './scopes.ts';
import { grantCounts, grantsUnder } from './user-grants.ts';

const MOST_ASKS = 10_000;

/** What a halt would stop, for the human who is about to pull it. Throws HALT_SCOPE. */
export async function reach(broker: Broker, named: HaltScope): Promise<HaltReach> {
  const scope = await knownScope(broker, named);
  const { runs: under, leases } = await covered(broker, scope);
  const ids = new Set(under.map(({ id }) => id));
  const runs = ids.size > 0 ? under : await users(broker, scope);
  const { tools } = await broker.bundles.active();
  const covers = async (state: 'pending' | 'approved'): Promise<number> =>
    (await broker.store.asks({ limit: MOST_ASKS, state })).filter(({ approval: { binding } }) => {
      const { runId, tool } = binding;
      return (
        ids.has(runId) || [`tool:${tool}`, `connection:${tools[tool]?.connection}`].includes(scope)
      );
    }).length;
  return {
    scope,
    runs: runs.length,
    subRuns: runs.filter(({ parent }) => parent !== null).length,
    whole: stopsRuns(scope),
    flights: broker.flights.count(scope),
    sent: broker.flights.countSent(scope),
    asks: await covers('pending'),
    approved: await covers('approved'),
    streams: broker.streams.count(scope),
    children: [...broker.connectors.values()].reduce(
      (sum, connector) => sum + (connector.children?.(scope, ids) ?? 0),
      0,
    ),
    leases: leases.length,
    credentials: await grouped(broker, leases),
    grants: grantCounts(await grantsUnder(broker, scope, broker.doors.clock.now())),
  };
}

/** A run in one of these scopes stops whole; in the others only the calls that touch it do. */
function stopsRuns(scope: HaltScope): boolean {
  return ['all', 'agent', 'run', 'model'].includes(partsOf(scope)[0]);
}

/** Live runs of agents that hold a grant for what is halted. */
async function users(broker: Broker, scope: HaltScope) {
  const [kind, name] = partsOf(scope);
  const { grants, tools } = await broker.bundles.active();
  const touched = grants.filter(({ tool }) =>
    kind === 'tool' ? tool === name : kind === 'connection' && tools[tool]?.connection === name,
  );
  const agents = new Set(touched.map(({ agent }) => agent));
  return (await broker.store.liveRuns()).filter(({ agent }) => agents.has(agent));
}

/** Credentials that are alive and that a halt of this scope ends. */
export async function leasesIn(broker: Broker, scope: HaltScope): Promise<readonly Lease[]> {
  return (await covered(broker, scope)).leases;
}

/**
 * What lives under a halt of this scope, and the credentials that it ends. Those of a run that ended meanwhile may still
 * work, and a halt of what stood above it covers them. `alive`: what the store said just now.
 */
export async function covered(
  broker: Broker,
  scope: HaltScope,
  alive?: Alive,
): Promise<{ readonly runs: readonly LiveRun[]; readonly leases: readonly Lease[] }> {
  const { runs: live, leases, ended } = alive ?? (await allAlive(broker));
  const runs = await runsAmong(broker, scope, live);
  const gone = await runsAmong(broker, scope, ended);
  const under = new Set([...runs, ...gone].map(({ id }) => id));
  return { runs, leases: leases.filter((lease) => under.has(lease.runId) || isIn(scope, lease)) };
}

async function allAlive(broker: Broker): Promise<Alive> {
  const [leases, runs] = await Promise.all([aliveLeases(broker), broker.store.liveRuns()]);
  const known = new Set(runs.map(({ id }) => id));
  const over = new Set(leases.flatMap(({ runId }) => (known.has(runId) ? [] : [runId])));
  const ended = await Promise.all([...over].map((runId) => broker.store.run(runId)));
  return { runs, leases, ended: ended.filter((run) => run !== null) };
}

function aliveLeases(broker: Broker): ReturnType<Broker['store']['leases']> {
  return broker.store.leases({ state: ['minting', 'live', 'revoking'] });
}

/** By what the lease itself says. */
function isIn(scope: HaltScope, { id, runId, agent, connection }: Lease): boolean {
  const own = ['all', `run:${runId}`, `agent:${agent}`];
  return [...own, `connection:${connection}`, `credential:${id}`].includes(scope);
}

/** By connection and by how they can be ended. */
async function grouped(
  broker: Broker,
  leases: readonly Lease[],
): Promise<readonly HeldCredentials[]> {
  const groups = Map.groupBy(
    leases,
    ({ connection, revocability }) => `${revocability} ${connection}`,
  );
  const wide = leases.some(({ revocability }) => revocability === 'principal-wide');
  const alive = wide ? await aliveLeases(broker) : [];
  const own = new Set(leases.map(({ id }) => id));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { connection, revocability } = first;
    const others = alive.filter((lease) => lease.connection === connection && !own.has(lease.id));
    return [
      {
        connection,
        revocability,
        count: group.length,
        until: Math.max(...group.map(({ expiresAt }) => expiresAt)),
        alsoEnds: revocability === 'principal-wide' ? others.length : 0,
      },
    ];
  });
}
