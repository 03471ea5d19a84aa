import type { Bundle } from '../domain/bundle.ts';
import type { GrantSet } from '../domain/connector.ts';
import { SignalboxError } from '../domain/errors.ts';
import { canonical } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';
import type { Broker } from './broker.ts';
import { revokeSoon } from './patience.ts';

/** What `plan` proposes: a whole bundle, the one it was compared with, and every widening in words. */
export interface Proposed {
  readonly bundle: Bundle;
  readonly base: string;
  readonly widenings: readonly string[];
}

/** Activates a bundle. Widening needs an owner. The targets are prepared first, so that what becomes active can work. */
export async function apply(
  broker: Broker,
  plan: Proposed,
  operator: { name: string; role: 'owner' | 'operator' },
): Promise<void> {
  const before = applying.get(broker.store) ?? Promise.resolve();
  const mine = before.catch(() => {}).then(() => applyAlone(broker, plan, operator));
  applying.set(broker.store, mine);
  await mine;
}

/** One at a time: what a plan prepares at the targets must be what then becomes active. */
const applying = new WeakMap<Store, Promise<void>>();

async function applyAlone(
  broker: Broker,
  plan: Proposed,
  operator: { name: string; role: 'owner' | 'operator' },
): Promise<void> {
  if (plan.widenings.length > 0 && operator.role !== 'owner')
    throw new SignalboxError(
      'APPLY_NEEDS_OWNER',
      `the plan widens authority in ${plan.widenings.length} places and \`${operator.name}\` is no owner`,
    );
  const active = await broker.bundles.active();
  if (active.digest !== plan.base) throw moved();
  await Promise.all([prepare(broker, plan.bundle), broker.policies.ready(plan.bundle)]);
  const gone = moving(active, plan.bundle);
  await retire(broker, gone);
  const applied = await broker.store.commit({
    kind: 'bundle.apply',
    bundle: plan.bundle,
    expected: plan.base,
    widenings: plan.widenings,
    by: operator.name,
    at: broker.doors.clock.now(),
  });
  if (!applied.ok) {
    await prepare(broker, await broker.bundles.active());
    throw moved();
  }
  broker.notices.notify('bundle');
  await retire(broker, gone); // what was minted for the old target while the first round waited
}

async function prepare(broker: Broker, bundle: Bundle): Promise<void> {
  for (const connection of Object.values(bundle.connections)) {
    const tools = Object.values(bundle.tools).filter((tool) => tool.connection === connection.name);
    const grantSets = grantSetsOf(bundle, new Set(tools.map(({ name }) => name)));
    await broker.inspectors.get(connection.kind)?.prepare(connection, tools, grantSets);
  }
}

/** Names of connections that go, or point elsewhere. */
function moving({ connections }: Bundle, next: Bundle): ReadonlySet<string> {
  const gone = Object.values(connections).filter((connection) => {
    const then = next.connections[connection.name];
    return then === undefined || canonical(then) !== canonical(connection);
  });
  return new Set(gone.map(({ name }) => name));
}

/** Their credentials end; where each was minted is remembered, so its source can still be asked. */
async function retire(broker: Broker, gone: ReadonlySet<string>): Promise<void> {
  if (gone.size === 0) return;
  await revokeSoon(broker, (lease) => gone.has(lease.connection));
}

export function grantSetsOf(bundle: Bundle, tools: ReadonlySet<string>): GrantSet[] {
  return Object.keys(bundle.agents).flatMap((agent) => {
    const held = bundle.grants
      .filter((grant) => grant.agent === agent && tools.has(grant.tool))
      .map(({ tool }) => tool);
    return held.length === 0 ? [] : [{ agent, tools: held }];
  });
}

function moved(): SignalboxError {
  return new SignalboxError(
    'BUNDLE_MOVED',
    'the active bundle is no longer the one this plan was compared with',
  );
}
