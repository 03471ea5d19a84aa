import { isJsonObject, type Json } from '../domain/json.ts';
import type { Projection } from './arguments.ts';
import type { Policy } from './policy-set.ts';

/** The part of a projection that these policies look at: nothing else is mapped, nor can stand in the way. */
export function argumentsRead(policies: readonly Policy[], projection: Projection): Projection {
  const names = new Set<string>();
  let all = false;
  const visit = (expr: Json): void => {
    if (Array.isArray(expr)) {
      for (const one of expr) visit(one);
      return;
    }
    if (!isJsonObject(expr)) return;
    const read = nameRead(expr);
    if (read !== null) names.add(read);
    else if (isArguments(expr) || expr.Var === 'context') all = true;
    else if (!isGroup(expr)) for (const inner of Object.values(expr)) visit(inner);
  };
  for (const { tree } of policies)
    for (const { body } of tree.conditions) visit(body as unknown as Json);
  return all ? projection : new Map([...projection].filter(([name]) => names.has(name)));
}

/** `context.args.NAME`, `context.args has NAME`, `context has args.NAME`. */
function nameRead(expr: { readonly [kind: string]: Json }): string | null {
  const of = expr['.'] ?? expr.has;
  if (!isJsonObject(of)) return null;
  const { left = null, attr = null } = of;
  const path: readonly Json[] = Array.isArray(attr) ? attr : [attr];
  const name = isArguments(left) ? path[0] : isContext(left) && path[0] === 'args' ? path[1] : null;
  return typeof name === 'string' ? name : null;
}

function isContext(expr: Json): boolean {
  return isJsonObject(expr) && expr.Var === 'context';
}

function isArguments(expr: Json): boolean {
  return isGroup(expr) && (expr as { '.': { attr: Json } })['.'].attr === 'args';
}

/** `context.GROUP`, or `context has GROUP`. */
function isGroup(expr: Json): boolean {
  if (!isJsonObject(expr)) return false;
  const of = expr['.'] ?? expr.has;
  return isJsonObject(of) && isContext(of.left ?? null);
}
