import type { Organisation, Tool } from '../domain/bundle.ts';
import { canonical } from '../domain/json.ts';
import type { AuthorityArgument, SourceRule } from '../domain/lineage.ts';

/** How less needs a proof than before, or more counts as one. `before` null: the tool is new. */
export function lineageWidens(name: string, before: Tool | null, after: Tool | null): string[] {
  if (after === null) return [];
  const [was, is] = [before?.lineage, after.lineage];
  if (canonical(was ?? null) === canonical(is ?? null)) return [];
  const words: string[] = [];
  for (const argument of was?.authority ?? []) {
    const now = is?.authority.find((each) => each.argument === argument.argument);
    if (now === undefined)
      words.push(`\`${argument.argument}\` of \`${name}\` needs no proof any more`);
    else if (now.kind !== argument.kind)
      words.push(
        `\`${argument.argument}\` of \`${name}\` is judged as a ${now.kind}, as a ${argument.kind} before`,
      );
  }
  for (const argument of is?.authority ?? [])
    words.push(
      ...allowed(
        name,
        was?.authority.find((each) => each.argument === argument.argument),
        argument,
      ),
    );
  if (was?.outward === true && is?.outward !== true)
    words.push(`\`${name}\` no longer counts as reaching others: its texts are not looked at`);
  if (was?.memory !== undefined && was.memory !== is?.memory)
    words.push(`what was written into the memory \`${was.memory}\` no longer follows \`${name}\``);
  const rules = was?.source ?? [];
  if (canonical(rules) !== canonical(is?.source ?? []))
    words.push(...sources(name, rules, is?.source ?? []));
  return words;
}

function allowed(
  name: string,
  was: AuthorityArgument | undefined,
  is: AuthorityArgument,
): string[] {
  const words: string[] = [];
  const known = new Set(was?.allow ?? []);
  const added = (is.allow ?? []).filter((value) => !known.has(value));
  if (added.length > 0)
    words.push(`\`${is.argument}\` of \`${name}\` needs no proof for ${some(added)}`);
  const bounds = ({ least, most }: AuthorityArgument): string =>
    `${least ?? 'any'} to ${most ?? 'any'}`;
  const isBounded = is.least !== undefined || is.most !== undefined;
  if (isBounded && (was === undefined || bounds(was) !== bounds(is)))
    words.push(`\`${is.argument}\` of \`${name}\` needs no proof from ${bounds(is)}`);
  return words;
}

/** Rules are read in order, so that any other order is another meaning. */
function sources(name: string, was: readonly SourceRule[], is: readonly SourceRule[]): string[] {
  const words: string[] = [];
  const trusted = is.flatMap((rule) => rule.trusted);
  if (trusted.length > 0)
    words.push(`what \`${name}\` returns at ${some(trusted)} counts as proof`);
  if (was.some(({ labels, readers }) => labels.length > 0 || readers !== null))
    words.push(`what \`${name}\` returns is labelled otherwise, or for other readers: read both`);
  return words;
}

/** What counts as inside, and what is known outside. */
export function surroundingsWiden(before: Organisation, after: Organisation): string[] {
  const added = (field: 'domains' | 'workspaces' | 'directory'): readonly string[] =>
    (after[field] ?? []).filter((each) => before[field]?.includes(each) !== true);
  const inside = [...added('domains'), ...added('workspaces')];
  const known = added('directory');
  const regrouped = canonical(before.groups ?? {}) !== canonical(after.groups ?? {});
  return [
    ...(inside.length === 0
      ? []
      : [
          `${some(inside)} counts as inside the organisation: what is sent there no longer leaves it`,
        ]),
    ...(known.length === 0 ? [] : [`${some(known)} may be sent to without another proof`]),
    ...(regrouped && before.groups !== undefined
      ? ['whom the groups reach is written otherwise']
      : []),
  ];
}

function some(values: readonly string[]): string {
  const told = values
    .slice(0, 10)
    .map((value) => `\`${value}\``)
    .join(', ');
  return values.length > 10 ? `${told} and ${values.length - 10} more` : told;
}
