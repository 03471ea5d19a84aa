import type { Tool } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { foreignSchema } from '../foreign.ts';
import { compilePattern, type Pattern } from '../pattern.ts';
import { quoted, short } from '../told.ts';
import {
  type Bounds,
  dereferenced,
  EACH,
  isOneOf,
  mustBeGiven,
  type Narrowing,
  narrowingIn,
  type Place,
  partsOf,
  placesOf,
  wholePattern,
} from './narrowing.ts';

/** The arguments of a narrowed tool: what an agent may send, and what goes to the server. */
export interface NarrowedInput {
  /** What does not fit, in words that tell nothing of what was taken from the agent; empty when it fits. */
  problems(input: JsonObject): readonly string[];
  /** The same with what the operator fixed, over whatever stands there. `key`: by which a repeat is known. */
  sent(input: JsonObject, key: string): JsonObject;
}

/** Stands for the key while arguments are checked. */
const SOME_KEY = '0'.repeat(32);
const MAX_PROBLEMS = 8;

const known = new WeakMap<Tool, NarrowedInput | null>();

/** Null for a tool that nobody narrowed. Throws a SyntaxError for a narrowing that no plan would have made. */
export function narrowedInput(tool: Tool): NarrowedInput | null {
  const found = known.get(tool);
  if (found !== undefined) return found;
  const narrowing = narrowingIn(tool.binding);
  const made = narrowing === null ? null : inputOf(narrowing, tool.inputSchema);
  known.set(tool, made);
  return made;
}

/** What a call of this tool would send, as far as it is known before the call. */
export function wholeArguments(tool: Tool, input: JsonObject): JsonObject {
  if (tool.binding.narrow === undefined) return input;
  try {
    return narrowedInput(tool)?.sent(input, SOME_KEY) ?? input;
  } catch {
    return input; // then the input check lets nothing through
  }
}

function inputOf(narrowing: Narrowing, listedSchema: JsonObject): NarrowedInput {
  const { upstream, key } = narrowing;
  const places = placesOf(narrowing);
  const check = strictCheck(places, upstream.inputSchema, upstream.inputSchema);
  const [listed, whole] = [foreignSchema(listedSchema), foreignSchema(upstream.inputSchema)];
  const fixed = Object.entries(narrowing.fix).map(([place, value]) => ({
    parts: partsOf(place),
    value,
  }));
  const secretNames = [
    ...Object.keys(narrowing.fix),
    ...narrowing.hide,
    ...(key === null ? [] : [key]),
  ].map((place) => partsOf(place).at(-1) ?? '');
  const sent = (input: JsonObject, keyed: string): JsonObject => {
    let made: Json = input;
    for (const { parts, value } of fixed) made = put(made, parts, 0, value);
    if (key !== null) made = put(made, partsOf(key), 0, keyed);
    return made as JsonObject;
  };
  return {
    sent,
    problems(input) {
      const problems: string[] = [];
      check(input, [], problems);
      if (problems.length > 0) return problems.slice(0, MAX_PROBLEMS);
      const told = listed.check(input);
      if (told.length > 0) return told;
      const faults = whole.check(sent(input, SOME_KEY));
      if (faults.length === 0) return [];
      const plain = faults.filter((words) => !secretNames.some((name) => words.includes(name)));
      return plain.length > 0 ? plain : ['the arguments do not fit what this tool takes together'];
    },
  };
}

/** The value with another one at this place, objects on the way made where there are none. */
function put(at: Json | undefined, parts: readonly string[], from: number, value: Json): Json {
  const part = parts[from];
  if (part === undefined) return value;
  if (part === EACH)
    return Array.isArray(at)
      ? at.map((each: Json) => put(each, parts, from + 1, value))
      : (at ?? null);
  if (at !== undefined && !isJsonObject(at)) return at; // the check refuses it
  const object: JsonObject = at ?? {};
  const was = Object.hasOwn(object, part) ? object[part] : undefined;
  // a list that was not sent stays away, and everything else is made
  if (was === undefined && parts[from + 1] === EACH) return object;
  return { ...object, [part]: put(was, parts, from + 1, value) };
}

type Strict = (value: Json, at: readonly string[], problems: string[]) => void;

/** Independent of any schema: what was taken cannot come, what was bounded must keep its bounds, nothing has another name. */
function strictCheck(place: Place, schema: Json | undefined, root: JsonObject): Strict {
  const whole = dereferenced(schema, root);
  const checks: Strict[] = [];
  if (place.bounds !== null) checks.push(boundsCheck(place.bounds));
  const each = place.inner.get(EACH);
  if (each !== undefined) checks.push(listCheck(strictCheck(each, whole.items, root)));
  else if (place.inner.size > 0) checks.push(objectCheck(place, whole, root));
  return (value, at, problems) => {
    for (const check of checks) check(value, at, problems);
  };
}

function listCheck(each: Strict): Strict {
  return (value, at, problems) => {
    if (!Array.isArray(value)) problems.push(`${named(at)}: expected array, got ${quoted(value)}`);
    else
      for (const [index, one] of (value as readonly Json[]).entries()) {
        if (problems.length >= MAX_PROBLEMS) return;
        each(one, [...at, String(index)], problems);
      }
  };
}

function objectCheck(place: Place, schema: JsonObject, root: JsonObject): Strict {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const inner = [...place.inner].flatMap(([name, next]) =>
    next.taken
      ? []
      : [{ name, must: mustBeGiven(next), check: strictCheck(next, properties[name], root) }],
  );
  const allowed = new Set(Object.keys(properties).filter((name) => !place.inner.get(name)?.taken));
  return (value, at, problems) => {
    if (!isJsonObject(value)) {
      problems.push(`${named(at)}: expected object, got ${quoted(value)}`);
      return;
    }
    for (const name of Object.keys(value))
      if (!allowed.has(name))
        problems.push(`${named([...at, name])} is not an argument of this tool`);
    for (const { name, must, check } of inner)
      if (Object.hasOwn(value, name)) check(value[name] as Json, [...at, name], problems);
      else if (must) problems.push(`${named([...at, name])} is missing`);
  };
}

function boundsCheck(bounds: Bounds): Strict {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = bounds;
  const pattern: Pattern | null =
    bounds.pattern === undefined ? null : compilePattern(wholePattern(bounds.pattern));
  const ofText = pattern !== null || minLength !== undefined || maxLength !== undefined;
  const ofNumber = minimum !== undefined || maximum !== undefined;
  const ofList = minItems !== undefined || maxItems !== undefined;
  const fault = (value: Json): string | null => {
    if (bounds.enum !== undefined && !isOneOf(bounds.enum, value))
      return `one of ${bounds.enum
        .map((each) => `\`${String(each)}\``)
        .join(', ')
        .slice(0, 160)}`;
    if (ofText) {
      if (typeof value !== 'string') return 'string';
      if (!within([...value].length, minLength, maxLength)) return lengths(minLength, maxLength);
      if (pattern !== null && !pattern.test(value)) return `text that fits \`${bounds.pattern}\``;
    }
    if (ofNumber && (typeof value !== 'number' || !within(value, minimum, maximum)))
      return `a number from ${minimum ?? 'any'} to ${maximum ?? 'any'}`;
    if (ofList && !(Array.isArray(value) && within(value.length, minItems, maxItems)))
      return `a list of ${minItems ?? 0} to ${maxItems ?? 'any'} elements`;
    return null;
  };
  return (value, at, problems) => {
    const expected = fault(value);
    if (expected !== null)
      problems.push(`${named(at)}: expected ${expected}, got ${quoted(value)}`);
  };
}

function lengths(least: number | undefined, most: number | undefined): string {
  return `a text of ${least ?? 0} to ${most ?? 'any'} characters`;
}

function within(value: number, least = -Infinity, most = Infinity): boolean {
  return value >= least && value <= most;
}

function named(at: readonly string[]): string {
  return at.length === 0 ? 'the arguments' : `\`${short(at.join('.'))}\``;
}
