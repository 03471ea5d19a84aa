import { canonical, isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { type Answer, type Check, MAYBE, NO, type Note, type Run, YES } from './foreign-run.ts';
import { compilePattern, MAX_MATCHED_LENGTH } from './pattern.ts';
import { cut, quoted } from './told.ts';

/** What one value alone must be: type, choices, numbers and texts. `note` is told what is left to the server. */
export function valueChecks(schema: JsonObject, note: Note): Check[] {
  return [
    ...typeCheck(schema.type),
    ...choiceChecks(schema),
    ...numberChecks(schema),
    ...textChecks(schema, note),
  ];
}

const TYPES: { readonly [type: string]: (value: Json) => boolean } = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  object: isJsonObject,
};

function typeCheck(type: Json | undefined): Check[] {
  if (type === undefined) return [];
  const names = (Array.isArray(type) ? type : [type]).map(String);
  const tests = names.map((name) => (Object.hasOwn(TYPES, name) ? TYPES[name] : undefined));
  // a type that nobody knows is nobody's: the server may mean something by it
  if (tests.includes(undefined)) return [() => MAYBE];
  return [
    (value, run) =>
      tests.some((test) => test?.(value))
        ? YES
        : run.refuse((name) => `${name}: expected ${names.join(' or ')}, got ${quoted(value)}`),
  ];
}

function choiceChecks(schema: JsonObject): Check[] {
  const choices: (readonly Json[])[] = [];
  if (Array.isArray(schema.enum)) choices.push(schema.enum);
  if (schema.const !== undefined) choices.push([schema.const]);
  return choices.map((values): Check => {
    const known = new Set(values.map(canonical));
    const words = cut(values.map((each) => `\`${canonical(each)}\``).join(', '), 160);
    return (value, run) => {
      spendOn(value, run);
      return known.has(canonical(value))
        ? YES
        : run.refuse((name) => `${name}: expected one of ${words}, got ${quoted(value)}`);
    };
  });
}

/** Reading a whole value again costs what it is long. */
function spendOn(value: Json, run: Run): void {
  if (typeof value === 'string') run.spend(value.length >> 6);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) {
      run.spend(1);
      spendOn(inner as Json, run);
    }
}

function numberChecks(schema: JsonObject): Check[] {
  const rules: [keyword: string, words: string, fits: (value: number, bound: number) => boolean][] =
    [
      ['minimum', 'at least', (value, bound) => value >= bound],
      ['maximum', 'at most', (value, bound) => value <= bound],
      ['exclusiveMinimum', 'more than', (value, bound) => value > bound],
      ['exclusiveMaximum', 'less than', (value, bound) => value < bound],
      ['multipleOf', 'a multiple of', isMultiple],
    ];
  return rules.flatMap(([keyword, words, fits]): Check[] => {
    const bound = schema[keyword];
    if (typeof bound !== 'number') return [];
    return [
      (value, run) =>
        typeof value !== 'number' || fits(value, bound)
          ? YES
          : run.refuse((name) => `${name}: expected ${words} ${bound}, got ${quoted(value)}`),
    ];
  });
}

/** As near as binary fractions are. */
function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

function textChecks(schema: JsonObject, note: Note): Check[] {
  const checks: Check[] = [];
  const { minLength, maxLength, pattern } = schema;
  if (typeof minLength === 'number')
    checks.push((value, run) =>
      typeof value !== 'string' || (value.length >= minLength && points(value, run) >= minLength)
        ? YES
        : run.refuse((name) => `${name}: expected at least ${minLength} characters`),
    );
  if (typeof maxLength === 'number')
    checks.push((value, run) =>
      typeof value !== 'string' || value.length <= maxLength || points(value, run) <= maxLength
        ? YES
        : run.refuse((name) => `${name}: expected at most ${maxLength} characters`),
    );
  if (typeof pattern === 'string') {
    const fits = matcherOf(pattern, note);
    checks.push((value, run) => {
      if (typeof value !== 'string') return YES;
      const answer = fits(value, run);
      return answer === NO
        ? run.refuse((name) => `${name}: expected text that fits \`${cut(pattern, 80)}\``)
        : answer;
    });
  }
  return checks;
}

function points(text: string, run: Run): number {
  run.spend(text.length >> 6);
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** A pattern that cannot be matched in linear time, or a text too long for that, is left to the server. */
export function matcherOf(source: string, note: Note): (text: string, run: Run) => Answer {
  let test: (text: string) => boolean;
  try {
    ({ test } = compilePattern(source));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it cannot be read';
    note(`a pattern (${cut(why.replaceAll('`', "'"), 80)})`);
    return () => MAYBE;
  }
  return (text: string, run: Run) => {
    if (text.length > MAX_MATCHED_LENGTH) return MAYBE;
    run.spend(1 + ((text.length * source.length) >> 10));
    return test(text) ? YES : NO;
  };
}
