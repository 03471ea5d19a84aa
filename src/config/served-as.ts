import type { Catalogue } from '../domain/connector.ts';
import type { JsonObject } from '../domain/json.ts';
import { listedSchema } from '../tools/narrow/listed.ts';
import { isWhole, type Narrowing } from '../tools/narrow/narrowing.ts';
import type { ServedTool, Serving } from './config.ts';
import type { Definition } from './definition.ts';

/** A tool of a server under one of the names that it is served by. */
export interface ServedAs {
  /** Without the prefix. */
  readonly as: string;
  /** The key of the file that says so: `as`, or `*`. */
  readonly named: string;
  readonly how: ServedTool;
}

/** Every name that the file serves this tool by; empty with `isNamed: false` where the file does not speak of it. */
export function servedAs(
  upstream: string,
  { tools, others }: Serving,
): { readonly names: readonly ServedAs[]; readonly isNamed: boolean } {
  const names = [...tools].flatMap(([as, how]): ServedAs[] =>
    how !== null && (how.of ?? as) === upstream ? [{ as, named: as, how }] : [],
  );
  if (names.length > 0 || tools.get(upstream) === null) return { names, isNamed: true };
  return {
    names: others === null ? [] : [{ as: upstream, named: '*', how: others }],
    isNamed: others !== null,
  };
}

/** Why a name of the file cannot be served; null: it can. */
export function misnamed(
  as: string,
  how: ServedTool | null,
  offered: readonly string[],
): { readonly says: string; readonly wanted: string } | null {
  const upstream = how?.of ?? as;
  if (!offered.includes(upstream)) return { says: `has no tool \`${upstream}\``, wanted: upstream };
  if (how?.of != null && offered.includes(as))
    return {
      says: `has a tool \`${as}\` of its own, and this is made of \`${how.of}\``,
      wanted: '',
    };
  return null;
}

/** What the operator leaves of a definition. Throws a SyntaxError in plain words for what does not fit it. */
export function narrowed(
  how: ServedTool,
  { description, inputSchema, listing }: Definition,
): {
  readonly shown: Pick<Definition, 'description' | 'inputSchema' | 'listing'>;
  readonly binding: JsonObject;
} {
  const kept = how.keepHidden ? { keepHidden: true } : {};
  if (isWhole(how.narrowing) && how.description === null)
    return { shown: { description, inputSchema, listing }, binding: kept };
  const narrowing: Narrowing = { ...how.narrowing, upstream: { description, inputSchema } };
  const { outputSchema: _, ...others } = listing;
  const cuts = narrowing.project !== null || narrowing.maxItems !== null;
  return {
    shown: {
      description: how.description ?? description,
      inputSchema: listedSchema(narrowing),
      // what is cut no longer fits what its server promises
      listing: cuts ? others : listing,
    },
    binding: { ...kept, narrow: narrowing as unknown as JsonObject },
  };
}

/** Names that the server gives tools and the file does not speak of. */
export function unservedOf({ tools }: Catalogue, serving: Serving): string[] {
  return tools.map(({ name }) => String(name)).filter((name) => !servedAs(name, serving).isNamed);
}
