import type { Lease, LeaseReport } from '../domain/credential.ts';
import { SignalboxError } from '../domain/errors.ts';
import { HALT_SCOPE_KINDS, type Halt, type HaltScope, scopesOfRun } from '../domain/halt.ts';
import type { Broker, HaltReach, HaltReport } from './broker.ts';
import { REVOKED_WITHIN_MS, within } from './patience.ts';
import { releaseRun } from './runs.ts';

export interface HaltRequest {
  readonly scope: HaltScope;
  readonly reason: string;
  readonly by: string;
}

/**
 * The kill. Order: commit the halt (gate) → abort what flies → close sessions, wake who waits → revoke at the issuer
 * and verify dead → `inert`. That is written only when every lease in scope is over and everything aborted has landed.
 */
export async function halt(broker: Broker, request: HaltRequest): Promise<HaltReport> {
  checkScope(request.scope);
  await checkKnown(broker, request.scope);
  const { clock } = broker.doors;
  const started = clock.monotonic();
  const raised = await broker.store.commit({ kind: 'halt.raise', ...request, at: clock.now() });
  const gateMs = clock.monotonic() - started;
  const { aborted, sent, landed } = broker.flights.abort(request.scope);
  for (const approvalId of raised.voided) broker.notices.notify(`ask:${approvalId}`);
  const covered = await leasesIn(broker, request.scope);
  const revoking = revokeAll(broker, raised.halt, covered, landed);
  const leases = await within(broker.doors.timers, REVOKED_WITHIN_MS, revoking);
  return {
    halt: raised.halt,
    gateMs,
    aborted,
    sent,
    voided: raised.voided.length,
    leases: (leases ?? covered.map(pending)).map(({ lease, dead, ms, note }) => ({
      handle: lease.handle,
      dead,
      ms,
      note,
    })),
    inertMs: leases?.every(isOver) ? clock.monotonic() - started : null,
  };
}

/** What a halt would stop, for the human who is about to pull it. */
export async function reach(broker: Broker, scope: HaltScope): Promise<HaltReach> {
  checkScope(scope);
  const runs = await broker.store.runs({ limit: 10_000, state: 'live' });
  const covered = runs.filter(({ run }) => scopesOfRun(run).includes(scope));
  const ids = new Set(covered.map(({ run }) => run.id));
  const asks = await broker.store.asks({ limit: 10_000, state: 'pending' });
  const tool = scope.startsWith('tool:') ? scope.slice(5) : null;
  return {
    scope,
    runs: covered.length,
    flights: broker.flights.count(scope),
    asks: asks.filter(
      ({ approval }) => ids.has(approval.binding.runId) || approval.binding.tool === tool,
    ).length,
    leases: (await leasesIn(broker, scope)).length,
  };
}

/** Lifts the halt on exactly this scope. Run tokens that were revoked stay revoked. */
export async function resume(broker: Broker, request: HaltRequest): Promise<Halt> {
  checkScope(request.scope);
  const lifted = await broker.store.commit({
    kind: 'halt.lift',
    ...request,
    at: broker.doors.clock.now(),
  });
  if (!lifted.ok)
    throw new SignalboxError('HALT_NOT_FOUND', `no halt stands on \`${request.scope}\``);
  return lifted.halt;
}

/**
 * Takes up halts that a crash, or a store that was away, left `gated`: revokes what is still alive in their scope.
 * Waits for nothing; a halt whose flights are still in the air is left to who raised it.
 */
export async function finishHalts(broker: Broker): Promise<void> {
  if (!broker.freshness.isEldest) return;
  const { halts } = await broker.store.haltState();
  for (const halt of halts) {
    if (halt.state !== 'gated' || broker.flights.count(halt.scope) > 0) continue;
    const covered = await leasesIn(broker, halt.scope);
    void revokeAll(broker, halt, covered, LANDED).catch(() => undefined);
  }
}

const LANDED = Promise.resolve(true as const);

async function revokeAll(
  broker: Broker,
  raised: Halt,
  covered: readonly Lease[],
  landed: Promise<true>,
): Promise<readonly LeaseReport[]> {
  await Promise.all(
    [...new Set(covered.map(({ runId }) => runId))].map((runId) => releaseRun(broker, runId)),
  );
  const ids = new Set(covered.map(({ id }) => id));
  const reports = await broker.credentials.revoke(({ id }) => ids.has(id));
  await landed; // an answer still on its way would be an effect after `inert`
  if (reports.every(isOver)) {
    const report = {
      leases: reports.map(({ lease, ms }) => ({
        handle: lease.handle,
        state: lease.state,
        ms: Math.round(ms),
      })),
    };
    const { scope, epoch } = raised;
    await broker.store.commit({
      kind: 'halt.inert',
      scope,
      epoch,
      report,
      at: broker.doors.clock.now(),
    });
  }
  return reports;
}

/** Dead at its source, or dropped here and, being a fixed secret, said to live on there. */
function isOver({ dead, lease }: LeaseReport): boolean {
  return dead || lease.state === 'residual';
}

async function leasesIn(broker: Broker, scope: HaltScope): Promise<Lease[]> {
  const live = await broker.store.leases({ state: ['minting', 'live', 'revoking'] });
  const inside = await Promise.all(
    live.map(async (lease) => {
      if (scope === `connection:${lease.connection}` || scope === `credential:${lease.id}`)
        return true;
      const run = await broker.store.run(lease.runId);
      return run !== null && scopesOfRun(run).includes(scope);
    }),
  );
  return live.filter((_, index) => inside[index]);
}

/** A halt that stops nothing is worse than none: the name must be one that is configured or running. */
async function checkKnown(broker: Broker, scope: HaltScope): Promise<void> {
  const [kind = '', name = ''] = [scope.split(':', 1)[0], scope.slice(scope.indexOf(':') + 1)];
  if (kind === 'all') return;
  const { tools, connections, agents } = await broker.bundles.active();
  const named: { [kind: string]: () => Promise<boolean> | boolean } = {
    run: async () => (await broker.store.run(name)) !== null,
    tool: () => Object.hasOwn(tools, name),
    connection: () => Object.hasOwn(connections, name),
    agent: async () =>
      Object.hasOwn(agents, name) ||
      (await broker.store.runs({ limit: 10_000, state: 'live' })).some(
        ({ run }) => run.agent === name,
      ),
  };
  if ((await named[kind]?.()) !== true)
    throw new SignalboxError(
      'HALT_SCOPE',
      `\`${scope}\` names nothing that is configured or running`,
    );
}

function checkScope(scope: HaltScope): void {
  const kind = scope.split(':', 1)[0] ?? '';
  const named = scope.length > kind.length + 1;
  const known = (HALT_SCOPE_KINDS as readonly string[]).includes(kind);
  if (!known || named === (kind === 'all'))
    throw new SignalboxError('HALT_SCOPE', `\`${scope}\` is no scope of a halt`);
}

function pending(lease: Lease): LeaseReport {
  return {
    lease,
    dead: false,
    ms: REVOKED_WITHIN_MS,
    note: 'not confirmed yet; revocation goes on',
  };
}
