import { MAX_OBSERVED_MS, type Observing } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { members, pointer } from './meaning.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { closed, text } from './schema-parts.ts';
import type { Source } from './source.ts';

const DAY_MS = 86_400_000;
const DAY = '^\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])$';

/** `observe` of an agent. */
export const OBSERVE_SCHEMA: JsonObject = closed(
  'Until a day, verdicts of policies, provenance and consults are recorded and hold nothing that can be taken back',
  ['from', 'until'],
  {
    from: text('First day (UTC), as 2026-11-30', { pattern: DAY }),
    until: text('The day (UTC) it is over, at most 14 days later', { pattern: DAY }),
  },
);

export function observingOf(value: Json | undefined): { readonly observe?: Observing } {
  if (value === undefined) return {};
  const { from, until } = members(value);
  return { observe: { from: Date.parse(String(from)), until: Date.parse(String(until)) } };
}

export function observeProblems(source: Source, root: JsonObject): ConfigProblem[] {
  return Object.entries(members(root.agents)).flatMap(([name, agent]) => {
    const { observe } = members(agent);
    const { from, until } = observingOf(observe).observe ?? { from: 0, until: DAY_MS };
    const days = (until - from) / DAY_MS;
    const most = MAX_OBSERVED_MS / DAY_MS;
    if (observe === undefined || (days > 0 && days <= most)) return [];
    const at = source.at(pointer('agents', name, 'observe'));
    const message = `\`observe\` of \`${name}\`: expected 1 to ${most} days, got ${Number.isNaN(days) ? 'a day that there is not' : days}`;
    return [
      problem(
        'CONFIG_INVALID',
        at,
        message,
        'it ends by itself; what is wanted longer is a looser policy',
      ),
    ];
  });
}

/** What an owner has to take when this agent begins to be observed, or is observed for longer. */
export function observeWidens(name: string, is: Observing): string {
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  return `agent \`${name}\` is OBSERVED from ${day(is.from)} until ${day(is.until)}: what policies, provenance and consults say is recorded and holds nothing that can be taken back`;
}
