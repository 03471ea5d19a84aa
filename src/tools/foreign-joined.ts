import type { Json, JsonObject } from '../domain/json.ts';
import { type Answer, all, type Check, type Inner, MAYBE, NO, YES } from './foreign-run.ts';

/** Schemas that look at the same value: all, one, none of them, or one after the other. */
export function joinedChecks(schema: JsonObject, inner: Inner): Check[] {
  const checks: Check[] = [];
  const branches = (value: Json | undefined): Check[] | null =>
    Array.isArray(value) && value.length > 0 ? value.map(inner) : null;
  const allOf = branches(schema.allOf);
  if (allOf !== null) {
    const parts = allOf.map(
      (check): Check =>
        (value, run) =>
          run.deeper(check, value),
    );
    checks.push(all(parts));
  }
  const anyOf = branches(schema.anyOf);
  if (anyOf !== null) checks.push(countedCheck(anyOf, Infinity));
  const oneOf = branches(schema.oneOf);
  if (oneOf !== null) checks.push(countedCheck(oneOf, 1));
  if (schema.not !== undefined) checks.push(notCheck(inner(schema.not)));
  if (schema.if !== undefined) {
    const anything: Check = () => YES;
    const taken = schema.then === undefined ? anything : inner(schema.then);
    const otherwise = schema.else === undefined ? anything : inner(schema.else);
    checks.push(ifCheck(inner(schema.if), taken, otherwise));
  }
  return checks;
}

/** At least one of them, and surely not more than `most`. */
function countedCheck(branches: readonly Check[], most: number): Check {
  return (value, run) => {
    let sure = 0;
    let perhaps = 0;
    for (const branch of branches) {
      const answer = run.aside(branch, value);
      if (answer === YES) sure++;
      else if (answer === MAYBE) perhaps++;
      if (sure > 0 && most === Infinity) return YES;
    }
    if (sure > most)
      return run.refuse((name) => `${name}: fits more than one of the shapes it may have`);
    if (sure + perhaps === 0)
      return run.refuse((name) => `${name}: fits none of the shapes it may have`);
    return sure === 1 && perhaps === 0 ? YES : MAYBE;
  };
}

function notCheck(check: Check): Check {
  return (value, run) => {
    const answer = run.aside(check, value);
    if (answer === MAYBE) return MAYBE;
    return answer === NO ? YES : run.refuse((name) => `${name}: has a shape it must not have`);
  };
}

/** Where the condition is left to the server, so is what follows from it, unless both ways are shut. */
function ifCheck(condition: Check, taken: Check, otherwise: Check): Check {
  return (value, run): Answer => {
    const answer = run.aside(condition, value);
    if (answer === YES) return run.deeper(taken, value);
    if (answer === NO) return run.deeper(otherwise, value);
    const open = run.aside(taken, value) !== NO || run.aside(otherwise, value) !== NO;
    return open ? MAYBE : run.refuse((name) => `${name}: fits none of the shapes it may have`);
  };
}
