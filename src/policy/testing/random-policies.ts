import { type Chance, pick } from '../chance.ts';

/*
 * Random policies in Cedar over the facts every tool has and the arguments of `pay`: of every operator, with absent
 * attributes, wrong types and sums beyond 64 bits, so that many of them cannot be evaluated.
 */

const LONGS = [
  ...['context.run.depth', 'context.run.ageSeconds', 'context.effect.rowsWritten'],
  ...['context.clock.hour', 'context.args.amount_micros', 'context.args.count', '0', '3', '(-2)'],
  ...['9007199254740991', '4611686018427387', 'context.effect.moneyMicros'],
];
const TEXTS = [
  ...['context.tool.name', 'context.args.to', 'context.args.note', 'context.run.subject'],
  ...['context.args.to_folded', 'context.tool.environment', '"a"', '""', '"pay"', '"x*y"', '"é"'],
];
const BOOLS = [
  ...['context.tool.production', 'context.flow.egress', 'context.clock.frozen', 'true', 'false'],
  ...['context.effect.measured', 'context.run.declared', 'context.flow.untrusted'],
];
const SETS = ['context.run.actors', 'context.flow.labels', '[]', '["a", "pay"]', '[1, "a", true]'];
const ENTITIES = [
  ...['principal', 'resource', 'context.mode', 'context.tool.effect', 'Agent::"a"', 'action'],
  ...['Mode::"auto"', 'Mode::"draft"', 'Effect::"write"', 'Connection::"db"', 'Agent::"agent"'],
];
const HAS = ['(context.args has count)', '(context.args has note)', '(context has args.note_host)'];
const PATTERNS = ['*', 'a*', '*a', 'p*y', '*x\\*y*', '', '*é*', 'a*a*'];
const ACTIONS = [
  ...['action', 'action', 'action == Action::"pay"', 'action in Action::"effect:write"'],
  ...['action in [Action::"effect:read", Action::"connection:db"]', 'action == Action::"look"'],
];
const PRINCIPALS = ['principal', 'principal', 'principal == Agent::"a"', 'principal is Agent'];
const RESOURCES = ['resource', 'resource', 'resource in Connection::"db"', 'resource is Agent'];

/** By id; one of them permits. */
export function randomPolicies(chance: Chance, count: number): { readonly [id: string]: string } {
  const set: { [id: string]: string } = { base: 'permit (principal, action, resource);' };
  for (let at = 0; at < count; at++) set[`p${at}`] = randomPolicy(chance);
  return set;
}

export function randomPolicy(chance: Chance, effect = pick(chance, ['permit', 'forbid'])): string {
  const scope = [pick(chance, PRINCIPALS), pick(chance, ACTIONS), pick(chance, RESOURCES)];
  const clauses = Array.from({ length: 1 + Math.floor(chance() * 2) }, () => {
    const kind = chance() < 0.8 ? 'when' : 'unless';
    return `${kind} { ${bool(chance, 3)} }`;
  });
  return `${effect} (${scope.join(', ')})\n${clauses.join('\n')};`;
}

function bool(chance: Chance, depth: number): string {
  if (depth === 0) return pick(chance, [...BOOLS, ...HAS, atom(chance)]);
  const inner = (): string => bool(chance, depth - 1);
  return pick(chance, [
    () => `(${inner()} && ${inner()})`,
    () => `(${inner()} || ${inner()})`,
    () => `(!${inner()})`,
    () => `(if ${inner()} then ${inner()} else ${inner()})`,
    () => atom(chance),
    () => atom(chance),
    () => `(${pick(chance, HAS)} && ${inner()})`,
  ])();
}

/** Now and then of a type that does not belong. */
function of(chance: Chance, kind: readonly string[]): string {
  return chance() < 0.06
    ? pick(chance, [...LONGS, ...TEXTS, ...SETS, ...ENTITIES])
    : pick(chance, kind);
}

function long(chance: Chance, depth: number): string {
  if (depth === 0) return of(chance, LONGS);
  const [a, b] = [long(chance, depth - 1), long(chance, depth - 1)];
  return pick(chance, [a, a, `(${a} + ${b})`, `(${a} - ${b})`, `(${a} * ${b})`, `(-(${a}))`]);
}

function atom(chance: Chance): string {
  const longs = () => [long(chance, 2), long(chance, 2)];
  const any = () => of(chance, pick(chance, [LONGS, TEXTS, BOOLS, SETS, ENTITIES]));
  return pick(chance, [
    () => `(${longs().join(` ${pick(chance, ['<', '<=', '>', '>=', '==', '!='])} `)})`,
    () => `(${any()} == ${any()})`,
    () => `(${any()} != ${any()})`,
    () => `(${of(chance, TEXTS)} like "${pick(chance, PATTERNS)}")`,
    () => `${of(chance, SETS)}.contains(${any()})`,
    () => `${of(chance, SETS)}.containsAll(${of(chance, SETS)})`,
    () => `${of(chance, SETS)}.containsAny([${any()}, ${any()}])`,
    () => `${of(chance, SETS)}.isEmpty()`,
    () => `(${of(chance, ENTITIES)} == ${of(chance, ENTITIES)})`,
    () => `(${of(chance, ENTITIES)} is ${pick(chance, ['Agent', 'Mode', 'Action'])})`,
    () =>
      `(${of(chance, ENTITIES)} in ${pick(chance, ['[Agent::"a", principal]', 'Action::"effect:write"', 'resource'])})`,
    () => `({ a: ${any()}, b: ${any()} } == { b: ${any()}, a: ${any()} })`,
    () => `({ a: ${any()} } has ${pick(chance, ['a', 'b'])})`,
    () => `({ a: ${any()} }.${pick(chance, ['a', 'b'])} == ${any()})`,
    () => `([${any()}, ${any()}] == [${any()}, ${any()}])`,
  ])();
}
