import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { projected } from '../tools/projection.ts';
import { parseSelection, type Selection } from '../tools/selection.ts';

/** What a tool hands on of a JSON answer: what its pointers name, then what its selection makes of that. */
export interface Parts {
  readonly project: readonly string[] | null;
  readonly select: Selection | null;
}

/** Null where the tool hands on all of it. Throws a SyntaxError for a selection that no loader would have let pass. */
export function partsOf({ project, select }: JsonObject): Parts | null {
  if (!Array.isArray(project) && typeof select !== 'string') return null;
  return {
    project: Array.isArray(project) ? project.map(String) : null,
    select: typeof select === 'string' ? parseSelection(select) : null,
  };
}

/** Undefined where the selection is too much work for this answer. */
export function partedOr(json: Json, { project, select }: Parts): Json | undefined {
  const parts = project === null ? json : projected(json, project);
  if (select === null) return parts;
  try {
    const made = select(parts);
    return isJsonObject(made) || Array.isArray(made) ? made : { value: made };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
