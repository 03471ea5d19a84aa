import { FAULT } from '../node.ts';
import {
  EntityValue,
  isEqual,
  isLong,
  isRecord,
  type RecordValue,
  SetValue,
  type Value,
} from '../values.ts';
import { and, literalLong, literalText, NO, not, or, type Term, YES } from './term.ts';

/** A value that may differ from action to action, as a term for each of its kinds. */
export type Symbolic =
  | { readonly kind: 'known'; readonly value: Value }
  | { readonly kind: 'Bool'; readonly term: Term }
  | { readonly kind: 'Long' | 'String'; readonly term: string }
  /** `term`: the number that its id has here. */
  | { readonly kind: 'Entity'; readonly type: string; readonly term: string }
  | { readonly kind: 'Set'; readonly members: readonly Symbolic[] }
  | OpenSet
  | { readonly kind: 'Record'; readonly fields: Fields }
  /** Nothing is said of it: what is proven holds whatever it is. */
  | { readonly kind: 'any' };

/** A set of which only membership is known. `asked`: terms that were asked about. */
export interface OpenSet {
  readonly kind: 'OpenSet';
  readonly name: string;
  readonly of: 'Bool' | 'Long' | 'String';
  readonly asked: Set<string>;
}

export type Fields = { readonly [name: string]: { readonly isThere: Term; readonly of: Symbolic } };

/** What an expression comes to. `fails`: when it cannot be evaluated, and then `of` says nothing. */
export interface Outcome {
  readonly fails: Term;
  readonly of: Symbolic;
}

export const ANY: Symbolic = { kind: 'any' };

export function known(value: Value): Symbolic {
  return { kind: 'known', value };
}

/** Numbers for ids of entities, terms that nobody says anything of, and why there are such. */
export class Names {
  readonly #ids = new Map<string, number>();
  readonly declared: string[] = [];
  readonly uncovered = new Set<string>();
  #fresh = 0;

  idOf(id: string): string {
    const known = this.#ids.get(id) ?? this.#ids.size;
    this.#ids.set(id, known);
    return String(known);
  }

  idAt(number: number): string | null {
    return [...this.#ids].find(([, at]) => at === number)?.[0] ?? null;
  }

  declare(name: string, sort: string): string {
    this.declared.push(`(declare-const ${name} ${sort})`);
    return name;
  }

  open(name: string, sort: string): string {
    this.declared.push(`(declare-fun ${name} (${sort}) Bool)`);
    return name;
  }

  /** True or false, and nothing is said of which. */
  free(why: string): Term {
    this.uncovered.add(why);
    return this.declare(`free_${this.#fresh++}`, 'Bool');
  }

  opaque(why: string): Outcome {
    return { fails: this.free(why), of: ANY };
  }
}

/** As a solver's Boolean, and when it is none. */
export function asBool(of: Symbolic, names: Names): { readonly fails: Term; readonly term: Term } {
  if (of.kind === 'Bool') return { fails: NO, term: of.term };
  if (of.kind === 'known' && typeof of.value === 'boolean')
    return { fails: NO, term: of.value ? YES : NO };
  if (of.kind !== 'any') return { fails: YES, term: NO };
  const why = 'a truth of a value it knows nothing of';
  return { fails: names.free(why), term: names.free(why) };
}

/** The term of a Long or a text; null for any other kind, `undefined` where it cannot be told. */
export function asTerm(of: Symbolic, kind: 'Long' | 'String'): string | null | undefined {
  if (of.kind === kind) return of.term;
  if (of.kind === 'any') return undefined;
  if (of.kind !== 'known') return null;
  if (kind === 'Long') return isLong(of.value) ? literalLong(of.value) : null;
  return typeof of.value === 'string' ? (literalText(of.value) ?? undefined) : null;
}

/** A known value as its members or fields, so that it can stand beside one that is not known. */
export function opened(of: Symbolic): Symbolic {
  if (of.kind !== 'known') return of;
  const { value } = of;
  if (value instanceof SetValue) return { kind: 'Set', members: value.members.map(known) };
  if (typeof value !== 'object' || !isRecord(value)) return of;
  return { kind: 'Record', fields: fieldsOf(value) };
}

function fieldsOf(value: RecordValue): Fields {
  const each = Object.entries(value).map(([name, one]) => [name, { isThere: YES, of: known(one) }]);
  return Object.fromEntries(each) as Fields;
}

/** Are they the same? Total: values of two kinds are not. */
export function same(one: Symbolic, other: Symbolic, names: Names): Term {
  if (one.kind === 'known' && other.kind === 'known')
    return isEqual(one.value, other.value) ? YES : NO;
  if (one.kind === 'any' || other.kind === 'any') return names.free('a value it knows nothing of');
  const [a, b] = [opened(one), opened(other)];
  if (kindOf(a) !== kindOf(b)) return NO;
  switch (kindOf(a)) {
    case 'Bool': {
      const [x, y] = [asBool(a, names).term, asBool(b, names).term];
      return or(and(x, y), and(not(x), not(y)));
    }
    case 'Long':
    case 'String':
      return equal(asTerm(a, kindOf(a) as 'Long'), asTerm(b, kindOf(a) as 'Long'), names);
    case 'Entity':
      return sameEntity(a, b, names);
    case 'Record':
      return sameRecord(a, b, names);
    default:
      return sameSet(a, b, names);
  }
}

function equal(a: string | null | undefined, b: string | null | undefined, names: Names): Term {
  if (typeof a !== 'string' || typeof b !== 'string')
    return names.free('a text beyond what it knows');
  return a === b ? YES : `(= ${a} ${b})`;
}

function sameEntity(a: Symbolic, b: Symbolic, names: Names): Term {
  const [x, y] = [entityOf(a, names), entityOf(b, names)];
  if (x === null || y === null || x.type !== y.type) return NO;
  return equal(x.term, y.term, names);
}

export function entityOf(
  of: Symbolic,
  names: Names,
): { readonly type: string; readonly term: string; readonly id: string | null } | null {
  if (of.kind === 'Entity') return { ...of, id: null };
  if (of.kind !== 'known' || !(of.value instanceof EntityValue)) return null;
  const { type, id } = of.value;
  return { type, id, term: names.idOf(`${type}::${id}`) };
}

function sameRecord(a: Symbolic, b: Symbolic, names: Names): Term {
  if (a.kind !== 'Record' || b.kind !== 'Record') return NO;
  const all = new Set([...Object.keys(a.fields), ...Object.keys(b.fields)]);
  return and(
    ...[...all].map((name) => {
      const [x, y] = [a.fields[name], b.fields[name]];
      if (x === undefined) return not(y?.isThere ?? NO);
      if (y === undefined) return not(x.isThere);
      const both = and(x.isThere, y.isThere, same(x.of, y.of, names));
      return or(both, and(not(x.isThere), not(y.isThere)));
    }),
  );
}

function sameSet(a: Symbolic, b: Symbolic, names: Names): Term {
  return and(isSubset(a, b, names), isSubset(b, a, names));
}

export function isSubset(a: Symbolic, b: Symbolic, names: Names): Term {
  if (a.kind !== 'Set') return names.free('whether one open set is within another');
  return and(...a.members.map((member) => isMember(member, b, names)));
}

export function isMember(member: Symbolic, set: Symbolic, names: Names): Term {
  if (set.kind === 'Set') return or(...set.members.map((one) => same(one, member, names)));
  if (set.kind !== 'OpenSet') return NO;
  if (member.kind === 'any') return names.free('a member it knows nothing of');
  if (kindOf(member) !== set.of) return NO;
  const term =
    set.of === 'Bool' ? writtenBool(member, names) : asTerm(member, set.of as 'Long' | 'String');
  if (typeof term !== 'string') return names.free('a text beyond what it knows');
  set.asked.add(term);
  return `(${set.name} ${term})`;
}

function writtenBool(of: Symbolic, names: Names): string | null {
  const { term } = asBool(of, names);
  return typeof term === 'string' ? term : null;
}

export function kindOf(of: Symbolic): string {
  if (of.kind === 'OpenSet') return 'Set';
  if (of.kind !== 'known') return of.kind;
  const { value } = of;
  if (typeof value === 'boolean') return 'Bool';
  if (typeof value === 'string') return 'String';
  if (isLong(value)) return 'Long';
  if (value instanceof EntityValue) return 'Entity';
  return value instanceof SetValue ? 'Set' : 'Record';
}

export function isFault(error: unknown): boolean {
  return error === FAULT;
}
