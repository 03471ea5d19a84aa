import type { Broker } from '../../broker/broker.ts';
import { standingHalts } from '../../broker/standing.ts';
import type { Approval } from '../../domain/approval.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { prove, proveConsistency } from '../../ledger/prove.ts';
import type { Exchange, Route } from '../http/listener.ts';
import type { AdminDeps, Operator } from './deps.ts';
import { asksIn, clip, oneAsk, oneRun, openAsks, runsIn } from './desk.ts';
import { visitor } from './guard.ts';
import { observedIn } from './observe.ts';
import { listedSecrets } from './secrets.ts';
import { serversIn } from './servers.ts';

/** The half of the operators' API that changes nothing. */
export function readRoutes(deps: AdminDeps): Route[] {
  const { broker } = deps;
  const get = (
    path: string,
    answer: (exchange: Exchange, operator: Operator) => Promise<unknown>,
  ): Route => ({
    method: 'GET',
    path,
    async handle(exchange) {
      const { operator } = await visitor(deps, exchange);
      exchange.reply(200, (await answer(exchange, operator)) as JsonObject);
    },
  });
  return [
    get('/api/status', (_, operator) => status(deps, operator)),
    get('/api/runs', (exchange) =>
      runsIn(broker, oneOf(exchange, 'state', ['all', 'live', 'ended'])),
    ),
    get('/api/runs/{id}', (exchange) =>
      oneRun(broker, exchange.params.id ?? '', afterOf(exchange)),
    ),
    get('/api/approvals', async (exchange) => {
      const state = oneOf(exchange, 'state', ASK_STATES);
      const found = state === 'pending' ? await openAsks(broker) : await asksIn(broker, state);
      return { approvals: found.asks, more: found.more };
    }),
    get('/api/approvals/{id}', (exchange) => oneAsk(broker, exchange.params.id ?? '')),
    get('/api/halts', async () => ({
      stamp: (await broker.store.haltState()).stamp,
      halts: await standingHalts(broker),
    })),
    get('/api/secrets', () => listedSecrets(deps)),
    get('/api/why/{id}', (exchange) => told(deps, exchange.params.id ?? '')),
    get('/api/servers', async () => ({ servers: await serversIn(broker) })),
    get('/api/ledger/verify', () => deps.verify()),
    get('/api/ledger/checkpoint', () => checkpoint(deps)),
    get('/api/ledger/proof', (exchange) =>
      prove(
        broker.store,
        exchange.url.searchParams.get('id') ?? '',
        numberOf(exchange, 'size') ?? undefined,
      ),
    ),
    get('/api/ledger/consistency', (exchange) =>
      proveConsistency(
        broker.store,
        numberOf(exchange, 'first') ?? 0,
        numberOf(exchange, 'second') ?? undefined,
      ),
    ),
  ];
}

const ASK_STATES = [
  'pending',
  'approved',
  'used',
  'refused',
  'void',
  'expired',
  'all',
] as const satisfies readonly (Approval['state'] | 'expired' | 'all')[];

/** How far the ledger is sealed; null before anything was. */
async function sealedUpTo({ store, doors }: Broker): Promise<Json> {
  const seal = await store.seal();
  if (seal === null) return null;
  const { size, unsealed, checkpoint } = seal;
  const ageMs = checkpoint === null ? null : Math.max(0, doors.clock.now() - checkpoint.at);
  return { size, unsealed, checkpointAgeMs: ageMs };
}

async function status(deps: AdminDeps, operator: Operator): Promise<{ [name: string]: Json }> {
  const { broker } = deps;
  const { stamp, halts } = await broker.store.haltState();
  const bundle = await broker.bundles.get(stamp.bundle);
  const open = await broker.store.openActions();
  const leases = await broker.store.leases({ state: ['minting', 'live', 'revoking', 'residual'] });
  return {
    version: deps.version,
    operator: { ...operator },
    agentsUrl: deps.agentsUrl(),
    organisation: bundle.organisation.name,
    bundle: stamp.bundle,
    agents: Object.keys(bundle.agents),
    observed: observedIn(bundle, broker.doors.clock.now()).map((one) => ({ ...one })),
    tools: Object.keys(bundle.tools),
    connections: Object.keys(bundle.connections),
    halts: halts.map((halt) => ({ ...halt })),
    liveRuns: (await runsIn(broker, 'live')).runs.length,
    openApprovals: (await openAsks(broker)).asks.length,
    openIntents: open.map(({ id, runId, tool, state, admittedAt }) => ({
      id,
      runId,
      tool,
      state,
      admittedAt,
    })),
    policies: { ...deps.policies(stamp.bundle) } as never,
    alerts: { ...deps.alerts() },
    sealed: await sealedUpTo(broker),
    leases: leases.map(({ handle, connection, state, expiresAt }) => ({
      handle,
      connection,
      state,
      expiresAt,
    })),
  };
}

async function told(deps: AdminDeps, id: string): Promise<unknown> {
  const found = await deps.why(id);
  if (found !== null) return { lines: found.lines, story: found.json };
  throw new SignalboxError(
    'NOT_FOUND',
    `expected the id of a run, action or approval, got \`${clip(id)}\``,
    { help: '`signalbox run list` and `signalbox approvals` show ids' },
  );
}

/** What others check the ledger by; the secret of the key stays. */
async function checkpoint({ broker }: AdminDeps): Promise<{ [name: string]: Json }> {
  const seal = await broker.store.seal();
  if (seal === null) return { key: null, size: 0, unsealed: 0, checkpoint: null };
  const { verifier: key, size, unsealed, checkpoint: newest } = seal;
  return { key, size, unsealed, checkpoint: newest === null ? null : { ...newest } };
}

/** `?after=SEQ`: records that follow this one. */
function afterOf(exchange: Exchange): number {
  return numberOf(exchange, 'after') ?? 0;
}

function numberOf(exchange: Exchange, name: string): number | null {
  const given = exchange.url.searchParams.get(name);
  if (given === null) return null;
  if (!/^\d{1,15}$/.test(given))
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected \`${name}\` to be a number, got \`${clip(given)}\``,
    );
  return Number(given);
}

/** The first known value is the default. */
function oneOf<const Known extends readonly string[]>(
  exchange: Exchange,
  name: string,
  known: Known,
): Known[number] {
  const given = exchange.url.searchParams.get(name) ?? known[0] ?? '';
  if (!known.includes(given))
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected \`${name}\` to be ${known.join(', ')}, got \`${clip(given)}\``,
    );
  return given;
}
