import type {
  EntityUidJson,
  Expr,
  PolicyJson,
  PrincipalConstraint,
  ResourceConstraint,
  Var,
} from '@cedar-policy/cedar-wasm/nodejs';
import { expression } from './expression.ts';
import { ASKED, type Asked } from './facts-schema.ts';
import { computed, type Env, FAULT, NOTHING, type Node, Uncompilable } from './node.ts';
import { boolean } from './operators.ts';
import type { Policy } from './policy-set.ts';
import type { Answer } from './reference.ts';
import { type Fixed, type Scope, scopeOf } from './scope.ts';

/** The policies of one tool under one mode. A known answer needs no action to be known. */
export type Evaluate = { readonly known: Answer } | { readonly run: (env: Env) => Answer };

/** For each mode. Throws Uncompilable when one policy needs the reference engine. */
export function compileSlice(
  policies: readonly Policy[],
  fixed: Fixed,
): { readonly [M in Asked]: Evaluate } {
  const each = ASKED.map((mode) => [mode, compileFor(policies, scopeOf(fixed, mode))] as const);
  return Object.fromEntries(each) as { [M in Asked]: Evaluate };
}

interface Rule {
  readonly id: string;
  readonly isForbid: boolean;
  readonly holds: Node;
}

function compileFor(policies: readonly Policy[], scope: Scope): Evaluate {
  const rules = policies
    .map(
      ({ id, effect, tree }): Rule => ({
        id,
        isForbid: effect === 'forbid',
        holds: condition(tree, scope),
      }),
    )
    .filter(({ holds }) => holds.known !== false);
  const run = (env: Env): Answer => answer(rules, env);
  return rules.every(({ holds }) => holds.known !== undefined) ? { known: run(NOTHING) } : { run };
}

function answer(rules: readonly Rule[], env: Env): Answer {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: string[] = [];
  for (const { id, isForbid, holds } of rules) {
    try {
      if (holds.known === true || holds.run(env) === true) (isForbid ? forbids : permits).push(id);
    } catch (error) {
      if (error !== FAULT) throw error;
      errors.push(id);
    }
  }
  const allowed = forbids.length === 0 && permits.length > 0;
  return { allowed, reasons: allowed ? permits : forbids, errors };
}

function condition(tree: PolicyJson, scope: Scope): Node {
  const node = expression(wholeOf(tree), scope);
  return node.known === undefined ? node : computed([node], () => boolean(node.run(NOTHING)));
}

/** Scope and conditions together, as Cedar joins them. Throws Uncompilable for a template. */
export function wholeOf(tree: PolicyJson): Expr {
  const parts: Expr[] = [
    ...partyTest(tree.principal, 'principal'),
    ...actionTest(tree),
    ...partyTest(tree.resource, 'resource'),
    ...tree.conditions.map(({ kind, body }) => (kind === 'when' ? body : { '!': { arg: body } })),
  ];
  return parts.reduce<Expr>((left, right) => ({ '&&': { left, right } }), { Value: true });
}

function partyTest(part: PrincipalConstraint | ResourceConstraint, name: Var): Expr[] {
  if (part.op === 'All') return [];
  const left: Expr = { Var: name };
  if (part.op === 'is') {
    const of: Expr = { is: { left, entity_type: part.entity_type } };
    if (part.in === undefined) return [of];
    return [of, { in: { left, right: entityOf(part.in) } }];
  }
  const right = entityOf(part);
  return [part.op === '==' ? { '==': { left, right } } : { in: { left, right } }];
}

function actionTest({ action }: PolicyJson): Expr[] {
  if (action.op === 'All') return [];
  const left: Expr = { Var: 'action' };
  if (action.op === '==') return [{ '==': { left, right: entityOf(action) } }];
  if ('entity' in action) return [{ in: { left, right: entityOf(action) } }];
  return [{ in: { left, right: { Set: action.entities.map((entity) => entityOf({ entity })) } } }];
}

function entityOf(part: { entity: EntityUidJson } | { slot: string }): Expr {
  if ('slot' in part) throw new Uncompilable('a template');
  const { entity } = part;
  return { Value: { __entity: '__entity' in entity ? entity.__entity : entity } };
}
