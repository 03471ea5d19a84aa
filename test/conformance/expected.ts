/** The few failures that the protocol itself makes, each with its reason. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Expected {
  readonly leg: string;
  readonly scenario: string;
  readonly because: string;
}

const MOST = 6;
const SHORTEST_REASON = 40;

/** Throws when there are too many, or one has no reason. */
export function readExpected(path: string): readonly Expected[] {
  const listed: unknown = parse(readFileSync(path, 'utf8')) ?? [];
  if (!Array.isArray(listed)) throw new Error(`expected a list in ${path}`);
  if (listed.length > MOST)
    throw new Error(`expected at most ${MOST} expected failures, got ${listed.length}`);
  return listed.map((entry: Partial<Expected>) => {
    const { leg, scenario, because } = entry;
    if (typeof leg !== 'string' || typeof scenario !== 'string' || typeof because !== 'string')
      throw new Error(`expected leg, scenario and because, got ${JSON.stringify(entry)}`);
    if (because.length < SHORTEST_REASON)
      throw new Error(`expected the reason why the protocol cannot bridge ${scenario} on ${leg}`);
    return { leg, scenario, because };
  });
}
