import { isJsonObject, type JsonObject, jsonIn } from '../../domain/json.ts';

/** One action as a decision point is asked about it (AuthZEN Authorization API 1.0, single evaluation). */
export interface Evaluation {
  readonly agent: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly effect: string;
  readonly reversibility: string;
  readonly connection: string;
  readonly environment: string;
  /** The user on whose behalf; null: nobody's. */
  readonly user: string | null;
  readonly actsFor: readonly string[];
  readonly intent: string;
  readonly run: string;
  /** Of this call and no other: a decision point that keeps answers by resource must not give this one another's. */
  readonly call: string;
}

/**
 * Everything that may matter stands in `resource.properties`, where every decision point looks; the arguments also where
 * the drafts for tool calls put them.
 */
export function evaluationRequest(asked: Evaluation): JsonObject {
  const { agent, tool, effect, reversibility, connection, environment } = asked;
  const what = { tool, effect, reversibility, connection, environment, arguments: asked.arguments };
  return {
    subject: {
      type: 'agent',
      id: agent,
      properties: {
        run: asked.run,
        act_for: [...asked.actsFor],
        ...(asked.user === null ? {} : { user: asked.user }),
      },
    },
    action: { name: 'tools/call', properties: { arguments: asked.arguments } },
    resource: { type: 'tool', id: `${tool}#${asked.call}`, properties: what },
    context: { intent: asked.intent },
  };
}

/** `why`: what it said of it, or what about the answer is not as it must be; then it counts as no. */
export type PdpAnswer =
  | { readonly decision: boolean; readonly why: string }
  | { readonly decision: null; readonly why: string };

/** Members of `context` that only explain; any other one may be a condition, and we do not know how to meet it. */
const EXPLAINS: ReadonlySet<string> = new Set([
  'reason',
  'reason_admin',
  'reason_user',
  'id',
  'evaluation_id',
]);
const MOST_WHY = 300;

/** A yes counts only when nothing is attached to it that we do not understand. Total: any text has an answer. */
export function evaluationAnswer(text: string): PdpAnswer {
  const answer = jsonIn(text);
  if (!isJsonObject(answer)) return { decision: null, why: 'its answer is no JSON object' };
  const { decision, context = null } = answer;
  if (typeof decision !== 'boolean')
    return { decision: null, why: 'its answer has no `decision` that is true or false' };
  if (context !== null && !isJsonObject(context))
    return { decision: null, why: 'the `context` of its answer is no object' };
  const unknown = Object.keys(context ?? {}).filter((name) => !EXPLAINS.has(name));
  if (decision && unknown.length > 0)
    return {
      decision: null,
      why: `its yes comes with \`${unknown.slice(0, 3).join('`, `')}\`, which is not understood`,
    };
  return { decision, why: whyOf(context) };
}

function whyOf(context: JsonObject | null): string {
  const said = context?.reason ?? context?.reason_admin ?? context?.reason_user ?? null;
  if (said === null) return 'it gave no reason';
  return (typeof said === 'string' ? said : JSON.stringify(said)).slice(0, MOST_WHY);
}
