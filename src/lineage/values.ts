import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/** One value of an argument, by where it stands: `recipients[0]`, `edits[2].file`. */
export interface Given {
  readonly argument: string;
  readonly value: Json;
}

export interface GivenText extends Given {
  readonly value: string;
}

const MAX_VALUES = 2_000;
const MAX_DEPTH = 32;

/** Every single value at a declared place, or anywhere below it; what is null or absent is none. */
export function valuesAt(given: JsonObject, argument: string): Given[] {
  const found: Given[] = [];
  step(given, argument.replaceAll('[]', '.[]').split('.').filter(Boolean), '', found);
  return found;
}

/** The same as texts. */
export function textsAt(given: JsonObject, argument: string): GivenText[] {
  return valuesAt(given, argument).map(({ argument: at, value }) => ({
    argument: at,
    value: typeof value === 'string' ? value : String(value),
  }));
}

function step(value: Json, place: readonly string[], at: string, found: Given[]): void {
  const [name, ...rest] = place;
  if (name === undefined) {
    below(value, at, found, 0);
    return;
  }
  if (name === '[]' && Array.isArray(value))
    for (const [i, each] of value.entries()) step(each, rest, `${at}[${i}]`, found);
  // a single value where a list is declared, a list where a single one is: both are values there
  else if (name === '[]') step(value, rest, at, found);
  else if (Array.isArray(value))
    for (const [i, each] of value.entries()) step(each, place, `${at}[${i}]`, found);
  else if (isJsonObject(value) && Object.hasOwn(value, name))
    step(value[name] as Json, rest, at === '' ? name : `${at}.${name}`, found);
}

function below(value: Json, at: string, found: Given[], depth: number): void {
  if (value === null || found.length >= MAX_VALUES || depth > MAX_DEPTH) return;
  if (Array.isArray(value))
    for (const [i, each] of value.entries()) below(each, `${at}[${i}]`, found, depth + 1);
  else if (isJsonObject(value))
    for (const [name, inner] of Object.entries(value))
      below(inner, at === '' ? name : `${at}.${name}`, found, depth + 1);
  else found.push({ argument: at, value });
}

/** Every text of the arguments, whatever it is for. */
export function textsOf(given: JsonObject): GivenText[] {
  const found: Given[] = [];
  below(given, '', found, 0);
  return found.filter((each): each is GivenText => typeof each.value === 'string');
}

/** There are more values than are looked at: what is beyond is not known. */
export function isTooMany(given: JsonObject): boolean {
  const found: Given[] = [];
  below(given, '', found, 0);
  return found.length >= MAX_VALUES;
}
