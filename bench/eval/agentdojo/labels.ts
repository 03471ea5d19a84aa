/** What an operator would write of each tool: from a file of labels by hand, or as the classifier of `adopt` has it. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject } from '../../../src/domain/json.ts';
import { labelsOf } from '../../../src/tools/classify/classify.ts';
import type { Suite, ToolText } from './suites.ts';

export interface Labelled {
  /** Besides its name. */
  readonly organisation: JsonObject;
  /** `serve.tools` of the suite's connection. */
  readonly tools: JsonObject;
  readonly by: 'hand' | 'classifier';
}

/** By suite. A suite or tool that the file does not know is labelled by the classifier. */
export async function labelsFor(
  suites: readonly Pick<Suite, 'name' | 'tools'>[],
  from: string,
): Promise<ReadonlyMap<string, Labelled>> {
  const written = from === 'auto' ? {} : (parse(await readFile(from, 'utf8')) as JsonObject);
  const bySuite = isJsonObject(written.suites) ? written.suites : {};
  return new Map(
    suites.map(({ name, tools }) => {
      const own = bySuite[name];
      if (!isJsonObject(own)) return [name, classified(tools)];
      const organisation = isJsonObject(own.organisation) ? own.organisation : {};
      const known = isJsonObject(own.tools) ? own.tools : {};
      const names = new Set(tools.map((tool) => tool.name));
      const listed = Object.entries(known).filter(([tool]) => names.has(tool));
      const others = classified(tools.filter((tool) => !Object.hasOwn(known, tool.name)));
      return [
        name,
        { organisation, tools: { ...others.tools, ...Object.fromEntries(listed) }, by: 'hand' },
      ];
    }),
  );
}

function classified(tools: readonly ToolText[]): Labelled {
  return {
    organisation: {},
    by: 'classifier',
    tools: Object.fromEntries(
      tools.map((tool) => {
        const { effect, external, authority } = labelsOf(tool);
        const named = authority.map(({ argument, kind }) => ({ argument, kind }));
        return [
          tool.name,
          {
            effect,
            ...(external ? { outward: true } : {}),
            ...(named.length === 0 ? {} : { authority: named }),
          },
        ];
      }),
    ),
  };
}

/**
 * What a call does to the world, whoever labelled it: it cannot be taken back or reaches others, or it names somebody
 * whom neither the principal nor the organisation knows.
 */
export function isConsequential(
  tool: ToolText | undefined,
  given: JsonObject,
  known: (value: string) => boolean,
): boolean {
  if (tool === undefined) return true;
  const { effect, external, authority } = labelsOf(tool);
  if (effect === 'destroy' || external) return true;
  return authority
    .filter(({ kind }) => kind === 'destination' || kind === 'secret')
    .some(({ argument }) => !textsIn(given[argument.split(/[.[]/)[0] ?? '']).every(known));
}

export function changesAnything(tool: ToolText | undefined): boolean {
  return tool === undefined || labelsOf(tool).effect !== 'read';
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap(textsIn) : [];
}
