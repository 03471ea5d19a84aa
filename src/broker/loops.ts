import type { Bundle, Tool } from '../domain/bundle.ts';
import type { Facts } from '../domain/facts.ts';
import { AUTOMATIC } from '../domain/halt.ts';
import {
  type Firing,
  LOOKED_BACK,
  type LoopRules,
  NO_FIRINGS,
  type Repeats,
} from '../domain/loops.ts';
import { own } from '../domain/own.ts';
import type { Outcome, Proposal } from '../domain/proposal.ts';
import type { Run } from '../domain/run.ts';
import type { Spend } from '../domain/spend.ts';
import type { Store } from '../domain/store.ts';
import { firingsOf } from '../limits/loops/detect.ts';
import { LONG } from '../limits/loops/jump.ts';
import { type Amounts, NO_PURSE, NOTHING, type Norm, totalOf } from '../limits/loops/norm.ts';
import { keyOf, sketchOf } from '../limits/loops/print.ts';
import {
  keepsInterval,
  type MadeCall,
  type OfTool,
  told,
  toldOf,
  trailOf,
} from '../limits/loops/steps.ts';
import { amended, EMPTY_TRAIL, type Trail, turned } from '../limits/loops/trail.ts';
import { begunTurn, spentTurn } from '../limits/loops/turns.ts';
import type { Broker } from './broker.ts';
import { raise } from './halt.ts';
import { priceIn, usualFor } from './usual.ts';

/** Run trees whose last calls are in memory; beyond it all are let go, and read again from the ledger. */
const KEPT = 2_048;
/** Of one call there are two records at most that count, an intent and its outcome; and a model call or two. */
const RECORDS = 4 * LOOKED_BACK;

interface Known {
  trail: Trail;
  spent: Amounts;
  /** What is usual for such runs, once asked; the same as long as the tree is known here. */
  norm: Norm | null | undefined;
  /** Actions of the tree that are in it, where others may add some. */
  actions: number | null;
  stopped: boolean;
}

const trails = new WeakMap<Store, Map<string, Known>>();

/** One call that may be looked at: not where its bundle has no rules, or its run or tool is not known. */
type Question = Omit<Asked, 'run' | 'tool'> & Pick<Facts, 'run' | 'tool'>;

interface Asked {
  readonly proposal: Proposal;
  readonly argumentsDigest: string;
  readonly run: Run;
  readonly tool: Tool;
  readonly bundle: Bundle;
  readonly inputProblems: readonly string[];
  readonly treeActions: number | null;
  readonly now: number;
}

/**
 * What the detectors see of this call. Its run tree's last calls come from memory, and from the ledger when this process
 * has not met the tree yet or another replica has added to it. A read of a tree in memory waits for nothing.
 */
export function lookForLoops(
  { store }: Pick<Broker, 'store'>,
  question: Question,
): readonly Firing[] | Promise<readonly Firing[]> {
  const { run, tool, bundle } = question;
  const rules = bundle.loops;
  if (rules === undefined || run === null || tool === null) return NO_FIRINGS;
  if (isOfDrill(bundle, tool)) return NO_FIRINGS;
  const asked = { ...question, run, tool };
  const known = knownOf(store, asked.run.root, asked.treeActions);
  if (known !== null && asked.tool.effect === 'read' && !needsNorm(known, rules))
    return seenIn(known, rules, asked, null);
  return lookedUp(store, known, rules, asked);
}

/** The reads that the drill's canary and witness make all the time, as the operator named them. */
function isOfDrill({ drill }: Bundle, { name }: Tool): boolean {
  return drill !== undefined && (name === drill.touch || name === drill.look);
}

async function lookedUp(
  store: Store,
  met: Known | null,
  rules: LoopRules,
  asked: Asked,
): Promise<readonly Firing[]> {
  const known = met ?? (await read(store, asked));
  const { run, tool, argumentsDigest } = asked;
  const repeats =
    tool.effect === 'read'
      ? null
      : await store.repeats({ root: run.root, tool: tool.name, argumentsDigest });
  if (needsNorm(known, rules)) known.norm = await usualFor(store, asked);
  return seenIn(known, rules, asked, repeats);
}

/** Nothing is asked of earlier runs before anything was spent, or much was done. */
function needsNorm({ norm, spent, trail }: Known, { velocity, cost, jump }: LoopRules): boolean {
  if (norm !== undefined || (velocity ?? cost ?? jump) === undefined) return false;
  return spent.moneyMicros + spent.tokens > 0 || trail.steps.length > LONG;
}

function seenIn(
  { trail, spent, norm = null }: Known,
  rules: LoopRules,
  { proposal, tool, argumentsDigest, inputProblems, now: at }: Asked,
  repeats: Repeats | null,
): readonly Firing[] {
  const effect = effectOf(tool);
  const sketch = sketchOf(proposal.arguments);
  const call = { tool: tool.name, argumentsDigest, at };
  return firingsOf(
    rules,
    {
      ...call,
      ...{ repeats, fits: inputProblems.length === 0 },
      key: keyOf(argumentsDigest),
      shape: sketch.shape,
      numbers: sketch.numbers,
      effect,
      repeatHarms: effect === 'change' && (tool.effect === 'destroy' || !tool.idempotent),
      polls: keepsInterval(trail, { ...call, pollingMs: tool.pollingMs }),
    },
    trail,
    spent === NOTHING && norm === null ? NO_PURSE : { spent, norm },
  );
}

/** Adds what became of a call, and halts its run tree when a detector says so. Nothing waits for that halt. */
export function remember(broker: Broker, facts: Facts, outcome: Outcome): void {
  const { bundle, run, tool, firings } = facts;
  if (bundle.loops === undefined || run === null || tool === null) return;
  const known = trails.get(broker.store)?.get(run.root);
  if (known === undefined) return;
  const held = firings.some(({ stage }) => HOLDS.has(stage));
  if (known.actions === null || !isIn(known.trail, outcome.actionId)) {
    const call = madeCall(facts, tool);
    const became = toldOf(outcome, held);
    known.trail = told(known.trail, call, became);
    if (call.moneyMicros > 0 && (became.as === 'done' || became.as === 'failed'))
      known.spent = more(known.spent, { moneyMicros: call.moneyMicros, tokens: 0 });
    if (known.actions !== null) known.actions++;
  }
  const stop = firings.find(({ stage }) => stage === 'stop');
  if (stop === undefined || known.stopped || outcome.kind !== 'refused') return;
  known.stopped = true;
  raise(broker, {
    scope: `run:${run.root}`,
    reason: `${stop.reason} (${stop.code})`,
    by: AUTOMATIC,
  })
    .then((finished) => finished())
    // a store that takes no halt takes no intent either
    .catch(() => {});
}

/** It was read back from the ledger meanwhile. */
function isIn({ steps }: Trail, actionId: string): boolean {
  return steps.some(({ action }) => action === actionId);
}

const HOLDS: ReadonlySet<Firing['stage']> = new Set(['steer', 'block', 'stop']);

function madeCall({ argumentsDigest, now, ...facts }: Facts, tool: Tool): MadeCall {
  return {
    tool: tool.name,
    argumentsDigest,
    arguments: facts.arguments,
    ...ofTool(tool),
    at: now,
  };
}

function ofTool(tool: Tool | null): ReturnType<OfTool> {
  return {
    effect: effectOf(tool),
    pollingMs: tool?.pollingMs,
    moneyMicros: tool?.cap.moneyMicros ?? 0,
    trusted: tool?.lineage?.source.some(({ trusted }) => trusted.length > 0) ?? false,
  };
}

/** What a run tree cost besides its actions. */
export function rememberSpend(
  { store }: Pick<Broker, 'store'>,
  root: string,
  spend: Spend,
  at: number,
): void {
  heard(store, root, spentTurn(spend, at));
}

/** What a spend came to, that more was held for. */
export function rememberRefund({ store }: Pick<Broker, 'store'>, root: string, spend: Spend): void {
  const known = trails.get(store)?.get(root);
  const held = known?.trail.turns.find(({ id }) => id === spend.id);
  if (known === undefined || held === undefined) return;
  const { id, moneyMicros, tokens } = spentTurn(spend, held.at);
  known.trail = amended(known.trail, { id, moneyMicros, tokens });
  known.spent = more(known.spent, {
    moneyMicros: moneyMicros - held.moneyMicros,
    tokens: tokens - held.tokens,
  });
}

/** A run that was begun under another says what for. */
export function rememberBegun({ store }: Pick<Broker, 'store'>, run: Run): void {
  heard(store, run.root, begunTurn(run.id, run.startedAt, run.intent));
}

/** Once: one that was read back from the ledger meanwhile is in it already. */
function heard(store: Store, root: string, turn: ReturnType<typeof begunTurn>): void {
  const known = trails.get(store)?.get(root);
  if (known === undefined || known.trail.turns.some(({ id }) => id === turn.id)) return;
  known.trail = turned(known.trail, turn);
  known.spent = more(known.spent, turn);
}

function more(spent: Amounts, { moneyMicros, tokens }: Amounts): Amounts {
  if (moneyMicros === 0 && tokens === 0) return spent;
  return { moneyMicros: spent.moneyMicros + moneyMicros, tokens: spent.tokens + tokens };
}

function effectOf(tool: Tool | null): MadeCall['effect'] {
  return tool?.effect === 'read' ? 'read' : 'change';
}

function knownOf(store: Store, root: string, treeActions: number | null): Known | null {
  const known = trails.get(store)?.get(root);
  return known !== undefined && known.actions === treeActions ? known : null;
}

async function read(store: Store, { run, bundle, treeActions }: Asked): Promise<Known> {
  const { root } = run;
  const events = treeActions === 0 ? [] : await store.trail(root, RECORDS);
  const trail =
    events.length === 0 ? EMPTY_TRAIL : trailOf(events, (name) => ofTool(own(bundle.tools, name)));
  const spent = events.length === 0 ? NOTHING : totalOf(await store.cost(root), priceIn(bundle));
  const all = trails.get(store) ?? new Map<string, Known>();
  trails.set(store, all);
  const before = all.get(root);
  if (all.size >= KEPT) all.clear();
  const known = {
    ...{ trail, spent, norm: before?.norm },
    ...{ actions: treeActions, stopped: before?.stopped ?? false },
  };
  all.set(root, known);
  return known;
}
