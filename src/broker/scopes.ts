import { type Bundle, modelsOf } from '../domain/bundle.ts';
import { SignalboxError } from '../domain/errors.ts';
import { HALT_SCOPE_KINDS, type HaltScope, partsOf, scopesOfRun } from '../domain/halt.ts';
import { actorsOf, type LiveRun } from '../domain/run.ts';
import type { Broker } from './broker.ts';
import { bundleHeard } from './bundles.ts';

/**
 * The scope as the store keeps it. A halt that stops nothing is worse than none: the name must be one that is
 * configured, running or lent out. A credential may be named by its handle. Throws HALT_SCOPE.
 */
export async function knownScope(broker: Broker, scope: HaltScope): Promise<HaltScope> {
  checkScope(scope);
  const [kind, name] = partsOf(scope);
  if (kind === 'all') return scope;
  if (kind === 'credential') {
    const lease = (await broker.store.leases({})).find(
      ({ id, handle }) => id === name || handle === name,
    );
    if (lease === undefined) throw unknown(scope);
    return `credential:${lease.id}`;
  }
  if (!(await isKnown(broker, kind, name))) throw unknown(scope);
  return scope;
}

async function isKnown(broker: Broker, kind: string, name: string): Promise<boolean> {
  if (kind === 'run') return (await broker.store.run(name)) !== null;
  const heard = bundleHeard(broker);
  // who pulls it does not wait for the store to say once more what this replica heard just now
  if (heard !== undefined && isNamed(heard, kind, name)) return true;
  if (isNamed(await broker.bundles.active(), kind, name)) return true;
  return kind === 'agent' && (await broker.store.liveRuns()).some(({ agent }) => agent === name);
}

function isNamed({ tools, connections, agents }: Bundle, kind: string, name: string): boolean {
  switch (kind) {
    case 'tool':
      return Object.hasOwn(tools, name);
    case 'connection':
      return Object.hasOwn(connections, name);
    case 'model':
      return Object.values(agents).some(({ model }) => model === name);
    default:
      return Object.hasOwn(agents, name);
  }
}

/** Throws HALT_SCOPE when it is none, known or not. */
export function checkScope(scope: HaltScope): void {
  const [kind, name] = partsOf(scope);
  const known = (HALT_SCOPE_KINDS as readonly string[]).includes(kind);
  if (!known || (name !== '') === (kind === 'all') || (kind === 'all' && scope !== 'all'))
    throw new SignalboxError('HALT_SCOPE', `\`${scope}\` is no scope of a halt`);
}

function unknown(scope: HaltScope): SignalboxError {
  return new SignalboxError(
    'HALT_SCOPE',
    `\`${scope}\` names nothing that is configured or running`,
  );
}

/** Live runs that a halt of this scope stops whole, with everything below them. */
export async function runsUnder(broker: Broker, scope: HaltScope): Promise<readonly LiveRun[]> {
  return runsAmong(broker, scope, await broker.store.liveRuns());
}

/** Those of them that a halt of this scope stops whole. */
export async function runsAmong(
  broker: Broker,
  scope: HaltScope,
  runs: readonly LiveRun[],
): Promise<readonly LiveRun[]> {
  const [kind, name] = partsOf(scope);
  if (kind !== 'model') return runs.filter((run) => scopesOfRun(run).includes(scope));
  const bundle = await broker.bundles.active();
  return runs.filter((run) => modelsOf(bundle, actorsOf(run)).includes(name));
}
