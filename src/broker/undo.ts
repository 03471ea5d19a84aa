import type { Bound, Bundle } from '../domain/bundle.ts';
import { SignalboxError } from '../domain/errors.ts';
import { canonical, type JsonObject } from '../domain/json.ts';
import { own } from '../domain/own.ts';
import type { Measured, Outcome, ToolResult } from '../domain/proposal.ts';
import type { Run } from '../domain/run.ts';
import {
  UNDO_ROUNDS,
  type UndoReport,
  type UndoStep,
  undoAskedBy,
  undoRunId,
} from '../domain/undo.ts';
import type { ActionStory } from '../ledger/explain.ts';
import { isEffect, storyOf } from '../ledger/why.ts';
import { notTheUndo, type UndoCall, undoCalls } from '../tools/undo.ts';
import { act } from './act.ts';
import type { Broker } from './broker.ts';
import { rungOf } from './gather.ts';
import { beginRun, endRun } from './runs.ts';

/*
 * Taking back is acting: the undo tool of an action is proposed in a run of its own, under the grants of an agent, and what
 * is true of any call is true of it. Each action has one such run, by its id, so that whoever asks again goes on with it:
 *   none → live → ended, undone      asked about on the way: the run stays live, and the same again continues it
 *            └──→ ended, not undone → the next of its runs
 */

export interface UndoRequest {
  /** Of an action, or of a run: then everything that it and the runs under it did. */
  readonly id: string;
  /** The agent under whose grants; null: the one that acted. */
  readonly as: string | null;
  /** The operator who asks. */
  readonly by: string;
}

/** Goes back from the last action to the first. Throws RUN_NOT_FOUND when nothing has this id. */
export async function undo(broker: Broker, request: UndoRequest): Promise<UndoReport> {
  const actions = await effectsOf(broker, request.id);
  const steps: UndoStep[] = [];
  for (const action of actions.reverse()) {
    const before = steps.find(({ state }) => state === 'asked');
    steps.push(
      before === undefined
        ? await takeBack(broker, action, request)
        : step(action, 'waits', `for the undo of \`${before.action}\`, which came later`),
    );
  }
  const whole = steps.every(({ state }) => state === 'undone' || state === 'already');
  return { id: request.id, steps, whole };
}

interface Effect {
  readonly story: ActionStory;
  readonly agent: string;
}

/** What changed something, in the order in which it was admitted. */
async function effectsOf(broker: Broker, id: string): Promise<Effect[]> {
  const { store } = broker;
  const told = await storyOf(store, id);
  if (told === null || told.kind === 'approval')
    throw new SignalboxError('RUN_NOT_FOUND', `expected an action or a run, got \`${id}\``);
  const stories = [told];
  if (told.kind === 'run')
    for (const each of await store.runsUnder(told.run.root)) {
      const run = each === id ? null : await store.run(each);
      if (run?.actsFor.some((above) => above.run === id) !== true) continue;
      const under = await storyOf(store, each);
      if (under !== null) stories.push(under);
    }
  return stories
    .flatMap(({ run, actions }) => actions.map((story) => ({ story, agent: run.agent })))
    .filter(({ story }) => isEffect(story) && !CAME_TO_NOTHING.has(story.outcome.kind))
    .sort((a, b) => a.story.at - b.story.at);
}

const CAME_TO_NOTHING = new Set(['failed', 'refused']);

function step(
  { story }: Effect,
  state: UndoStep['state'],
  why: string | null,
  more: Partial<Pick<UndoStep, 'run' | 'approval'>> = {},
): UndoStep {
  return { action: story.id, tool: story.tool, state, why, run: null, approval: null, ...more };
}

async function takeBack(broker: Broker, effect: Effect, request: UndoRequest): Promise<UndoStep> {
  const { story } = effect;
  if (story.outcome.kind !== 'done')
    return step(effect, 'cannot', 'whether it happened is not known: look at the target first');
  if (story.arguments === null) return step(effect, 'cannot', 'what it did was erased');
  const bundle = await broker.bundles.active();
  const bound = await boundOf(broker, bundle, story);
  if (bound === null) return step(effect, 'cannot', `no undo is declared for \`${story.tool}\``);
  const content = story.outcome.content ?? {};
  const calls = undoCalls(bound, {
    arguments: story.arguments,
    result: (content.result ?? null) as ToolResult | null,
    measured: measuredIn(story.measured),
  });
  if (typeof calls === 'string') return step(effect, 'cannot', calls);
  const agent = request.as ?? effect.agent;
  if (rungOf(bundle, { agent, actsFor: [] }, bound.tool) === null)
    return step(effect, 'cannot', `agent \`${agent}\` holds no grant for \`${bound.tool}\``);
  try {
    const tried = await triedBefore(broker, story.id);
    const left = calls.filter((call) => !tried.made.has(canonical(call.arguments)));
    if (tried.doubt !== null) return step(effect, 'cannot', tried.doubt);
    if (left.length === 0)
      return step(effect, 'already', null, { run: tried.runs.at(-1)?.id ?? null });
    const run = await runFor(
      broker,
      story.id,
      { agent, tool: bound.tool, by: request.by },
      tried.runs,
    );
    return await proposeAll(broker, effect, { run, tool: bound.tool, calls: left });
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code.startsWith('STORE_')) throw error;
    const state = error.code === 'HALTED' ? 'refused' : 'failed';
    return step(effect, state, `${error.code}: ${error.message}`);
  }
}

/** Null where only counts were kept. */
function measuredIn(measured: JsonObject | null): Measured | null {
  return Array.isArray(measured?.images) ? (measured as unknown as Measured) : null;
}

/** As declared for what was executed; for what had none then, as declared now. */
async function boundOf(broker: Broker, now: Bundle, story: ActionStory): Promise<Bound | null> {
  const { bundle } = story.stamp ?? {};
  const then = typeof bundle === 'string' ? await broker.bundles.get(bundle) : now;
  const executed = own(then.tools, story.tool);
  return executed?.undo ?? own(now.tools, story.tool)?.undo ?? null;
}

interface Tried {
  readonly runs: readonly Run[];
  /** Arguments of calls that took something back already. */
  readonly made: ReadonlySet<string>;
  /** Why nobody can tell what they did; null: one can. */
  readonly doubt: string | null;
}

/** What the runs that were to take this action back have done. Nothing is ever done twice. */
async function triedBefore({ store }: Broker, actionId: string): Promise<Tried> {
  const runs: Run[] = [];
  const made = new Set<string>();
  let doubt: string | null = null;
  for (let round = 0; round < UNDO_ROUNDS; round++) {
    const id = undoRunId(actionId, round);
    const run = await store.run(id);
    if (run === null) break;
    runs.push(run);
    for (const { id: by, purpose, outcome, ...story } of (await storyOf(store, id))?.actions ??
      []) {
      if (purpose !== 'execute' || story.stamp === null) continue;
      if (CAME_TO_NOTHING.has(outcome.kind)) continue;
      if (outcome.kind !== 'done' || story.arguments === null)
        doubt = `whether \`${by}\`, an undo of it, happened is not known, or was erased`;
      else made.add(canonical(story.arguments));
    }
  }
  return { runs, made, doubt };
}

/** The run to go on with, or a new one. */
async function runFor(
  broker: Broker,
  actionId: string,
  { agent, tool, by }: { readonly agent: string; readonly tool: string; readonly by: string },
  runs: readonly Run[],
): Promise<Run> {
  const live = runs.filter(({ state }) => state === 'live');
  const now = broker.doors.clock.now();
  const known = live.find((run) => run.agent === agent && now < run.expiresAt);
  for (const run of live) if (run !== known) await endRun(broker, run.id, 'another undo was begun');
  if (known !== undefined) {
    await noteAsker(broker, known, by);
    return known;
  }
  if (runs.length >= UNDO_ROUNDS)
    throw new SignalboxError('RUN_OVER', `\`${actionId}\` was tried ${UNDO_ROUNDS} times`);
  const id = undoRunId(actionId, runs.length);
  const begun = await beginRun(broker, {
    ...{ id, agent, tools: [tool], budget: {} },
    intent: `undo ${actionId}`,
  });
  await noteAsker(broker, begun, by);
  return begun;
}

/** Who asks does not approve, if there is anybody else (answer.ts). */
async function noteAsker(broker: Broker, { id, expiresAt }: Run, by: string): Promise<void> {
  const at = broker.doors.clock.now();
  await broker.store.commit({
    kind: 'claim.take',
    claim: undoAskedBy(id, by),
    until: expiresAt,
    at,
  });
}

interface Proposing {
  readonly run: Run;
  readonly tool: string;
  readonly calls: readonly UndoCall[];
}

/** One call after the other, up to the first that does not come through. */
async function proposeAll(
  broker: Broker,
  effect: Effect,
  { run, tool, calls }: Proposing,
): Promise<UndoStep> {
  for (const [index, call] of calls.entries()) {
    const proposal = { runId: run.id, tool, arguments: call.arguments, via: 'undo' };
    const outcome = await act(broker, proposal);
    const stopped = await stopAt(broker, call, outcome);
    if (stopped === null) continue;
    const { state, why, approval = null } = stopped;
    if (state !== 'asked') await endRun(broker, run.id, 'not undone');
    const before = index === 0 ? '' : `${index} of ${calls.length} calls were made; then: `;
    return step(effect, state, why === null ? why : before + why, { run: run.id, approval });
  }
  await endRun(broker, run.id, 'undone');
  return step(effect, 'undone', null, { run: run.id });
}

interface Stop {
  readonly state: UndoStep['state'];
  readonly why: string | null;
  readonly approval?: string;
}

/** Null: it is done. An ask that is not the undo of its row is withdrawn, before anybody looks at it. */
async function stopAt(broker: Broker, call: UndoCall, outcome: Outcome): Promise<Stop | null> {
  switch (outcome.kind) {
    case 'done':
      return null;
    case 'parked': {
      const { approvalId } = outcome;
      const fault = await askFault(broker, call, approvalId);
      if (fault === null) return { state: 'asked', why: null, approval: approvalId };
      const at = broker.doors.clock.now();
      await broker.store.commit({ kind: 'approval.void', approvalId, because: fault, at });
      return { state: 'refused', why: fault };
    }
    case 'refused': {
      const { code, reasons } = outcome.refusal;
      return { state: 'refused', why: `${code}: ${reasons[0]?.reason ?? 'no'}` };
    }
    case 'drafted':
      return { state: 'refused', why: `kept as a draft: ${outcome.reason}` };
    case 'failed':
      return { state: 'failed', why: `${outcome.code}: ${outcome.message}` };
    case 'unknown':
      return { state: 'failed', why: `whether it happened is not known: ${outcome.message}` };
    case 'running':
      return { state: 'failed', why: 'it has not ended yet' };
  }
}

async function askFault(
  broker: Broker,
  { image }: UndoCall,
  approvalId: string,
): Promise<string | null> {
  if (image === null) return null;
  const measured = (await broker.store.ask(approvalId))?.measured ?? null;
  return measured === null ? 'its rows cannot be compared' : notTheUndo(image, measured);
}
