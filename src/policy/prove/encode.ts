import type { CedarValueJson, Expr } from '@cedar-policy/cedar-wasm/nodejs';
import { literal } from '../expression.ts';
import { Uncompilable } from '../node.ts';
import { BINARY, matcher, negative, type Pattern } from '../operators.ts';
import type { Value } from '../values.ts';
import {
  ANY,
  asBool,
  asTerm,
  entityOf,
  isFault,
  isMember,
  isSubset,
  kindOf,
  known,
  type Names,
  type Outcome,
  opened,
  type Symbolic,
  same,
} from './symbol.ts';
import { and, either, literalText, NO, not, or, type Term, YES } from './term.ts';

/** What an expression may speak of. */
export interface Ground {
  readonly names: Names;
  readonly principal: Symbolic;
  readonly action: Symbolic;
  readonly resource: Symbolic;
  readonly context: Symbolic;
  /** Ids of what the action is in, itself included. */
  readonly groups: readonly string[];
}

/**
 * An expression of Cedar as a value and the condition under which it fails, as compiled policies fail (expression.ts).
 * What does not depend on the action is computed. What is not known here may be anything, and is said in `uncovered`.
 */
export function encoded(expr: Expr, ground: Ground): Outcome {
  const [kind = '', body] = Object.entries(expr)[0] ?? [];
  const encode = Object.hasOwn(ENCODERS, kind) ? ENCODERS[kind] : undefined;
  if (encode !== undefined) return encode(body as never, ground);
  const operation = Object.hasOwn(BINARY, kind) ? BINARY[kind] : undefined;
  if (operation === undefined) return ground.names.opaque(`\`${kind}\``);
  const { left, right } = body as unknown as Two;
  return binary(kind, operation, encoded(left, ground), encoded(right, ground), ground.names);
}

interface Two {
  readonly left: Expr;
  readonly right: Expr;
}
type Encoder = (body: never, ground: Ground) => Outcome;

function sure(of: Symbolic, fails: Term = NO): Outcome {
  return { fails, of };
}

function truth(term: Term, fails: Term = NO): Outcome {
  if (term === YES || term === NO) return { fails, of: known(term === YES) };
  return { fails, of: { kind: 'Bool', term } };
}

const FAILS: Outcome = { fails: YES, of: ANY };

const ENCODERS: { readonly [kind: string]: Encoder } = {
  Value: (value: CedarValueJson, { names }) => {
    try {
      return sure(known(literal(value)));
    } catch (error) {
      if (error instanceof Uncompilable) return names.opaque(error.message);
      throw error;
    }
  },
  Var: (name: string, ground) => {
    if (name === 'principal') return sure(ground.principal);
    if (name === 'action') return sure(ground.action);
    if (name === 'resource') return sure(ground.resource);
    return name === 'context' ? sure(ground.context) : ground.names.opaque(`\`${name}\``);
  },
  '!': ({ arg }: { arg: Expr }, ground) => {
    const { fails, of } = encoded(arg, ground);
    const bool = asBool(of, ground.names);
    return truth(not(bool.term), or(fails, bool.fails));
  },
  neg: ({ arg }: { arg: Expr }, ground) =>
    arithmetic('-', sure(known(0)), encoded(arg, ground), ground.names, (_, b) => negative(b)),
  isEmpty: ({ arg }: { arg: Expr }, ground) => {
    const { fails, of } = encoded(arg, ground);
    const set = opened(of);
    if (set.kind === 'any') return ground.names.opaque('`isEmpty` of a value it knows nothing of');
    if (kindOf(set) !== 'Set') return FAILS;
    if (set.kind === 'Set') return truth(set.members.length === 0 ? YES : NO, fails);
    return truth(ground.names.free('whether an open set is empty'), fails);
  },
  '&&': ({ left, right }: Two, ground) => {
    const [a, b] = [bool(left, ground), bool(right, ground)];
    return truth(and(a.term, b.term), or(a.fails, and(a.term, b.fails)));
  },
  '||': ({ left, right }: Two, ground) => {
    const [a, b] = [bool(left, ground), bool(right, ground)];
    return truth(or(a.term, b.term), or(a.fails, and(not(a.term), b.fails)));
  },
  'if-then-else': (body: { if: Expr; then: Expr; else: Expr }, ground) => {
    const test = bool(body.if, ground);
    const [yes, no] = [encoded(body.then, ground), encoded(body.else, ground)];
    const fails = or(test.fails, either(test.term, yes.fails, no.fails));
    if (test.term === YES) return { fails, of: yes.of };
    if (test.term === NO) return { fails, of: no.of };
    return { fails, of: eitherOf(test.term, yes.of, no.of, ground.names) };
  },
  '.': ({ left, attr }: { left: Expr; attr: string }, ground) => {
    const { fails, of } = encoded(left, ground);
    return attribute(of, attr, fails, ground.names);
  },
  has: ({ left, attr }: { left: Expr; attr: string | string[] }, ground) => {
    const { fails, of } = encoded(left, ground);
    return hasPath(of, typeof attr === 'string' ? [attr] : attr, fails, ground.names);
  },
  like: ({ left, pattern }: { left: Expr; pattern: Pattern }, ground) => {
    const { fails, of } = encoded(left, ground);
    if (of.kind === 'known')
      return typeof of.value === 'string'
        ? truth(matcher(pattern)(of.value) ? YES : NO, fails)
        : FAILS;
    const term = asTerm(of, 'String');
    const regex = regexOf(pattern);
    if (term === null) return FAILS;
    if (term === undefined || regex === null) return ground.names.opaque('`like` of such a text');
    return truth(`(str.in_re ${term} ${regex})`, fails);
  },
  is: (body: { left: Expr; entity_type: string; in?: Expr }, ground) => {
    if (body.in !== undefined) return ground.names.opaque('`is … in`');
    const { fails, of } = encoded(body.left, ground);
    if (of.kind === 'any') return ground.names.opaque('`is` of a value it knows nothing of');
    const entity = entityOf(of, ground.names);
    return entity === null ? FAILS : truth(entity.type === body.entity_type ? YES : NO, fails);
  },
  in: ({ left, right }: Two, ground) =>
    within(encoded(left, ground), encoded(right, ground), ground),
  Set: (members: Expr[], ground) => {
    const each = members.map((member) => encoded(member, ground));
    return sure({ kind: 'Set', members: each.map(({ of }) => of) }, failsOf(each));
  },
  Record: (members: Record<string, Expr>, ground) => {
    const each = Object.entries(members).map(
      ([name, member]) => [name, encoded(member, ground)] as const,
    );
    const fields = each.map(([name, { of }]) => [name, { isThere: YES, of }]);
    const fails = failsOf(each.map(([, one]) => one));
    return sure({ kind: 'Record', fields: Object.fromEntries(fields) }, fails);
  },
};

function failsOf(each: readonly Outcome[]): Term {
  return or(...each.map(({ fails }) => fails));
}

export function bool(expr: Expr, ground: Ground): { readonly fails: Term; readonly term: Term } {
  const { fails, of } = encoded(expr, ground);
  const as = asBool(of, ground.names);
  return { fails: or(fails, as.fails), term: as.term };
}

function binary(
  kind: string,
  operation: (a: Value, b: Value) => Value,
  one: Outcome,
  other: Outcome,
  names: Names,
): Outcome {
  const fails = failsOf([one, other]);
  if (one.of.kind === 'known' && other.of.kind === 'known')
    return computed(() => operation(knownValue(one.of), knownValue(other.of)), fails);
  switch (kind) {
    case '==':
      return truth(same(one.of, other.of, names), fails);
    case '!=':
      return truth(not(same(one.of, other.of, names)), fails);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(kind, one, other, names);
    case 'contains':
    case 'containsAll':
    case 'containsAny':
      return membership(kind, one, other, names);
    default:
      return arithmetic(kind, one, other, names, operation);
  }
}

function knownValue(of: Symbolic): Value {
  if (of.kind !== 'known') throw new TypeError('expected a known value');
  return of.value;
}

function computed(work: () => Value, fails: Term): Outcome {
  try {
    return sure(known(work()), fails);
  } catch (error) {
    if (isFault(error)) return FAILS;
    throw error;
  }
}

function ordered(kind: string, one: Outcome, other: Outcome, names: Names): Outcome {
  const [a, b] = [asTerm(one.of, 'Long'), asTerm(other.of, 'Long')];
  if (a === null || b === null) return FAILS;
  if (a === undefined || b === undefined)
    return names.opaque(`\`${kind}\` of a value it knows nothing of`);
  return truth(`(${kind} ${a} ${b})`, failsOf([one, other]));
}

/** Beyond 64 bits it fails. */
function arithmetic(
  kind: string,
  one: Outcome,
  other: Outcome,
  names: Names,
  operation: (a: Value, b: Value) => Value,
): Outcome {
  const fails = failsOf([one, other]);
  if (one.of.kind === 'known' && other.of.kind === 'known')
    return computed(() => operation(knownValue(one.of), knownValue(other.of)), fails);
  const [a, b] = [asTerm(one.of, 'Long'), asTerm(other.of, 'Long')];
  if (a === null || b === null) return FAILS;
  if (a === undefined || b === undefined)
    return names.opaque(`\`${kind}\` of a value it knows nothing of`);
  const term = `(${kind} ${a} ${b})`;
  return sure({ kind: 'Long', term }, or(fails, `(< ${term} ${LEAST})`, `(> ${term} ${MOST})`));
}

const LEAST = '(- 9223372036854775808)';
const MOST = '9223372036854775807';

function membership(kind: string, one: Outcome, other: Outcome, names: Names): Outcome {
  const fails = failsOf([one, other]);
  const [set, with_] = [opened(one.of), opened(other.of)];
  if (set.kind === 'any') return names.opaque(`\`${kind}\` of a value it knows nothing of`);
  if (kindOf(set) !== 'Set') return FAILS;
  if (kind === 'contains') return truth(isMember(other.of, set, names), fails);
  if (with_.kind === 'any') return names.opaque(`\`${kind}\` of a value it knows nothing of`);
  if (kindOf(with_) !== 'Set') return FAILS;
  if (kind === 'containsAll') return truth(isSubset(with_, set, names), fails);
  const [some, all] = with_.kind === 'Set' ? [with_, set] : [set, with_];
  if (some.kind !== 'Set') return truth(names.free('whether two open sets meet'), fails);
  return truth(or(...some.members.map((member) => isMember(member, all, names))), fails);
}

function eitherOf(test: Term, yes: Symbolic, no: Symbolic, names: Names): Symbolic {
  const kind = kindOf(yes);
  if (kind !== kindOf(no)) return ANY;
  if (kind === 'Bool') {
    const term = either(test, asBool(yes, names).term, asBool(no, names).term);
    return { kind: 'Bool', term };
  }
  if (kind !== 'Long' && kind !== 'String') {
    names.uncovered.add('`if` between such values');
    return ANY;
  }
  const [a, b] = [asTerm(yes, kind), asTerm(no, kind)];
  if (typeof a !== 'string' || typeof b !== 'string') return ANY;
  return { kind, term: `(ite ${termOf(test)} ${a} ${b})` };
}

function termOf(term: Term): string {
  return typeof term === 'string' ? term : `(${term.kind} ${term.of.map(termOf).join(' ')})`;
}

function attribute(of: Symbolic, name: string, fails: Term, names: Names): Outcome {
  const record = opened(of);
  if (record.kind === 'any') return names.opaque('an attribute of a value it knows nothing of');
  if (record.kind !== 'Record' || !Object.hasOwn(record.fields, name)) return FAILS;
  const field = record.fields[name];
  if (field === undefined) return FAILS;
  return { fails: or(fails, not(field.isThere)), of: field.of };
}

function hasPath(of: Symbolic, path: readonly string[], fails: Term, names: Names): Outcome {
  const [name, ...rest] = path;
  if (name === undefined) return truth(YES, fails);
  const record = opened(of);
  if (record.kind === 'any') return names.opaque('`has` of a value it knows nothing of');
  if (kindOf(record) === 'Entity') return truth(NO, fails);
  if (record.kind !== 'Record') return FAILS;
  const field = Object.hasOwn(record.fields, name) ? record.fields[name] : undefined;
  if (field === undefined) return truth(NO, fails);
  if (rest.length === 0) return truth(field.isThere, fails);
  const inner = hasPath(field.of, rest, NO, names);
  const { term, fails: none } = asBool(inner.of, names);
  return truth(and(field.isThere, term), or(fails, and(field.isThere, or(inner.fails, none))));
}

/** Only actions have something above them. */
function within(one: Outcome, other: Outcome, ground: Ground): Outcome {
  const { names } = ground;
  const fails = failsOf([one, other]);
  if (one.of.kind === 'any' || other.of.kind === 'any')
    return names.opaque('`in` of a value it knows nothing of');
  const entity = entityOf(one.of, names);
  if (entity === null) return FAILS;
  const all = opened(other.of);
  if (all.kind === 'OpenSet') return FAILS; // of texts or numbers: no entity among them
  const those = all.kind === 'Set' ? all.members : [all];
  if (those.some((each) => each.kind === 'any')) return names.opaque('`in` of such a set');
  if (those.some((each) => entityOf(each, names) === null)) return FAILS;
  return truth(or(...those.map((each) => isIn(one.of, each, ground))), fails);
}

function isIn(one: Symbolic, other: Symbolic, { names, groups }: Ground): Term {
  const [a, b] = [entityOf(one, names), entityOf(other, names)];
  if (a === null || b === null || a.type !== b.type) return NO;
  if (a.type !== 'Action') return same(one, other, names);
  return b.id !== null && (a.id === b.id || groups.includes(b.id)) ? YES : NO;
}

function regexOf(pattern: Pattern): string | null {
  const parts: string[] = ['(str.to_re "")', '(str.to_re "")'];
  let piece = '';
  const close = (): boolean => {
    const text = literalText(piece);
    if (text !== null && piece !== '') parts.push(`(str.to_re ${text})`);
    piece = '';
    return text !== null;
  };
  for (const part of pattern)
    if (part !== 'Wildcard') piece += part.Literal;
    else {
      if (!close()) return null;
      parts.push('re.all');
    }
  return close() ? `(re.++ ${parts.join(' ')})` : null;
}
