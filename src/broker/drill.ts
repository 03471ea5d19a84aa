import type { Bundle } from '../domain/bundle.ts';
import type { DrillPlan, DrillProbe, DrillReport } from '../domain/drill.ts';
import { SignalboxError } from '../domain/errors.ts';
import { canonical } from '../domain/json.ts';
import type { Broker, HaltReport } from './broker.ts';
import type { DrillGround } from './drill-ground.ts';
import { type Found, nothingFound, reportOf } from './drill-report.ts';
import { DrillStage, type Sight } from './drill-stage.ts';
import { halt, resume } from './halt.ts';
import { beginRun, endRun } from './runs.ts';

export interface DrillRequest {
  /** A named agent is halted and stays halted; null drills the canary of the plan. */
  readonly agent: string | null;
  readonly by: string;
  /** The human who ordered it, and may approve what the canary asks for; null when the clock did. */
  readonly approver: string | null;
  /** Refused when another drill began at or after this. */
  readonly notSince: number | null;
}

const INERT_WITHIN_MS = 15_000;
const LOOK_AGAIN_MS = 20;
const REASON = 'drill';

/**
 * The kill, pulled on purpose and timed:
 *   begun in the ledger → the canary at work → halt() → every replica, every credential → all of it once more, for real
 *   → the target's own account, twice → the halt lifted (a named agent stays halted) → the report, signed, in the ledger
 * It uses the halt, the runs and the requests that everybody uses. Throws DRILL_UNPLANNED, DRILL_BUSY, AGENT_UNKNOWN,
 * STORE_DOWN; whatever goes wrong after it has begun is a failed drill, and kept as one.
 */
export async function drill(
  broker: Broker,
  ground: DrillGround,
  request: DrillRequest,
): Promise<DrillReport> {
  const bundle = await broker.bundles.active();
  const plan = request.agent === null ? planOf(bundle) : null;
  const agent = plan?.agent ?? request.agent ?? '';
  if (!Object.hasOwn(bundle.agents, agent))
    throw new SignalboxError('AGENT_UNKNOWN', `agent \`${agent}\` is not in the active bundle`);
  const id = await begun(broker, agent, request);
  const stage = plan === null ? null : new DrillStage(broker, ground, plan, request.approver);
  const scope = `agent:${agent}`;
  const found = nothingFound({ id, agent, scope, by: request.by, at: broker.doors.clock.now() });
  try {
    await stage?.assemble();
    const before = (await stage?.look()) ?? null;
    found.at = broker.doors.clock.now();
    found.halt = await halt(broker, { scope, reason: REASON, by: request.by });
    found.inertMs = await inertMs(broker, found.halt, found.at);
    found.lastDoneAt = stage?.lastDoneAt ?? 0;
    found.probes = stage === null ? [await anotherRun(broker, agent)] : await stage.again();
    if (stage !== null && before !== null)
      found.sights = [before, await stage.look(), await lookAgain(broker, stage)];
  } catch (error) {
    found.problems.push(error instanceof SignalboxError ? error.message : 'an unexpected fault');
  }
  if (stage !== null) await closed(broker, found, stage, request.by);
  const report = reportOf(found, {
    kind: plan === null ? 'named' : 'canary',
    ...of(ground, bundle),
  });
  const text = canonical(report);
  const signature = await ground.sign(text).catch(() => null); // a report without is better than none
  const { ok } = report;
  const at = broker.doors.clock.now();
  await broker.store.commit({ kind: 'drill.keep', id, ok, report: text, signature, at });
  if (!ok) broker.alerts.tell('drill.failed', { drill: id, agent });
  return report;
}

function planOf({ drill: plan }: Bundle): DrillPlan {
  if (plan === undefined)
    throw new SignalboxError('DRILL_UNPLANNED', 'no drill is planned in the active bundle');
  return plan;
}

/** One at a time, whichever replica; what began and was never kept is a failed drill. */
async function begun(broker: Broker, agent: string, request: DrillRequest): Promise<string> {
  const { entropy, clock } = broker.doors;
  const id = entropy.id('drill');
  const { by, notSince } = request;
  const at = clock.now();
  const allowed = await broker.store.commit({ kind: 'drill.begin', id, agent, by, notSince, at });
  if (!allowed.ok) throw new SignalboxError('DRILL_BUSY', `a drill is ${allowed.because} already`);
  return id;
}

/** The canary goes back to work, and its runs end, whatever the drill came to. */
async function closed(broker: Broker, found: Found, stage: DrillStage, by: string): Promise<void> {
  found.controls = [...stage.controls, ...stage.spared()];
  found.untried = stage.untried;
  try {
    await stage.over();
    if (found.halt !== null) await lifted(broker, found.halt, by);
  } catch (error) {
    const why = error instanceof SignalboxError ? error.message : 'an unexpected fault';
    found.problems.push(`the canary was not set free: ${why}`);
  }
}

/** Only its own halt: one that somebody raised meanwhile stands. */
async function lifted(
  broker: Broker,
  { halt: { scope, epoch } }: HaltReport,
  by: string,
): Promise<void> {
  const { halts } = await broker.store.haltState();
  const others = halts.filter((one) => one.scope === scope && one.epoch !== epoch);
  if (others.length > 0)
    throw new SignalboxError(
      'HALTED',
      `somebody else halted \`${scope}\` meanwhile, and that halt stands`,
    );
  await resume(broker, { scope, reason: REASON, by });
}

function of({ software }: DrillGround, { digest }: Bundle): { software: string; bundle: string } {
  return { software, bundle: digest };
}

/** When the scope was inert, by the store's own word; null when it was not in time. */
async function inertMs(broker: Broker, report: HaltReport, at: number): Promise<number | null> {
  const { clock, timers } = broker.doors;
  if (report.inertMs !== null) return clock.now() - at;
  while (clock.now() - at < INERT_WITHIN_MS) {
    const { halts } = await broker.store.haltState();
    const own = halts.find(({ epoch }) => epoch === report.halt.epoch);
    if (own?.state === 'inert') return clock.now() - at;
    await new Promise<void>((resolve) => timers.after(LOOK_AGAIN_MS, resolve));
  }
  return null;
}

async function lookAgain(broker: Broker, stage: DrillStage): Promise<Sight> {
  await new Promise<void>((resolve) => broker.doors.timers.after(LOOK_AGAIN_MS, resolve));
  return stage.look();
}

async function anotherRun(broker: Broker, agent: string): Promise<DrillProbe> {
  try {
    const run = await beginRun(broker, { agent, intent: 'go on after a halt', budget: {} });
    await endRun(broker, run.id, 'it should not have begun');
    return { name: 'a new run', held: false, got: 'done' };
  } catch (error) {
    const code = error instanceof SignalboxError ? error.code : 'INTERNAL';
    return { name: 'a new run', held: code === 'HALTED', got: code };
  }
}
