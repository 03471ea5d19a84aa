import { canonical, type Json, type JsonObject } from '../domain/json.ts';
import { type Answer, type Check, type Inner, MAYBE, NO, type Note, YES } from './foreign-run.ts';

/** What a list must be. */
export function listChecks(schema: JsonObject, inner: Inner, note: Note): Check[] {
  const checks: Check[] = [];
  const { minItems, maxItems, uniqueItems, contains } = schema;
  const legacy = Array.isArray(schema.items);
  const first = (legacy ? schema.items : schema.prefixItems) ?? [];
  const tuple = (Array.isArray(first) ? first : []).map(inner);
  const further = legacy ? schema.additionalItems : schema.items;
  const rest = further === undefined ? null : inner(further);
  if (tuple.length > 0 || rest !== null)
    checks.push((value, run) => {
      if (!Array.isArray(value)) return YES;
      let answer: Answer = YES;
      for (const [i, item] of (value as readonly Json[]).entries()) {
        const check = tuple[i] ?? rest;
        const one = check === null ? YES : run.inside(String(i), check, item);
        if (one < answer) answer = one;
        if (answer === NO && run.faults === null) return NO;
      }
      return answer;
    });
  const counted = (bound: Json | undefined, words: string, fits: (n: number) => boolean): void => {
    if (typeof bound === 'number')
      checks.push((value, run) =>
        !Array.isArray(value) || fits(value.length)
          ? YES
          : run.refuse((name) => `${name}: expected ${words} ${bound} elements`),
      );
  };
  counted(minItems, 'at least', (n) => n >= Number(minItems));
  counted(maxItems, 'at most', (n) => n <= Number(maxItems));
  if (uniqueItems === true) checks.push(uniqueCheck);
  if (contains !== undefined) checks.push(containsCheck(schema, inner(contains)));
  if (schema.unevaluatedItems !== undefined) {
    note('`unevaluatedItems`');
    checks.push(() => MAYBE);
  }
  return checks;
}

const uniqueCheck: Check = (value, run) => {
  if (!Array.isArray(value)) return YES;
  const seen = new Set<string>();
  for (const item of value as readonly Json[]) {
    const text = canonical(item);
    run.spend(1 + (text.length >> 6));
    seen.add(text);
  }
  return seen.size === value.length
    ? YES
    : run.refuse((name) => `${name}: expected elements that differ`);
};

function containsCheck({ minContains, maxContains }: JsonObject, check: Check): Check {
  const least = typeof minContains === 'number' ? minContains : 1;
  const most = typeof maxContains === 'number' ? maxContains : Infinity;
  return (value, run) => {
    if (!Array.isArray(value)) return YES;
    let sure = 0;
    let perhaps = 0;
    for (const item of value as readonly Json[]) {
      const answer = run.aside(check, item);
      if (answer === YES) sure++;
      else if (answer === MAYBE) perhaps++;
    }
    if (sure + perhaps < least || sure > most)
      return run.refuse((name) => `${name}: expected other elements`);
    return sure >= least && sure + perhaps <= most ? YES : MAYBE;
  };
}
