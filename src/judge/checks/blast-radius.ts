import type { Bundle, Tool } from '../../domain/bundle.ts';
import type { Dimension, EffectVector } from '../../domain/effect.ts';
import { type Facts, type LimitFact, left } from '../../domain/facts.ts';
import { actorsOf } from '../../domain/run.ts';
import type { Check } from '../check.ts';

/**
 * Cumulative, over the run tree, the agent's day and everybody's day: posted + pending + asked must stay within every
 * limit. What is asked is the tool's declared cap, and once measured, what was measured.
 */
export const blastRadius: Check = (facts) => {
  const { tool, limits, measured } = facts;
  if (tool === null) return null;
  const asked = measured?.effect ?? tool.cap;
  if (limits.every((l) => asked[l.dimension] <= left(l))) return null;
  const short = limits.filter((l) => asked[l.dimension] > left(l));
  const told = short.map(
    (l) =>
      `${l.dimension} of ${keyInWords(l.key)}: asks ${asked[l.dimension]}, ${left(l)} left of ${l.limit}`,
  );
  return {
    ceiling: 'deny',
    code: 'BLAST_RADIUS',
    reason: told.join('; '),
    fix: fixFor(facts, short),
  };
};

function keyInWords(key: string): string {
  return key.startsWith('day:') ? `everybody on \`${key.slice(4)}\`` : `\`${key}\``;
}

/** What would pass: the same with less, a narrower tool that is granted too, the next day. Made only when one is refused. */
function fixFor(facts: Pick<Facts, Needed>, short: readonly LimitFact[]): string {
  const most = new Map<Dimension, number>();
  for (const limit of short)
    most.set(limit.dimension, Math.min(most.get(limit.dimension) ?? NEVER, left(limit)));
  const room = [...most].map(([dimension, count]) => `${count} ${dimension}`).join(', ');
  const narrower = narrowerTools(facts);
  const days = short.every(({ key }) => !key.startsWith('run:'));
  const ways = [
    facts.measured === null
      ? `a tool whose cap asks for at most ${room}`
      : `the same call on at most ${room}`,
    ...(narrower.length === 0 ? [] : [`now: ${narrower.map((name) => `\`${name}\``).join(', ')}`]),
    ...(days ? ['from 00:00 UTC on, the whole of it'] : []),
  ];
  return `what passes: ${ways.join('; ')}; an operator can raise the limit`;
}

type Needed = 'bundle' | 'run' | 'tool' | 'limits' | 'measured';
const NEVER = Number.POSITIVE_INFINITY;
/** Named in one refusal. */
const MOST_NAMED = 3;

/** Of the same connection and class, granted to everybody who acts, within every limit as it stands. */
function narrowerTools({ bundle, run, tool, limits }: Pick<Facts, Needed>): readonly string[] {
  if (run === null || tool === null) return [];
  const granted = new Set(
    actorsOf(run)
      .map((agent) => new Set(grantsOf(bundle, agent)))
      .reduce((all, one) => all.intersection(one)),
  );
  const fits = (cap: EffectVector): boolean => limits.every((l) => cap[l.dimension] <= left(l));
  const passes = (other: Tool): boolean =>
    other.name !== tool.name &&
    other.connection === tool.connection &&
    other.effect === tool.effect &&
    granted.has(other.name) &&
    (run.tools === null || run.tools.includes(other.name)) &&
    (run.subject === undefined || ofUser(bundle, run.subject).includes(other.name)) &&
    fits(other.cap);
  return Object.values(bundle.tools)
    .filter(passes)
    .slice(0, MOST_NAMED)
    .map(({ name }) => name);
}

function ofUser({ users = {} }: Bundle, subject: string): readonly string[] {
  return Object.hasOwn(users, subject) ? (users[subject]?.tools ?? []) : [];
}

function grantsOf({ grants }: Bundle, agent: string): string[] {
  return grants.filter((grant) => grant.agent === agent).map(({ tool }) => tool);
}
