import type { Bundle, Connection, Tool } from '../domain/bundle.ts';
import type { GrantSet, Inspector } from '../domain/connector.ts';
import { exposed, SignalboxError } from '../domain/errors.ts';
import type { VerifiedGrants } from '../domain/verified.ts';
import { grantSetsOf } from './apply.ts';
import type { Broker } from './broker.ts';
import { beginRun, endRun } from './runs.ts';

const LIFETIME_MS = 5 * 60_000;

/** Null: all there are. */
export interface VerifyWish {
  readonly agent: string | null;
  readonly connection: string | null;
}

/**
 * Proves least privilege at the source: for each agent and connection a credential is minted as a run would get it, and
 * everything that no tool needs is tried with it. Each has a run of its own, so its lease is on record and revoked after.
 * Throws AGENT_UNKNOWN, NOT_FOUND.
 */
export async function verify(broker: Broker, wish: VerifyWish): Promise<VerifiedGrants[]> {
  const bundle = await broker.bundles.active();
  if (wish.agent !== null && !Object.hasOwn(bundle.agents, wish.agent))
    throw new SignalboxError('AGENT_UNKNOWN', 'no agent of this name is in the active bundle');
  if (wish.connection !== null && !Object.hasOwn(bundle.connections, wish.connection))
    throw new SignalboxError('NOT_FOUND', 'no connection of this name is in the active bundle');
  const found: VerifiedGrants[] = [];
  for (const { connection, inspector, grants } of grantsAt(broker, bundle))
    if (wish.agent === null || wish.agent === grants.agent)
      if (wish.connection === null || wish.connection === connection.name)
        found.push(await verified(broker, bundle, connection, inspector, grants));
  return found;
}

interface At {
  readonly connection: Connection;
  readonly inspector: Inspector;
  readonly grants: GrantSet;
}

function grantsAt({ inspectors }: Broker, bundle: Bundle): At[] {
  return Object.values(bundle.connections).flatMap((connection) => {
    const inspector = inspectors.get(connection.kind);
    if (inspector?.verify === undefined) return [];
    const tools = Object.values(bundle.tools).filter((tool) => tool.connection === connection.name);
    const sets = grantSetsOf(bundle, new Set(tools.map(({ name }) => name)));
    return sets.map((grants) => ({ connection, inspector, grants }));
  });
}

async function verified(
  broker: Broker,
  { tools }: Bundle,
  connection: Connection,
  inspector: Inspector,
  grants: GrantSet,
): Promise<VerifiedGrants> {
  const about = { agent: grants.agent, connection: connection.name, tools: grants.tools };
  try {
    const run = await beginRun(broker, {
      agent: grants.agent,
      intent: 'signalbox verify',
      budget: {},
      lifetimeMs: LIFETIME_MS,
    });
    try {
      const credential = await broker.credentials.obtain(run, connection);
      const held = grants.tools.flatMap((name): Tool[] => {
        const tool = tools[name];
        return tool === undefined ? [] : [tool];
      });
      const found = await inspector.verify?.(
        connection,
        { agent: grants.agent, tools: held },
        credential,
      );
      if (found === undefined) throw new SignalboxError('INTERNAL', 'nothing was verified');
      return { ...about, ...found, ok: found.beyond.length === 0, fault: null };
    } finally {
      await endRun(broker, run.id, 'verified');
    }
  } catch (error) {
    const { code, message } = exposed(error);
    const fault = `${code}: ${message}`;
    return { ...about, probes: [], beyond: [], notes: [], ok: false, fault };
  }
}
