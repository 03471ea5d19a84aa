import { shownState } from '../domain/approval.ts';
import { muted, NO_SINK, type Sink } from '../domain/connector.ts';
import { type Decision, decide } from '../domain/decision.ts';
import { type Facts, left } from '../domain/facts.ts';
import type { Outcome, Proposal, ToolResult } from '../domain/proposal.ts';
import { type Course, courseOf } from '../judge/course.ts';
import { judge } from '../judge/judge.ts';
import { mind } from './automatic.ts';
import { previewFacts, stagedFacts } from './bound.ts';
import type { Broker } from './broker.ts';
import { consulted } from './consult.ts';
import {
  connectorOf,
  ground,
  inject,
  intentOf,
  recordIntent,
  recordMark,
  takeOff,
} from './execute.ts';
import { gather, ruled, withMeasured } from './gather.ts';
import { LateIntent } from './late-intent.ts';
import { remember } from './loops.ts';
import { decline, park, unstable, waiting } from './park.ts';
import {
  done,
  faultOf,
  isMoved,
  recordRead,
  refused,
  settle,
  settleFault,
  stopped,
} from './settle.ts';
import { safeSink } from './withhold.ts';

/** Facts that moved under a decision are gathered and judged again, this often; then the answer is no. */
const MAX_JUDGEMENTS = 3;
/** What the surfaces let one run, and all runs together, have in the air at once. */
const MAX_CALLS_OF_RUN = 32;
const MAX_CALLS = 1_024;

type Step = (
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink?: Sink,
) => Promise<Outcome | 'again'>;

/**
 * Propose → judge → reserve and record the intent → execute → record the outcome. Nothing else causes an effect.
 * Never waits for a human: what needs one is parked, and on re-entry the approval is one of the facts.
 * Answers with a decision or an outcome; throws SignalboxError when the store or the request itself is at fault.
 */
export async function act(broker: Broker, proposal: Proposal, heard?: Sink): Promise<Outcome> {
  const sink = heard === undefined ? heard : safeSink(broker.withhold, heard);
  for (let judgement = 0; judgement < MAX_JUDGEMENTS; judgement++) {
    const seen = await gather(broker, proposal); // 1. one snapshot, one stamp, one clock reading
    const first = judge(seen); // 2. pure; the lowest ceiling wins
    const asksOthers = seen.bundle.consults !== undefined; // 2. they can only lower it
    const facts = asksOthers ? await consulted(broker, proposal, seen, first) : seen;
    const decision = facts === seen ? first : judge(facts);
    if (facts.bundle.policies?.candidate !== undefined) broker.shadow?.saw(facts, decision); // later
    const step = stepFor(decision, facts);
    const outcome = await step(broker, proposal, facts, decision, sink);
    if (outcome === 'again') continue;
    remember(broker, facts, outcome); // what the loop detectors look back on
    const marked = broker.lineage.hear(facts, outcome); // what came back is a source from here on
    if (marked !== undefined) await marked;
    if (outcome.kind !== 'done') mind(broker, facts, outcome); // too many of a kind halt the run
    return outcome;
  }
  return unstable(broker, proposal);
}

function stepFor(decision: Decision, facts: Facts): Step {
  switch (courseOf(decision, facts)) {
    case 'decline':
      return decline; // 3. denied or drafted: recorded, nothing reserved
    case 'wait':
      return waiting; // 3. already parked: the same ask, no second one
    case 'stage':
      return stage; // 3. executed where nothing counts; the proposal itself stays a draft
    case 'draft':
    case 'park':
      return facts.tool?.preview === undefined ? preview : look; // 3. measured by a flight that is cancelled, or looked at
    case 'execute':
      // 3. a human approved what a bound read showed: it is looked at again first
      if (facts.tool?.preview !== undefined && decision.mode === 'approve') return review;
      return execution(facts);
  }
}

function execution(facts: Facts): Step {
  return mayRecordLate(facts) ? read : effect;
}

/**
 * A read may run before its record while no limit is near: then even all calls that can be in the air at once stay
 * within it, and the reservation, which comes with the record, cannot come too late.
 */
function mayRecordLate({ tool, limits, run }: Facts): boolean {
  if (tool?.effect !== 'read') return false;
  const own = `run:${run?.id}`; // the limits of the runs above are drawn on by others too
  return limits.every((limit) => {
    const atOnce = limit.key === own ? MAX_CALLS_OF_RUN : MAX_CALLS;
    return left(limit) >= atOnce * tool.cap[limit.dimension];
  });
}

/**
 * A read: its intent and outcome share one commit, and the result is withheld until that is durable. What its target
 * says on the way waits for the intent (late-intent.ts).
 */
async function read(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink: Sink = NO_SINK,
): Promise<Outcome | 'again'> {
  const intent = intentOf(broker, proposal, facts, decision, 'execute');
  const aloft = takeOff(broker, proposal, intent);
  const late = new LateIntent(broker, intent, aloft, sink);
  let isOver = false; // what is left is its record, once: a store that did not answer may have taken it
  try {
    const call = await inject(broker, facts, intent, aloft); // 5. the halt again, then the credential
    const flight = await connectorOf(broker, facts).begin(call, late.sink);
    const result = await flight.finish();
    // the same facts need no second look: the judge is pure
    const second =
      flight.measured === null ? decision : judge(withMeasured(broker, facts, flight.measured));
    const settlement =
      courseOf(second, facts) === 'execute' ? done(result, facts.tool) : refused(second);
    isOver = true;
    return await recordRead(broker, intent, late, aloft, settlement, flight.measured); // 4 and 6 in one
  } catch (error) {
    if (isOver) throw error;
    return await recordRead(broker, intent, late, aloft, faultOf(error, aloft), null);
  } finally {
    broker.flights.land(intent.action.id);
  }
}

async function effect(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink: Sink = NO_SINK,
): Promise<Outcome | 'again'> {
  const intent = intentOf(broker, proposal, facts, decision, 'execute');
  const aloft = takeOff(broker, proposal, intent);
  let open = false; // an intent without outcome
  try {
    if (!(await recordIntent(broker, intent))) return 'again'; // 4. stamp, reservation, approval, intent: durable
    open = true;
    const call = await inject(broker, facts, intent, aloft); // 5. the halt again, then the credential
    const flight = await connectorOf(broker, facts).begin(call, sink);
    aloft.flight = flight;
    const second = judge(withMeasured(broker, facts, flight.measured)); // 5. the same judge on what was measured
    if (courseOf(second, facts) !== courseOf(decision, facts)) {
      await flight.cancel();
      const outcome = await settle(broker, intent, refused(second), flight.measured);
      return isMoved(second) ? 'again' : outcome; // rows moved since the human looked: ask anew
    }
    if (!(await recordMark(broker, intent, aloft, flight))) {
      await flight.cancel(); // 5. a halt came first, or the caller is gone
      return await settle(broker, intent, stopped(broker, aloft), flight.measured);
    }
    aloft.finishing = true;
    broker.flights.sent(intent.action.id);
    const result = await flight.finish();
    return await settle(broker, intent, done(result, facts.tool), flight.measured); // 6. post, outcome
  } catch (error) {
    if (!open) throw error;
    await ground(aloft);
    return await settleFault(broker, intent, error, aloft); // 6. failed, refused or unknown
  } finally {
    broker.flights.land(intent.action.id);
  }
}

/** An action of its own: begun, measured, cancelled. What it measured is judged, then shown to a human. */
async function preview(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink: Sink = NO_SINK,
): Promise<Outcome | 'again'> {
  const intent = intentOf(broker, proposal, facts, decision, 'preview');
  const aloft = takeOff(broker, proposal, intent);
  let open = false; // an intent without outcome
  try {
    if (!(await recordIntent(broker, intent))) return 'again';
    open = true;
    const call = await inject(broker, facts, intent, aloft);
    const flight = await connectorOf(broker, facts).begin(call, muted(sink));
    await flight.cancel();
    const looked = await settle(broker, intent, done(null, null), flight.measured);
    open = false;
    if (looked.kind !== 'done') return looked;
    const seen = withMeasured(broker, facts, flight.measured);
    const second = judge(seen);
    if (isDeclined(courseOf(second, facts))) return await decline(broker, proposal, seen, second);
    return await park(broker, proposal, seen, second, intent.action.id);
  } catch (error) {
    if (!open) throw error;
    return await settle(broker, intent, faultOf(error, aloft), null);
  } finally {
    broker.flights.land(intent.action.id);
  }
}

/** A read is bound to the tool: a human is shown what it answered. */
async function look(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink?: Sink,
): Promise<Outcome | 'again'> {
  const there = await previewFacts(broker, facts);
  if (there === null) return preview(broker, proposal, facts, decision, sink);
  const seen = await glance(broker, proposal, facts, decision, there);
  if (seen === 'again' || !('by' in seen)) return seen;
  if (isDeclined(courseOf(decision, facts)))
    return await decline(broker, proposal, facts, decision);
  return await park(broker, proposal, facts, decision, seen.by, seen.result);
}

/** Looked at again before it is done: when that shows something else than the human saw, the ask is made anew. */
async function review(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink?: Sink,
): Promise<Outcome | 'again'> {
  const { approval } = facts;
  const there = await previewFacts(broker, facts);
  if (there === null || approval === null) return 'again';
  const seen = await glance(broker, proposal, facts, decision, there);
  if (seen === 'again' || !('by' in seen)) return seen;
  const now = broker.doors.clock.now();
  if (shownState(seen.result) !== approval.binding.preState) {
    const because = 'what its preview shows changed since';
    const voided = { kind: 'approval.void', approvalId: approval.id, because, at: now } as const;
    if (!(await broker.store.commit(voided)).ok) return 'again';
    return await park(broker, proposal, facts, decision, seen.by, seen.result);
  }
  const later = ruled(broker, { ...facts, now }); // looking took its time
  const still = judge(later);
  if (courseOf(still, later) !== 'execute') return 'again';
  return await execution(later)(broker, proposal, later, still, sink);
}

/** What the bound read answered, and the action that asked it. */
interface Seen {
  readonly by: string;
  readonly result: ToolResult;
}

/** The read that is bound to a tool, once: an action of its own, judged and recorded. */
async function glance(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  there: Facts,
): Promise<Seen | Outcome | 'again'> {
  const permitted = judge(there);
  if (courseOf(permitted, there) !== 'execute')
    return decline(broker, proposal, facts, decide(decision.nature, 'deny', permitted.verdicts));
  const intent = intentOf(broker, proposal, there, permitted, 'preview');
  const aloft = takeOff(broker, proposal, intent);
  let open = false; // an intent without outcome
  try {
    if (!(await recordIntent(broker, intent))) return 'again';
    open = true;
    const call = await inject(broker, there, intent, aloft);
    const flight = await connectorOf(broker, there).begin({ ...call, purpose: 'execute' }, NO_SINK);
    const result = await flight.finish();
    const second = judge(withMeasured(broker, there, flight.measured));
    const settlement =
      courseOf(second, there) === 'execute' ? done(result, there.tool) : refused(second);
    const looked = await settle(broker, intent, settlement, flight.measured);
    open = false;
    return looked.kind === 'done' ? { by: intent.action.id, result: looked.result } : looked;
  } catch (error) {
    if (!open) throw error;
    return await settle(broker, intent, faultOf(error, aloft), null);
  } finally {
    broker.flights.land(intent.action.id);
  }
}

/** Whatever a preview finds, nobody is asked. */
function isDeclined(course: Course): boolean {
  return course === 'decline' || course === 'draft';
}

/** The same call at the staging connection of its tool, judged and recorded as what it is there. */
async function stage(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  sink?: Sink,
): Promise<Outcome | 'again'> {
  const there = await stagedFacts(broker, facts);
  const permitted = judge(there);
  if (courseOf(permitted, there) !== 'stage') return decline(broker, proposal, there, permitted);
  const outcome = await effect(broker, proposal, there, permitted, sink);
  if (outcome === 'again' || outcome.kind !== 'done') return outcome;
  await broker.lineage.hear(there, outcome); // the agent reads what it answered there
  const kept = await decline(broker, proposal, facts, decision);
  if (kept.kind !== 'drafted') return kept;
  return { ...kept, staged: { at: String(there.connection?.name), result: outcome.result } };
}
