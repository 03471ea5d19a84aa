import { canonical, isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/** Keywords whose smaller or larger value refuses more. */
const LOWER_IS_NARROWER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const HIGHER_IS_NARROWER = [
  'minimum',
  'exclusiveMinimum',
  'minLength',
  'minItems',
  'minProperties',
];
/** Keywords that say nothing about what is accepted. */
const REMARKS = ['description', 'title', 'examples', 'default', '$comment'];

/**
 * Could `after` accept something that `before` refused? Answers no only where that is plain to see: the same words,
 * tighter bounds, fewer choices, fewer arguments, more required ones.
 */
export function acceptsMore(before: Json, after: Json): boolean {
  if (!isJsonObject(before) || !isJsonObject(after)) return canonical(before) !== canonical(after);
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keywords].some((keyword) => !isNarrower(keyword, before, after));
}

function isNarrower(keyword: string, before: JsonObject, after: JsonObject): boolean {
  const [was, is] = [before[keyword], after[keyword]];
  if (REMARKS.includes(keyword) || same(was, is)) return true;
  if (LOWER_IS_NARROWER.includes(keyword)) return bounded(is, was, (a, b) => a <= b);
  if (HIGHER_IS_NARROWER.includes(keyword)) return bounded(is, was, (a, b) => a >= b);
  switch (keyword) {
    case 'enum':
      return Array.isArray(is) && (was === undefined || within(is, was));
    case 'required':
      return within(was ?? [], is ?? []);
    case 'pattern':
    case 'format':
    case 'const':
      return was === undefined;
    case 'additionalProperties':
      return is === false;
    case 'items':
      return was !== undefined && is !== undefined && !acceptsMore(was, is);
    case 'properties':
      return (
        after.additionalProperties === false &&
        isJsonObject(was) &&
        isJsonObject(is) &&
        Object.entries(is).every(
          ([name, inner]) => Object.hasOwn(was, name) && !acceptsMore(was[name] ?? null, inner),
        )
      );
    default:
      return false;
  }
}

function bounded(
  is: Json | undefined,
  was: Json | undefined,
  fits: (a: number, b: number) => boolean,
): boolean {
  return (
    typeof is === 'number' && (was === undefined || (typeof was === 'number' && fits(is, was)))
  );
}

function within(some: Json, all: Json): boolean {
  if (!Array.isArray(some) || !Array.isArray(all)) return false;
  const known = new Set(all.map(canonical));
  return some.every((value) => known.has(canonical(value)));
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return canonical(a ?? null) === canonical(b ?? null);
}
