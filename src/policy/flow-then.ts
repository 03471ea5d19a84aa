import type { Tool } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { LineageFacts } from '../domain/lineage.ts';

/**
 * What was known of a recorded action, for a tool as another bundle declares it. Null, which is the worst, where the tool
 * declares no lineage, or one of its arguments that carry authority was not asked for a proof then.
 */
export function flowThen(
  then: LineageFacts | null,
  { lineage }: Tool,
  given: JsonObject,
): LineageFacts | null {
  if (then === null || lineage === undefined) return null;
  const wasAsked = lineage.authority.every(({ argument, kind }) => {
    const [name = ''] = argument.split(/[.[]/);
    if (!Object.hasOwn(given, name) || !holdsAny(given[name])) return true;
    return then.proofs.some(
      (proof) => proof.kind === kind && proof.argument.split(/[.[]/)[0] === name,
    );
  });
  return wasAsked ? then : null;
}

/** Anything that is asked for a proof: truth and nothing are not. */
function holdsAny(value: Json | undefined): boolean {
  if (value === null || value === undefined || typeof value === 'boolean') return false;
  if (typeof value === 'string') return value.trim() !== '';
  if (Array.isArray(value)) return value.some((each) => holdsAny(each as Json));
  return isJsonObject(value) ? Object.values(value).some(holdsAny) : true;
}
