import { type Bundle, modelsOf } from '../domain/bundle.ts';
import { type HaltScope, partsOf } from '../domain/halt.ts';
import type { JsonObject } from '../domain/json.ts';
import type { GrantEnd, UserGrant } from '../domain/user-grant.ts';
import type { Broker, HeldGrants, LeaseEnd } from './broker.ts';
import { bundleHeard } from './bundles.ts';
import { REVOKED_WITHIN_MS } from './patience.ts';

/** Grants of users, by what a halt of a scope does with them. */
export interface CoveredGrants {
  readonly ends: readonly UserGrant[];
  /** An agent beyond the halt may use them. */
  readonly stays: readonly UserGrant[];
}

/**
 * A grant ends with the halt that leaves nobody who may use it: `all`, its connection, or every agent that may name its
 * user there. A halt of a run, a tool or one credential ends what was made from it, and no grant. `until`: those given
 * later stay (ms since the epoch).
 */
export async function grantsUnder(
  broker: Broker,
  scope: HaltScope,
  until: number,
): Promise<CoveredGrants> {
  const [kind] = partsOf(scope);
  if (!['all', 'connection', 'agent', 'model'].includes(kind)) return { ends: [], stays: [] };
  const bundle = bundleHeard(broker) ?? (await broker.bundles.active());
  const held = await broker.grants.held(Object.values(bundle.connections), until);
  const { ends = [], stays = [] } = Object.groupBy(
    held.filter((grant) => touches(bundle, scope, grant)),
    (grant) => (covers(bundle, scope, grant) ? 'ends' : 'stays'),
  );
  return { ends, stays };
}

function touches(bundle: Bundle, scope: HaltScope, grant: UserGrant): boolean {
  if (scope === 'all' || scope === `connection:${grant.connection.name}`) return true;
  return usersOf(bundle, grant).some((agent) => isStopped(bundle, scope, agent));
}

function covers(bundle: Bundle, scope: HaltScope, grant: UserGrant): boolean {
  if (scope === 'all' || scope === `connection:${grant.connection.name}`) return true;
  return usersOf(bundle, grant).every((agent) => isStopped(bundle, scope, agent));
}

function isStopped(bundle: Bundle, scope: HaltScope, agent: string): boolean {
  const [kind, name] = partsOf(scope);
  if (kind === 'agent') return agent === name;
  return kind === 'model' && modelsOf(bundle, [agent]).includes(name);
}

/** Agents that may act on behalf of its user with a tool there. Who acts under another agent has no more than that one. */
function usersOf(bundle: Bundle, { connection, user }: UserGrant): string[] {
  const { agents, grants, tools, users = {} } = bundle;
  const own = new Set(Object.hasOwn(users, user ?? '') ? users[user ?? '']?.tools : []);
  const there = grants.filter(
    ({ tool }) => own.has(tool) && tools[tool]?.connection === connection.name,
  );
  const granted = new Set(there.map(({ agent }) => agent));
  return Object.values(agents).flatMap(({ name, subjects = [] }) =>
    granted.has(name) && (subjects.includes('*') || subjects.includes(user ?? '')) ? [name] : [],
  );
}

/** Once more after every replica has landed: a refresh that was in the air there brought tokens of a grant already taken out. */
export async function endGrants(
  { grants, store }: Broker,
  ends: readonly UserGrant[],
  until: number,
  landed: Promise<unknown>,
): Promise<readonly GrantEnd[]> {
  if (ends.length === 0) return [];
  const first = await grants.end(ends, until);
  if (store.alone) return first;
  await landed;
  const again = await grants.end(ends, until);
  return again.map((end, i) => (first[i]?.state === 'residual' ? first[i] : end));
}

/** For the record of the halt's end; nothing where there were none. */
export function grantsReport(grants: readonly GrantEnd[]): JsonObject {
  if (grants.length === 0) return {};
  const told = grants.map(({ grant, state, ms }) => ({
    ...{ handle: grant.handle, state, ms: Math.round(ms) },
  }));
  return { grants: told };
}

/** What only their users, or the operators of that server, can end. */
export function tellResidualGrants({ alerts }: Broker, grants: readonly GrantEnd[]): void {
  for (const { grant, state } of grants) {
    if (state !== 'residual') continue;
    const { handle, connection } = grant;
    const facts = { lease: handle, handle, connection: connection.name, issuer: 'oauth' };
    alerts.tell('lease.residual', facts, handle);
  }
}

/** By connection, for whoever reads of it before or after. */
export function grantCounts({ ends, stays }: CoveredGrants): readonly HeldGrants[] {
  const all = [...ends, ...stays];
  const names = [...new Set(all.map(({ connection }) => connection.name))];
  const count = (grants: readonly UserGrant[], name: string): number =>
    grants.filter(({ connection }) => connection.name === name).length;
  return names.map((connection) => ({
    connection,
    ends: count(ends, connection),
    stays: count(stays, connection),
  }));
}

/** What became of a grant, told as that of a credential. */
export function endOfGrant({ grant, state, ms, note }: GrantEnd): LeaseEnd {
  const { handle, connection } = grant;
  return {
    ...{ id: handle, handle, connection: connection.name, ms, until: null, note },
    revocability: state === 'residual' ? 'none' : 'bounded',
    dead: state === 'dead',
  };
}

/** What a halt says of those that are not over yet. */
export function endingStill(grant: UserGrant): GrantEnd {
  return {
    grant,
    state: 'ending',
    ms: REVOKED_WITHIN_MS,
    note: 'not confirmed yet; its server is asked on',
  };
}
