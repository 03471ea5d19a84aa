import type { Effect, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Tool } from '../domain/bundle.ts';
import { EngineFailure, type Reference } from './reference.ts';
import { groupsOf } from './schema.ts';

/** One policy as it was written and as Cedar reads it, with the annotations that explanations use. */
export interface Policy {
  readonly id: string;
  readonly text: string;
  readonly effect: Effect;
  readonly tree: PolicyJson;
  readonly reason: string | null;
  readonly fix: string | null;
  readonly owner: string | null;
  readonly approvers: readonly string[];
}

/** Reads one policy. Throws EngineFailure with the words of Cedar's parser. */
export function readPolicy(reference: Reference, id: string, text: string): Policy {
  const answer = reference.use(id, (cedar) => cedar.policyToJson(text));
  if (answer.type !== 'success')
    throw new EngineFailure(answer.errors.map(({ message }) => message).join('; '));
  const { effect, annotations = {} } = answer.json;
  const said = (name: string): string | null => annotations[name] ?? null;
  return {
    id,
    text,
    effect,
    tree: answer.json,
    reason: said('reason'),
    fix: said('fix'),
    owner: said('owner'),
    approvers: (said('approvers') ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  };
}

/** Can the action part of this policy match this tool? */
export function concerns({ tree }: Policy, tool: Tool): boolean {
  const { action } = tree;
  if (action.op === 'All') return true;
  const names = new Set([tool.name, ...groupsOf(tool)]);
  if (action.op === '==')
    return (
      'entity' in action && names.has(idOf(action.entity)) && idOf(action.entity) === tool.name
    );
  const entities = 'entities' in action ? action.entities : [action.entity];
  return entities.some((entity) => names.has(idOf(entity)));
}

function idOf(entity: { id: string } | { __entity: { id: string } }): string {
  return '__entity' in entity ? entity.__entity.id : entity.id;
}
