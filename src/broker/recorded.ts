import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { LineageFacts } from '../domain/lineage.ts';
import { lower, MODES, type Mode } from '../domain/mode.ts';
import type { Measured } from '../domain/proposal.ts';
import type { Run } from '../domain/run.ts';
import type { ReadableEvent, Store } from '../domain/store.ts';
import type { Recorded } from '../policy/replay.ts';

/** What was read of the ledger, and what could not be. */
export interface ReadBack {
  /** Decisions whose arguments were erased, or are of a kind that says too little. */
  unreadable: number;
  /** There was more than was asked for. */
  more: boolean;
}

const PAGE = 250;
const MOST_RUNS = 100_000;

/** Decisions recorded since then, of the newest runs first; each page is waited for, so that others get their turn. */
export async function* recordedSince(
  store: Pick<Store, 'runs' | 'timeline'>,
  { since, most }: { readonly since: number; readonly most: number },
  back: ReadBack,
): AsyncGenerator<readonly Recorded[]> {
  let left = most;
  for (const { run, lastAt } of await store.runs({ limit: MOST_RUNS })) {
    if (lastAt < since) continue;
    for (let after = 0; ; ) {
      const page = await store.timeline(run.id, after, PAGE);
      after += page.length;
      const found = decisionsIn(page, run, since, back).slice(0, left);
      left -= found.length;
      if (found.length > 0) yield found;
      if (left <= 0) {
        back.more = true;
        return;
      }
      if (page.length < PAGE) break;
    }
  }
}

const DECISIONS = new Set([
  'action.intent',
  'action.read',
  'action.denied',
  'action.drafted',
  'action.parked',
]);

function decisionsIn(
  page: readonly ReadableEvent[],
  run: Run,
  since: number,
  back: ReadBack,
): Recorded[] {
  const found: Recorded[] = [];
  for (const event of page) {
    if (!DECISIONS.has(event.type) || event.at < since) continue;
    const one = decisionOf(event, run);
    if (one === null) back.unreadable++;
    else if (one !== 'preview') found.push(one);
  }
  return found;
}

/** A preview is the same decision as the ask or the effect that follows it. */
function decisionOf(event: ReadableEvent, run: Run): Recorded | 'preview' | null {
  const body = JSON.parse(event.body) as JsonObject;
  if (body.purpose === 'preview') return 'preview';
  const given = event.payload?.arguments;
  const { action, tool, mode, verdicts } = body;
  if (!isJsonObject(given) || typeof tool !== 'string' || !isMode(mode)) return null;
  const measured = event.payload?.measured;
  return {
    ...{ action: String(action), at: event.at, run, tool, arguments: given, mode },
    lineage: lineageIn(event.payload?.lineage),
    measured: isJsonObject(measured) ? (measured as unknown as Measured) : null,
    others: othersIn(Array.isArray(verdicts) ? verdicts : []),
  };
}

/** Null for what is no whole record of it. */
function lineageIn(recorded: Json | undefined): LineageFacts | null {
  if (!isJsonObject(recorded)) return null;
  const { proofs, flows, seen } = recorded;
  const isWhole = Array.isArray(proofs) && Array.isArray(flows) && Array.isArray(seen);
  return isWhole ? (recorded as unknown as LineageFacts) : null;
}

function othersIn(verdicts: readonly Json[]): Mode {
  let lowest: Mode = 'auto';
  for (const verdict of verdicts)
    if (isJsonObject(verdict) && verdict.check !== 'policy' && isMode(verdict.ceiling))
      lowest = lower(lowest, verdict.ceiling);
  return lowest;
}

function isMode(value: Json | undefined): value is Mode {
  return (MODES as readonly unknown[]).includes(value);
}
