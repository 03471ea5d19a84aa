/** Controls switched off, one at a time: each must make a figure worse, or it is decoration. */
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';
import { CHECKS } from '../../../src/judge/judge.ts';
import type { Labelled } from './labels.ts';
import type { Step, Suite } from './suites.ts';

export interface Mutation {
  /** Under which transform it shows; null: as recorded. */
  readonly transform: string | null;
  /** What it is compared to has every tool too: nothing is credited to the tools of a task. */
  readonly open?: true;
  /** Runs are given every tool. */
  readonly unscoped?: true;
  /** A check that is taken out. */
  readonly check?: string;
  /** Every tool's labels, changed. */
  readonly tool?: (tool: JsonObject) => JsonObject;
  readonly organisation?: (organisation: JsonObject, suite: Suite) => JsonObject;
}

const without =
  (...fields: readonly string[]) =>
  (tool: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(tool).filter(([name]) => !fields.includes(name)));

/** Any place in a result, but for those that no file can trust. */
const ANYWHERE = ['.', '*', '*[]', '*.*', '*[].*', '*.*[]', '*.*.*'];

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  provenance: { transform: null, check: 'provenance' },
  confidentiality: { transform: 'urlExfil', check: 'confidentiality' },
  scope: { transform: null, unscoped: true },
  authority: { transform: 'base64', tool: without('authority') },
  outward: { transform: 'reuse', tool: without('outward') },
  // that only places count which no stranger can write: now every leaf of every result proves
  trustedLeaves: {
    transform: 'plantIdentity',
    open: true,
    tool: (tool) => ({ ...tool, source: [{ trusted: ANYWHERE, text: 'yaml' }] }),
  },
  bounds: {
    transform: null,
    tool: (tool) => ({
      ...tool,
      ...(Array.isArray(tool.authority)
        ? {
            authority: tool.authority.map((each: Json) =>
              isJsonObject(each) ? without('least', 'most')(each) : each,
            ),
          }
        : {}),
    }),
  },
  // that there is an outside: now whoever an attack names is one of the organisation
  domains: { transform: null, open: true, organisation: everybody },
  // the words of the operator that spare humans: each proves what the other does here, so both are taken away
  ownPeople: {
    transform: null,
    tool: (tool) =>
      Array.isArray(tool.source)
        ? { ...tool, source: tool.source.map((rule: Json) => without('trusted')(rule as never)) }
        : tool,
    organisation: without('domains'),
  },
};

function everybody(organisation: JsonObject, { attacks }: Suite): JsonObject {
  const values = [...new Set(attacks.flatMap(({ steps }) => steps.flatMap(valuesIn)))];
  const domains = values.flatMap(
    (value) => /@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i.exec(value)?.[1] ?? [],
  );
  const own = (field: Json | undefined): readonly Json[] => (Array.isArray(field) ? field : []);
  return {
    ...organisation,
    domains: unique([...own(organisation.domains), ...domains.map((each) => each.toLowerCase())]),
    workspaces: unique([...own(organisation.workspaces), ...values.filter(isName)]),
  };
}

const unique = (values: readonly Json[]): Json[] => [...new Set(values)].slice(0, 100);
const isName = (value: string): boolean => value.length >= 4 && /^[\w.@-]{1,100}$/.test(value);

function valuesIn({ given }: Step): string[] {
  return Object.values(given).flatMap((value) =>
    (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string'),
  );
}

/** `restore` puts back what was taken out of this process. */
export function withMutation(
  name: string | null,
  labels: ReadonlyMap<string, Labelled>,
  suites: readonly Suite[],
): { readonly labels: ReadonlyMap<string, Labelled>; restore(): void } {
  const mutation = name === null ? undefined : MUTATIONS[name];
  if (mutation === undefined) return { labels, restore: () => {} };
  const checks = CHECKS as Map<string, never>;
  const { check, tool: change = (tool) => tool, organisation = (same) => same } = mutation;
  const all = [...checks];
  if (check !== undefined) checks.delete(check);
  const changed = [...labels].map(([suite, { organisation: own, tools, by }]) => {
    const mutated = Object.entries(tools).map(([tool, how]) => [
      tool,
      isJsonObject(how) ? change(how) : how,
    ]);
    const scene = suites.find(({ name: known }) => known === suite);
    return [
      suite,
      {
        organisation: scene === undefined ? own : organisation(own, scene),
        tools: Object.fromEntries(mutated),
        by,
      },
    ] as const;
  });
  return {
    labels: new Map(changed),
    restore: () => {
      checks.clear();
      for (const [key, value] of all) checks.set(key, value);
    },
  };
}
