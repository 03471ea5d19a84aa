import type { Tool } from '../domain/bundle.ts';
import { canonical, type Json, type JsonObject } from '../domain/json.ts';
import { type Bounds, type Narrowing, narrowingIn } from '../tools/narrow/narrowing.ts';
import { acceptsMore } from './narrower.ts';

type Part = Omit<Narrowing, 'upstream'>;

const NOTHING: Part = { fix: {}, hide: [], narrow: {}, key: null, project: null, maxItems: null };

/** The input schema that the server of a tool itself gives. */
export function upstreamSchema({ binding, inputSchema }: Tool): JsonObject {
  return narrowingIn(binding)?.upstream.inputSchema ?? inputSchema;
}

/** Every way in which an operator takes less away from a server's tool than before, in words. */
export function narrowingWidens(name: string, before: Tool, after: Tool): string[] {
  const was: Part = narrowingIn(before.binding) ?? NOTHING;
  const is: Part = narrowingIn(after.binding) ?? NOTHING;
  return [
    ...Object.keys(was.fix).flatMap((place) => unfixed(name, place, was, is)),
    ...was.hide.filter((place) => !isTaken(place, is)).map((place) => opened(name, place)),
    ...Object.keys(was.narrow).flatMap((place) => unbounded(name, place, was, is)),
    ...handedOn(name, was, is),
    ...(after.binding.keepHidden === true && before.binding.keepHidden !== true
      ? [`hidden characters in results of \`${name}\` are handed on as they come`]
      : []),
    ...(was.key !== null && was.key !== is.key
      ? [`the key by which the server of \`${name}\` knows a repeat is another one, or none`]
      : []),
  ];
}

function isTaken(place: string, { fix, hide, key }: Part): boolean {
  return Object.hasOwn(fix, place) || hide.includes(place) || key === place;
}

function opened(name: string, place: string): string {
  return `agents may send \`${place}\` of \`${name}\``;
}

function unfixed(name: string, place: string, was: Part, is: Part): string[] {
  if (!isTaken(place, is)) return [`${opened(name, place)}, which was fixed`];
  if (!Object.hasOwn(is.fix, place))
    return [`\`${place}\` of \`${name}\` is left to its server, and was fixed`];
  const [old, fresh] = [was.fix[place], is.fix[place]].map((value) => canonical(value ?? null));
  return old === fresh
    ? []
    : [`\`${place}\` of \`${name}\` is fixed to ${fresh} instead of ${old}`];
}

function unbounded(name: string, place: string, was: Part, is: Part): string[] {
  if (isTaken(place, is)) return [];
  const [old, fresh] = [was.narrow[place], is.narrow[place]];
  if (old === undefined) return [];
  if (fresh === undefined) return [`\`${place}\` of \`${name}\` has no bounds any more`];
  if (!old.optional && fresh.optional)
    return [`\`${place}\` of \`${name}\` may be left out: its server takes what it likes`];
  return acceptsMore(schemaOf(old), schemaOf(fresh))
    ? [`\`${place}\` of \`${name}\` has wider bounds than before`]
    : [];
}

function schemaOf({ optional: _, ...bounds }: Bounds): Json {
  return bounds as unknown as Json;
}

function handedOn(name: string, was: Part, is: Part): string[] {
  const more: string[] = [];
  const { project } = is;
  if (was.project !== null && (project === null || project.some((p) => !was.project?.includes(p))))
    more.push(`\`${name}\` hands on other parts of its results than before, or all of them`);
  if (was.maxItems !== null && (is.maxItems === null || is.maxItems > was.maxItems))
    more.push(
      `\`${name}\` hands on ${is.maxItems ?? 'any number of'} elements of a list, ${was.maxItems} before`,
    );
  return more;
}
