import type { CedarValueJson, Expr } from '@cedar-policy/cedar-wasm/nodejs';
import { isJsonObject } from '../domain/json.ts';
import { BOOL } from './cedar-type.ts';
import { computed, dynamic, FAILING, known, type Node, Uncompilable } from './node.ts';
import {
  attributeOf,
  BINARY,
  boolean,
  entity,
  hasAttribute,
  matcher,
  negative,
  type Pattern,
  record,
  set,
  text,
} from './operators.ts';
import type { Scope } from './scope.ts';
import { EntityValue, SetValue, type Value } from './values.ts';

/**
 * An expression of Cedar's JSON syntax as a closure. What does not depend on the action is computed here and now.
 * Throws Uncompilable for what only the reference engine knows (extension types, tags, integers beyond 2^53).
 */
export function expression(expr: Expr, scope: Scope): Node {
  const node = subject(expr, scope);
  if (node.isWhole === true) throw new Uncompilable('the context as a whole');
  return node;
}

/** The same, or the context: what stands left of a dot or of `has`. */
function subject(expr: Expr, scope: Scope): Node {
  const [entry, ...more] = Object.entries(expr);
  if (entry === undefined || more.length > 0) throw new Uncompilable('an expression of no kind');
  const [kind, body] = entry as [string, never];
  const compile = Object.hasOwn(COMPILERS, kind) ? COMPILERS[kind] : undefined;
  if (compile !== undefined) return compile(body, scope);
  const operation = Object.hasOwn(BINARY, kind) ? BINARY[kind] : undefined;
  if (operation === undefined) throw new Uncompilable(`\`${kind}\``);
  const { left, right } = body as Two;
  const [a, b] = [expression(left, scope), expression(right, scope)];
  return computed([a, b], (env) => operation(a.run(env), b.run(env)));
}

interface Two {
  readonly left: Expr;
  readonly right: Expr;
}
type Compiler = (body: never, scope: Scope) => Node;

function unary(of: (value: Value) => Value): Compiler {
  return ({ arg }: { arg: Expr }, scope) => {
    const node = expression(arg, scope);
    return computed([node], (env) => of(node.run(env)));
  };
}

const COMPILERS: { readonly [kind: string]: Compiler } = {
  Value: (value: CedarValueJson) => known(literal(value)),
  Var: (name: string, scope) => variable(name, scope),
  '!': unary((value) => !boolean(value)),
  neg: unary(negative),
  isEmpty: unary((value) => set(value).members.length === 0),
  '&&': ({ left, right }: Two, scope) =>
    junction(expression(left, scope), () => expression(right, scope), false),
  '||': ({ left, right }: Two, scope) =>
    junction(expression(left, scope), () => expression(right, scope), true),
  'if-then-else': (body: { if: Expr; then: Expr; else: Expr }, scope) => {
    const test = expression(body.if, scope);
    const [yes, no] = [expression(body.then, scope), expression(body.else, scope)];
    if (test.known !== undefined)
      return test.known === true ? yes : test.known === false ? no : FAILING;
    return dynamic((env) => (boolean(test.run(env)) ? yes.run(env) : no.run(env)));
  },
  '.': ({ left, attr }: { left: Expr; attr: string }, scope) =>
    attribute(subject(left, scope), attr),
  has: ({ left, attr }: { left: Expr; attr: string | string[] }, scope) => {
    const names = typeof attr === 'string' ? [attr] : attr;
    return hasPath(subject(left, scope), names);
  },
  like: ({ left, pattern }: { left: Expr; pattern: Pattern }, scope) => {
    const [node, matches] = [expression(left, scope), matcher(pattern)];
    return computed([node], (env) => matches(text(node.run(env))));
  },
  is: (body: { left: Expr; entity_type: string; in?: Expr }, scope) => {
    if (body.in !== undefined) throw new Uncompilable('`is … in`');
    const node = expression(body.left, scope);
    return computed([node], (env) => entity(node.run(env)).type === body.entity_type);
  },
  in: ({ left, right }: Two, scope) => {
    const [a, b] = [expression(left, scope), expression(right, scope)];
    return computed([a, b], (env) => {
      const [one, all] = [entity(a.run(env)), b.run(env)];
      if (!(all instanceof SetValue)) return isIn(one, entity(all), scope);
      const those = all.members.map(entity); // all of them, before any is looked at
      return those.some((other) => isIn(one, other, scope));
    });
  },
  Set: (members: Expr[], scope) => {
    const nodes = members.map((member) => expression(member, scope));
    return computed(nodes, (env) => new SetValue(nodes.map((node) => node.run(env))));
  },
  Record: (members: Record<string, Expr>, scope) => {
    const names = Object.keys(members);
    if (names.some((name) => name.startsWith('__'))) throw new Uncompilable('a reserved name');
    const nodes = Object.values(members).map((member) => expression(member, scope));
    return computed(nodes, (env) =>
      record(
        names,
        nodes.map((node) => node.run(env)),
      ),
    );
  },
};

/** `&&` (`stop` false) and `||` (`stop` true): the right side is looked at only when the left does not decide. */
function junction(left: Node, compileRight: () => Node, stop: boolean): Node {
  const right = compileRight(); // also where it is never reached: what cannot be compiled must be known
  if (left.known === stop) return left;
  if (left.known !== undefined)
    return typeof left.known === 'boolean'
      ? computed([right], (env) => boolean(right.run(env)), BOOL)
      : FAILING;
  if (right.known === stop && left.safe && left.type?.kind === 'Bool') return known(stop);
  if (right.known === !stop) return dynamic((env) => boolean(left.run(env)), isSafe(left), BOOL);
  const safe = isSafe(left) && isSafe(right);
  const run = stop
    ? (env: Parameters<Node['run']>[0]) => boolean(left.run(env)) || boolean(right.run(env))
    : (env: Parameters<Node['run']>[0]) => boolean(left.run(env)) && boolean(right.run(env));
  return dynamic(run, safe, BOOL);
}

function isSafe({ safe, type }: Node): boolean {
  return safe && type?.kind === 'Bool';
}

function attribute(node: Node, name: string): Node {
  if (node.fields !== undefined)
    return Object.hasOwn(node.fields, name) ? (node.fields[name]?.node ?? FAILING) : FAILING;
  const inner = memberOf(node, name);
  const run: Node['run'] = (env) => attributeOf(node.run(env), name);
  if (node.known !== undefined) return computed([node], run);
  return dynamic(run, node.safe && inner?.required === true, inner?.type ?? null);
}

function memberOf({ type }: Node, name: string) {
  if (type?.kind !== 'Record' || !Object.hasOwn(type.attributes, name)) return undefined;
  return type.attributes[name];
}

function hasPath(node: Node, names: readonly string[]): Node {
  const [name, ...rest] = names;
  if (name === undefined) return known(true);
  const isThere = hasMember(node, name);
  return rest.length === 0
    ? isThere
    : junction(isThere, () => hasPath(attribute(node, name), rest), false);
}

function hasMember(node: Node, name: string): Node {
  if (node.fields !== undefined)
    return Object.hasOwn(node.fields, name)
      ? (node.fields[name]?.isThere ?? known(false))
      : known(false);
  return computed([node], (env) => hasAttribute(node.run(env), name), BOOL);
}

function variable(name: string, scope: Scope): Node {
  switch (name) {
    case 'principal':
      return dynamic(({ agent }) => agent, true, { kind: 'Entity', name: 'Agent' });
    case 'action':
      return known(new EntityValue('Action', scope.tool));
    case 'resource':
      return known(new EntityValue('Connection', scope.connection));
    case 'context':
      return scope.context;
    default:
      throw new Uncompilable(`\`${name}\``);
  }
}

/** Only actions have something above them. */
function isIn(one: EntityValue, other: EntityValue, scope: Scope): boolean {
  if (one.type !== other.type) return false;
  if (one.id === other.id) return true;
  return one.type === 'Action' && one.id === scope.tool && scope.groups.includes(other.id);
}

export function literal(value: CedarValueJson): Value {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Uncompilable('an integer beyond 2^53');
    return value + 0;
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return new SetValue(value.map(literal));
  if (!isJsonObject(value)) throw new Uncompilable('a value of no kind');
  if ('__extn' in value || '__expr' in value) throw new Uncompilable('a value of an extension');
  const { __entity: of } = value as { __entity?: CedarValueJson };
  if (of === undefined)
    return record(
      Object.keys(value),
      Object.values(value as Record<string, CedarValueJson>).map(literal),
    );
  const { type, id } = of as { type: string; id: string };
  return new EntityValue(type, id);
}
