import { type Detect, lately, type ProposedCall } from './sighting.ts';
import type { Step } from './trail.ts';

const LONGEST = 5;
/** One call alone, over and over, is a cycle only from two rounds more on: `next` with no arguments goes far. */
const ALONE = 2;
/** So many rounds of several calls are asked about even when every round tells something new. */
const BLIND = 8;

/**
 * L4: the last calls are one short sequence over and over, across all runs of the tree: an agent that goes round, or two
 * that keep each other busy. Rounds that each tell something new are progress, up to a point.
 */
export const cycle: Detect = (call, trail) => {
  if (call.polls || trail.steps.length < LONGEST) return null;
  const calls = made(call, trail);
  let most = { rounds: 0, length: 0 };
  for (let length = 1; length <= LONGEST && most.rounds < ALONE; length++) {
    const rounds = roundsOf(calls, length) - (length === 1 ? ALONE : 0);
    if (rounds > most.rounds) most = { rounds, length };
  }
  const { rounds, length } = most;
  if (rounds < ALONE) return null;
  const fresh = isFresh(calls.slice(1, 1 + length * (rounds + 1)));
  return {
    count: rounds,
    code: 'LOOP_CYCLE',
    reason: `the last calls of this run tree are the same ${length === 1 ? 'one' : length} over and over`,
    fix: 'say what is missing instead of going round; a human can let this call pass',
    ...(fresh ? { most: length > 1 && rounds >= BLIND ? 'pause' : 'observe' } : {}),
  };
};

type Call = Pick<Step, 'tool' | 'argumentsDigest'> & { readonly print?: Step['print'] };

/** Newest first, the proposed one in front. */
function made(call: ProposedCall, trail: Parameters<Detect>[1]): Call[] {
  const calls: Call[] = [call];
  for (const step of lately(trail, call.at))
    if (!step.polled && (step.as === 'done' || step.as === 'failed')) calls.push(step);
  return calls;
}

function roundsOf(calls: readonly Call[], length: number): number {
  let same = 0;
  while (same + length < calls.length && isAlike(calls[same], calls[same + length])) same++;
  return same < length ? 0 : Math.floor((same + length) / length);
}

function isAlike(a: Call | undefined, b: Call | undefined): boolean {
  return a?.argumentsDigest === b?.argumentsDigest && a?.tool === b?.tool;
}

/** No call of these told the same twice. */
function isFresh(calls: readonly Call[]): boolean {
  const told = new Set<string>();
  for (const { tool, argumentsDigest, print } of calls) {
    const one = `${tool} ${argumentsDigest} ${print?.exact ?? 'failed'}`;
    if (told.has(one)) return false;
    told.add(one);
  }
  return true;
}
