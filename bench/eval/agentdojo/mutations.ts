/** Controls switched off, one at a time: each must make a figure worse, or it is decoration. */
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';
import { CHECKS } from '../../../src/judge/judge.ts';
import type { Labelled } from './labels.ts';

interface Mutation {
  /** Under which transform it shows; null: as recorded. */
  readonly transform: string | null;
  /** Runs are given every tool. */
  readonly unscoped?: true;
  /** A check that is taken out. */
  readonly check?: string;
  /** Every tool's labels, changed. */
  readonly tool?: (tool: JsonObject) => JsonObject;
  readonly organisation?: (organisation: JsonObject) => JsonObject;
}

const without =
  (...fields: readonly string[]) =>
  (tool: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(tool).filter(([name]) => !fields.includes(name)));

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  provenance: { transform: null, check: 'provenance' },
  confidentiality: { transform: 'urlExfil', check: 'confidentiality' },
  scope: { transform: null, unscoped: true },
  authority: { transform: 'base64', tool: without('authority') },
  outward: { transform: 'reuse', tool: without('outward') },
  trustedLeaves: { transform: null, tool: without('source') },
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
  domains: { transform: null, organisation: without('domains') },
};

/** `restore` puts back what was taken out of this process. */
export function withMutation(
  name: string | null,
  labels: ReadonlyMap<string, Labelled>,
): { readonly labels: ReadonlyMap<string, Labelled>; restore(): void } {
  const mutation = name === null ? undefined : MUTATIONS[name];
  if (mutation === undefined) return { labels, restore: () => {} };
  const checks = CHECKS as Map<string, never>;
  const { check, tool: change = (tool) => tool, organisation = (same) => same } = mutation;
  const all = [...checks];
  if (check !== undefined) checks.delete(check);
  const changed = [...labels].map(([suite, { organisation: own, tools }]) => {
    const mutated = Object.entries(tools).map(([tool, how]) => [
      tool,
      isJsonObject(how) ? change(how) : how,
    ]);
    return [
      suite,
      { organisation: organisation(own), tools: Object.fromEntries(mutated) },
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
