/** Names of connections, agents and environments. */
export const NAME = '^[a-z][a-z0-9_-]{0,62}$';
/** Names of tools, as MCP clients accept them. */
export const TOOL_NAME = '^[a-zA-Z][a-zA-Z0-9_.-]{0,127}$';
/** What stands before the names of a server’s tools. */
export const TOOL_PREFIX = '^(?:[a-zA-Z][a-zA-Z0-9_.-]*)?$';
/** What a grant may name: a tool, every tool that begins so, the resources or prompts of a server. */
export const GRANTED_NAME =
  '^(?:\\*|[a-zA-Z][a-zA-Z0-9_.-]{0,127}\\*?|[a-z][a-z0-9_-]{0,62}/(?:resources|prompts))$';
export const ENVIRONMENT_VARIABLE = '^[A-Za-z_][A-Za-z0-9_]{0,127}$';
/** Names of arguments: also what `:name` in a statement and `{name}` in a template can say. */
export const ARGUMENT_NAME = '^[a-zA-Z][a-zA-Z0-9_]{0,62}$';

/** Where an argument stands: its name, or a JSON Pointer to a member inside one. */
export const ARGUMENT_PLACE = '^(?:[^/].{0,127}|(?:/[^/]{1,128}){2,8})$';

/** What every object of the language already has: a table keyed by such a name could answer for nobody. */
export function isReserved(name: string): boolean {
  return name in {} || name === 'prototype';
}

/** The candidate that was probably meant, or null. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const most = name.length <= 4 ? 1 : name.length <= 8 ? 2 : 3;
  let best: string | null = null;
  let least = most + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const far = distance(name.toLowerCase(), candidate.toLowerCase());
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}

/** What two names look like to somebody who reads quickly; equal for names that are mistaken for each other. */
export function silhouette(name: string): string {
  return name
    .replaceAll(/[1I|]/g, 'l')
    .replaceAll(/[0O]/g, 'o')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll(/[-_.]/g, '')
    .toLowerCase();
}

/** Edits (insert, delete, replace, swap of neighbours) between two short names. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      current.push(least);
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
