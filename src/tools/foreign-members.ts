import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import {
  type Answer,
  type Check,
  type Inner,
  MAYBE,
  NO,
  type Note,
  type Run,
  YES,
} from './foreign-run.ts';
import { matcherOf } from './foreign-values.ts';

/** What an object must hold, and what each member must be. */
export function memberChecks(schema: JsonObject, inner: Inner, note: Note): Check[] {
  const checks: Check[] = [];
  const push = (check: (value: JsonObject, run: Run) => Answer): void => {
    checks.push((value, run) => (isJsonObject(value) ? check(value, run) : YES));
  };
  const required = texts(schema.required);
  if (required.length > 0) push((value, run) => holds(value, required, run));
  const { minProperties, maxProperties } = schema;
  if (typeof minProperties === 'number' || typeof maxProperties === 'number')
    push((value, run) => {
      const count = Object.keys(value).length;
      run.spend(count >> 3);
      return count >= Number(minProperties ?? 0) && count <= Number(maxProperties ?? Infinity)
        ? YES
        : run.refuse((name) => `${name}: expected another number of members than ${count}`);
    });
  const dependent = [schema.dependencies, schema.dependentRequired, schema.dependentSchemas];
  for (const [member, needs] of dependent.flatMap((table) => Object.entries(tableOf(table)))) {
    const names = Array.isArray(needs) ? texts(needs) : null;
    const check = names === null ? inner(needs) : null;
    push((value, run) => {
      if (!Object.hasOwn(value, member)) return YES;
      return check === null ? holds(value, names ?? [], run) : run.deeper(check, value);
    });
  }
  if (schema.propertyNames !== undefined) {
    const check = inner(schema.propertyNames);
    push((value, run) => {
      const answers = Object.keys(value).map((name) => run.aside(check, name));
      if (answers.includes(NO))
        return run.refuse((name) => `${name}: has a member of another name`);
      return answers.includes(MAYBE) ? MAYBE : YES;
    });
  }
  const each = eachMember(schema, inner, note);
  if (each !== null) push(each);
  if (schema.unevaluatedProperties !== undefined) {
    note('`unevaluatedProperties`');
    checks.push(() => MAYBE);
  }
  return checks;
}

function holds(value: JsonObject, names: readonly string[], run: Run): Answer {
  run.spend(names.length >> 3);
  let answer: Answer = YES;
  for (const name of names)
    if (!Object.hasOwn(value, name)) answer = run.refuse((_, at) => `${at(name)} is missing`);
  return answer;
}

function eachMember(
  schema: JsonObject,
  inner: Inner,
  note: Note,
): ((value: JsonObject, run: Run) => Answer) | null {
  const { properties, patternProperties, additionalProperties } = schema;
  if ([properties, patternProperties, additionalProperties].every((part) => part === undefined))
    return null;
  const named = new Map(
    Object.entries(tableOf(properties)).map(([name, each]) => [name, inner(each)]),
  );
  const patterns = Object.entries(tableOf(patternProperties)).map(([pattern, each]) => ({
    fits: matcherOf(pattern, note),
    check: inner(each),
  }));
  const others = additionalProperties === undefined ? null : inner(additionalProperties);
  const closed = additionalProperties === false;

  const memberOf = (name: string, value: Json, run: Run): Answer => {
    const own = named.get(name);
    let answer: Answer = own === undefined ? YES : run.inside(name, own, value);
    let claimed = own === undefined ? NO : YES;
    for (const { fits, check } of patterns) {
      const fit = fits(name, run);
      if (fit > claimed) claimed = fit;
      if (fit === YES) answer = least(answer, run.inside(name, check, value));
      else if (fit === MAYBE) answer = least(answer, MAYBE);
    }
    if (claimed === YES || others === null) return answer;
    if (claimed === MAYBE) return least(answer, MAYBE);
    if (closed) return run.refuse((_, at) => `${at(name)} is not an argument of this tool`);
    return least(answer, run.inside(name, others, value));
  };
  return (value, run) => {
    let answer: Answer = YES;
    for (const name of Object.keys(value)) {
      run.spend(1);
      answer = least(answer, memberOf(name, value[name] as Json, run));
      if (answer === NO && run.faults === null) return NO;
    }
    return answer;
  };
}

function least(a: Answer, b: Answer): Answer {
  return a < b ? a : b;
}

function tableOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
