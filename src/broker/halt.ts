import type { Lease, LeaseReport } from '../domain/credential.ts';
import { SignalboxError } from '../domain/errors.ts';
import { AUTOMATIC, type Halt, type HaltScope, partsOf } from '../domain/halt.ts';
import type { Alive } from '../domain/ops.ts';
import type { GrantEnd } from '../domain/user-grant.ts';
import { type BroughtDown, bringDown, releaseLater } from './bring-down.ts';
import type { Broker, HaltReport, LeaseEnd } from './broker.ts';
import { type Landing, landings, mayFly } from './landings.ts';
import { REVOKED_WITHIN_MS, within } from './patience.ts';
import { covered as coveredBy, leasesIn } from './reach.ts';
import { checkScope, knownScope } from './scopes.ts';
import {
  type CoveredGrants,
  endGrants,
  endingStill,
  endOfGrant,
  grantCounts,
  grantsReport,
  grantsUnder,
  tellResidualGrants,
} from './user-grants.ts';

export interface HaltRequest {
  readonly scope: HaltScope;
  readonly reason: string;
  readonly by: string;
}

/**
 * The kill. Order: commit the halt (gate) → abort what flies, close streams, end children → wake who waits → revoke at
 * the issuer and verify dead → `inert`. That is written only when every lease in scope is over, everything aborted has
 * landed, here and on every other replica that is not known to have stopped itself, and no process of it is known to
 * live. Throws HALT_SCOPE, STORE_DOWN.
 */
export async function halt(broker: Broker, request: HaltRequest): Promise<HaltReport> {
  const scope = await knownScope(broker, request.scope);
  const finished = await raise(broker, { ...request, scope });
  return finished();
}

/**
 * The same for a scope that need not be known: what a machine or a file asks for is never refused for its name. Resolves
 * when it is in force and everything here is being brought down; the answer waits for the rest, at most ten seconds.
 */
export async function raise(
  broker: Broker,
  request: HaltRequest,
): Promise<() => Promise<HaltReport>> {
  const { clock } = broker.doors;
  const started = clock.monotonic();
  const isOver = broker.freshness.raising(request.scope);
  const raised = await broker.store
    .commit({ kind: 'halt.raise', ...request, at: clock.now() })
    .finally(isOver);
  const gateMs = clock.monotonic() - started;
  // at once, by what is known here; who else is in scope came with the answer
  const down = bringDown(broker, request.scope, runNamed(request.scope));
  for (const approvalId of raised.voided) broker.notices.notify(`ask:${approvalId}`);
  let replicas: readonly Landing[] = [];
  tellRaised(broker, raised.halt, down);
  const heard = (known: readonly Landing[]): void => {
    replicas = known;
  };
  const ending = endAll(broker, raised.halt, down, { heard, alive: raised.alive });
  ending.catch(() => {});
  broker.freshness.raised(
    raised.halt.epoch,
    ending.then(({ landedHere }) => landedHere),
  );
  return async () => {
    const { covered, granted, finished } = await ending;
    const ended = await within(broker.doors.timers, REVOKED_WITHIN_MS, finished);
    const grants = await granted;
    return {
      halt: raised.halt,
      gateMs,
      aborted: down.aborted,
      sent: down.sent,
      streams: down.streams,
      left: ended?.left ?? [],
      voided: raised.voided.length,
      replicas,
      leases: [
        ...(ended?.leases ?? covered.map(pending)).map(endOfLease),
        ...(ended?.grants ?? grants.ends.map(endingStill)).map(endOfGrant),
      ],
      grants: grantCounts(grants),
      inertMs: ended !== null && isInert(ended) ? clock.monotonic() - started : null,
    };
  };
}

/** What the operators' own rotation can hang on: only they can end it. */
function tellResidual(broker: Broker, { id, handle, connection, issuer }: Lease): void {
  broker.alerts.tell('lease.residual', { lease: id, handle, connection, issuer }, connection);
}

const STUCK_AFTER_MS = 30_000;

function tellRaised(broker: Broker, { scope, epoch, by }: Halt, down: BroughtDown): void {
  const { aborted, sent } = down;
  const event = by === AUTOMATIC ? 'halt.automatic' : 'halt.raised';
  broker.alerts.tell(event, { scope, epoch, by, aborted, sent });
}

/** Told while a halt is still not inert, by whoever works on it. */
function mindStuck(broker: Broker, { scope, epoch }: Halt, finished: Promise<Ended>): void {
  const tell = (): void => broker.alerts.tell('halt.stuck', { scope, epoch }, `${epoch}`);
  const timer = broker.doors.timers.every(STUCK_AFTER_MS, tell);
  finished.then(
    (ended) => {
      timer.cancel();
      if (!isInert(ended)) tell();
    },
    () => timer.cancel(),
  );
}

function endOfLease({ lease, dead, ms, note }: LeaseReport): LeaseEnd {
  const { id, handle, connection, revocability, expiresAt } = lease;
  return { id, handle, connection, revocability, dead, ms, until: dead ? null : expiresAt, note };
}

/**
 * Takes up halts that a crash, or a store that was away, left `gated`: ends again what is still alive in their scope.
 * Waits for nothing; a halt whose flights are still in the air is left to who raised it.
 */
export async function finishHalts(broker: Broker): Promise<void> {
  if (!broker.freshness.isEldest) return;
  const { halts } = await broker.store.haltState();
  for (const halt of halts) {
    if (halt.state !== 'gated' || broker.flights.count(halt.scope) > 0) continue;
    const down = bringDown(broker, halt.scope, runNamed(halt.scope));
    const { granted } = await endAll(broker, halt, down);
    await granted;
  }
}

interface Ended {
  readonly leases: readonly LeaseReport[];
  readonly grants: readonly GrantEnd[];
  /** What was found alive after everything, in words. */
  readonly left: readonly string[];
}

function isInert({ leases, grants, left }: Ended): boolean {
  return (
    left.length === 0 && leases.every(isOver) && grants.every(({ state }) => state !== 'ending')
  );
}

function runNamed(scope: HaltScope): ReadonlySet<string> {
  const [kind, name] = partsOf(scope);
  return new Set(kind === 'run' ? [name] : []);
}

/** Ends what the store knows to be in scope: what connectors keep for those runs, and every credential. */
async function endAll(
  broker: Broker,
  halt: Halt,
  down: BroughtDown,
  {
    heard,
    alive,
  }: { readonly heard?: (known: readonly Landing[]) => void; readonly alive?: Alive } = {},
): Promise<Ending> {
  const { scope } = halt;
  // beside: what users granted may have to be read, and nothing else waits for that
  const granted = grantsUnder(broker, scope, halt.at);
  granted.catch(() => {});
  const { runs: under, leases: covered } = await coveredBy(broker, scope, alive);
  const runs = new Set([...under.map(({ id }) => id), ...covered.map(({ runId }) => runId)]);
  const rest = runs.size === 0 ? down : bringDown(broker, scope, runs);
  const landedHere = Promise.all([down.landed, rest.landed]).then(([one, other]) => [
    ...new Set([...one, ...other]),
  ]);
  const elsewhere = landings(broker, halt.epoch, heard);
  const landed = Promise.all([landedHere, elsewhere]).then(([left]) => left);
  const isWhole = alive !== undefined && nothingNew(scope);
  const finished = revokeAll(broker, halt, { covered, runs, granted, elsewhere, isWhole }, landed);
  mindStuck(broker, halt, finished);
  return { covered, granted, landedHere, finished };
}

interface Ending {
  readonly covered: readonly Lease[];
  readonly granted: Promise<CoveredGrants>;
  /** Everything on this replica, with what could not be ended. */
  readonly landedHere: Promise<readonly string[]>;
  readonly finished: Promise<Ended>;
}

async function revokeAll(
  broker: Broker,
  raised: Halt,
  {
    covered,
    runs,
    granted,
    elsewhere,
    isWhole,
  }: Pick<Ending, 'covered' | 'granted'> & {
    readonly runs: ReadonlySet<string>;
    readonly elsewhere: Promise<readonly Landing[]>;
    /** `covered` is all that there will ever be in scope. */
    readonly isWhole: boolean;
  },
  landed: BroughtDown['landed'],
): Promise<Ended> {
  const over = broker.credentials.endThese(covered);
  const [first, { left, alive }, grants] = await Promise.all([
    over,
    // an answer still on its way would be an effect after `inert`
    landed.then(async (left) => ({
      left,
      alive: isWhole ? [] : await leftAlive(broker, raised.scope),
    })),
    granted.then(({ ends }) => endGrants(broker, ends, raised.at, landed)),
    releaseLater(broker, runs, over),
  ]);
  const dead = new Set(first.filter(isOver).map(({ lease }) => lease.id));
  const late = await broker.credentials.endThese(alive.filter(({ id }) => !dead.has(id)));
  const again = new Set(late.map(({ lease }) => lease.id));
  const leases = [...first.filter(({ lease }) => !again.has(lease.id)), ...late];
  const ended = { leases, grants, left };
  if (!isInert(ended)) return ended;
  if ((await elsewhere).some(({ silentMs }) => silentMs !== null))
    await backAgain(broker, raised.epoch);
  await sayInert(broker, raised, { leases, grants });
  return ended;
}

/** One that was silent and is back meanwhile may still be landing what it flew: it is waited for like the others. */
async function backAgain(broker: Broker, epoch: number): Promise<void> {
  await broker.freshness.lookAgain();
  await landings(broker, epoch);
}

/** Handed to the store behind the records of their ends; whether it has them is for the store to say. */
async function sayInert(
  broker: Broker,
  { scope, epoch, at: since }: Halt,
  { leases, grants }: Pick<Ended, 'leases' | 'grants'>,
): Promise<void> {
  const report = {
    leases: leases.map(({ lease, ms }) => ({
      handle: lease.handle,
      state: lease.state,
      ms: Math.round(ms),
    })),
    ...grantsReport(grants),
  };
  const ids = leases.map(({ lease }) => lease.id);
  const at = broker.doors.clock.now();
  const heardMs = mayFly(broker.freshness);
  const inert = { kind: 'halt.inert', scope, epoch, leases: ids, heardMs, report, at } as const;
  let said = await broker.store.commit(inert);
  if (!said.ok && said.because === 'alive') {
    await broker.credentials.revokeThese(leases.map(({ lease }) => lease));
    said = await broker.store.commit(inert);
  }
  while (!said.ok && said.because === 'flying') {
    await backAgain(broker, epoch); // one that was silent came back after the last look
    said = await broker.store.commit(inert);
  }
  for (const { lease } of leases.filter(({ dead }) => !dead)) tellResidual(broker, lease);
  tellResidualGrants(broker, grants);
  if (said.ok) broker.alerts.tell('halt.inert', { scope, epoch, afterMs: at - since });
}

/**
 * No lease is begun in such a scope from the commit of its halt on: what that commit found alive is all there is, and
 * `inert` is taken only when the store has every one of those as over. A model's halt ends what runs, and refuses no lease.
 */
function nothingNew(scope: HaltScope): boolean {
  const [kind] = partsOf(scope);
  return kind !== 'model';
}

/** What was begun meanwhile, or found its way back, and is not over by the time that everything has landed. */
async function leftAlive(broker: Broker, scope: HaltScope): Promise<readonly Lease[]> {
  return broker.store.alone ? [] : leasesIn(broker, scope);
}

/** Dead at its source, or dropped here and, being a fixed secret, said to live on there. */
function isOver({ dead, lease }: LeaseReport): boolean {
  return dead || lease.state === 'residual';
}

function pending(lease: Lease): LeaseReport {
  return {
    lease,
    dead: false,
    ms: REVOKED_WITHIN_MS,
    note: 'not confirmed yet; revocation goes on',
  };
}

/** Lifts the halt on exactly this scope; who may is decided in unhalt.ts. Run tokens that were revoked stay revoked. */
export async function resume(broker: Broker, request: Lifting): Promise<Halt> {
  checkScope(request.scope);
  const lifted = await broker.store.commit({
    kind: 'halt.lift',
    ...request,
    at: broker.doors.clock.now(),
  });
  if (!lifted.ok)
    throw new SignalboxError('HALT_NOT_FOUND', `no halt stands on \`${request.scope}\``);
  const { scope, by, alone = false } = request;
  broker.alerts.tell('halt.lifted', { scope, epoch: lifted.halt.epoch, by, alone });
  return lifted.halt;
}

/** `upTo`: the newest halt on this scope that was looked at. `alone`: by the one who raised it, because there is nobody else. */
export interface Lifting extends HaltRequest {
  readonly upTo?: number;
  readonly alone?: boolean;
}
