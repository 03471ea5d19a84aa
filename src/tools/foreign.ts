import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { joinedChecks } from './foreign-joined.ts';
import { listChecks } from './foreign-lists.ts';
import { memberChecks } from './foreign-members.ts';
import { baseOf, type Place, type Resolve, ROOT, resolverOf } from './foreign-refs.ts';
import { all, type Check, MAYBE, NO, Overrun, Run, YES } from './foreign-run.ts';
import { valueChecks } from './foreign-values.ts';
import { cut } from './told.ts';

/**
 * The input schema of somebody else's tool, as JSON Schema 2020-12 with the older spellings servers still send. It is a
 * stranger's program that runs on an agent's text, so it is walked with a budget instead of being compiled to code, and
 * what cannot be checked in bounded time or without a network is left to the server and said in `unchecked`. Formats
 * are remarks. It never refuses what the schema allows, with one exception: a root that lists arguments and says
 * nothing of others takes no others.
 */
export interface ForeignSchema {
  /** What does not fit; empty when everything does. Words as in `createInputCheck`. */
  check(input: JsonObject): readonly string[];
  readonly unchecked: readonly string[];
}

const MAX_BYTES = 256 * 1024;
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 8;
const MAX_NOTES = 8;

/** Throws a SyntaxError in plain words for a schema that cannot be used. */
export function foreignSchema(schema: JsonObject): ForeignSchema {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > MAX_BYTES)
    throw new SyntaxError(`its input schema has ${bytes} bytes, at most ${MAX_BYTES}`);
  if (schema.type !== 'object')
    throw new SyntaxError('its input schema does not say `type: object` at its root');
  if (isTooDeep(schema, MAX_DEPTH))
    throw new SyntaxError(`its input schema is nested deeper than ${MAX_DEPTH}`);
  const reader = new Reader(resolverOf(schema));
  const root = closesItself(schema) ? { ...schema, additionalProperties: false } : schema;
  const check = reader.checkOf({ schema: root, base: ROOT });
  return {
    unchecked: [...reader.notes].slice(0, MAX_NOTES),
    check(input) {
      try {
        if (new Run(false).deeper(check, input) !== NO) return [];
        return explained(check, input);
      } catch (error) {
        if (error instanceof Overrun || error instanceof RangeError)
          return ['the arguments are too large or too deeply nested to be checked'];
        throw error;
      }
    },
  };
}

function explained(check: Check, input: JsonObject): readonly string[] {
  const run = new Run(true);
  run.deeper(check, input);
  const faults = [...new Set(run.faults ?? [])];
  if (faults.length === 0) return ['the arguments do not fit the input schema'];
  return faults.length <= MAX_PROBLEMS
    ? faults
    : [...faults.slice(0, MAX_PROBLEMS), 'and more of the kind'];
}

/** Arguments may be named elsewhere than under `properties`: then it is left open. */
const NAMES_ARGUMENTS = [
  ...['additionalProperties', 'unevaluatedProperties', 'patternProperties'],
  ...['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'],
  ...['dependentSchemas', 'dependencies', '$ref', '$dynamicRef', '$recursiveRef'],
];

function closesItself(schema: JsonObject): boolean {
  const { properties } = schema;
  return (
    isJsonObject(properties) &&
    Object.keys(properties).length > 0 &&
    NAMES_ARGUMENTS.every((keyword) => schema[keyword] === undefined)
  );
}

function isTooDeep(value: Json, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isTooDeep(inner as Json, left - 1));
}

class Reader {
  readonly notes = new Set<string>();
  readonly #resolve: Resolve;
  /** References may go in circles: each target is read once. */
  readonly #targets = new Map<Json, { check: Check }>();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  readonly note = (words: string): void => {
    this.notes.add(`left to the server: ${words}`);
  };

  checkOf({ schema, base }: Place): Check {
    if (schema === true) return () => YES;
    if (schema === false) return (_, run) => run.refuse((name) => `${name} is not allowed here`);
    if (!isJsonObject(schema)) {
      this.note('something that is no schema');
      return () => MAYBE;
    }
    const own = baseOf(schema, base);
    const inner = (value: Json): Check => this.checkOf({ schema: value, base: own });
    return all([
      ...valueChecks(schema, this.note),
      ...listChecks(schema, inner, this.note),
      ...memberChecks(schema, inner, this.note),
      ...joinedChecks(schema, inner),
      ...this.#references(schema, own),
    ]);
  }

  #references(schema: JsonObject, base: string): Check[] {
    const checks: Check[] = [];
    for (const keyword of ['$dynamicRef', '$recursiveRef'])
      if (schema[keyword] !== undefined) {
        this.note(`\`${keyword}\``);
        checks.push(() => MAYBE);
      }
    if (schema.$ref === undefined) return checks;
    const target = typeof schema.$ref === 'string' ? this.#resolve(schema.$ref, base) : null;
    if (target === null) {
      this.note(`\`$ref\` to \`${cut(String(schema.$ref), 80)}\`, which is not in the schema`);
      return [...checks, () => MAYBE];
    }
    let known = this.#targets.get(target.schema);
    if (known === undefined) {
      known = { check: () => MAYBE };
      this.#targets.set(target.schema, known);
      known.check = this.checkOf(target);
    }
    const holder = known;
    return [...checks, (value, run) => run.deeper(holder.check, value)];
  }
}
