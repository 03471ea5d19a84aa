import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { pointerToken } from '../../domain/pointer.ts';
import { OpenapiFault, type References } from './references.ts';

const MAX_POINTERS = 48;
const MAX_DEPTH = 5;
/** Never proposed, whatever the document calls harmless. */
const SECRET =
  /pass(?:word|wd|phrase)?|secret|token|api_?key|credential|private|authorization|cookie|ssn|iban/i;

/** The parts of a successful answer that a tool could hand on: single values, down to lists of objects. Null: unknown. */
export function projectionOf(
  { responses }: JsonObject,
  references: References,
  notes: string[],
): readonly string[] | null {
  const all = isJsonObject(responses) ? Object.entries(responses) : [];
  const [, given] = all.find(([status]) => /^2(?:\d\d|XX)$/i.test(status)) ?? [];
  if (given === undefined) return null;
  try {
    const { content } = references.at(given);
    const media = isJsonObject(content) ? Object.entries(content) : [];
    const [, json] = media.find(([type]) => /json/i.test(type)) ?? [];
    if (json === undefined) return null;
    const pointers = pointersOf(references.at(json).schema, references, '', 0);
    const kept = pointers.slice(0, MAX_POINTERS);
    if (pointers.length > kept.length)
      notes.push(`its answer has ${pointers.length} parts; the first ${kept.length} are proposed`);
    return kept.length === 0 ? null : kept;
  } catch (error) {
    if (!(error instanceof OpenapiFault)) throw error;
    notes.push(`its answer is handed on whole: ${error.message}`);
    return null;
  }
}

function pointersOf(
  schema: Json | undefined,
  references: References,
  at: string,
  depth: number,
): string[] {
  if (depth > MAX_DEPTH) return [];
  const { type, items, properties, allOf } = references.at(schema);
  const parts = Array.isArray(allOf) ? (allOf as Json[]).slice(0, 16) : [];
  const merged = parts.flatMap((part) => pointersOf(part, references, at, depth + 1));
  if (items !== undefined)
    return [...merged, ...pointersOf(items, references, `${at}/*`, depth + 1)];
  if (!isJsonObject(properties)) {
    const isPlain = type !== undefined && type !== 'object' && type !== 'array';
    return isPlain && at !== '' ? [at] : merged;
  }
  return [
    ...merged,
    ...Object.entries(properties)
      .slice(0, 200)
      .filter(([name, one]) => !SECRET.test(name) && references.at(one).writeOnly !== true)
      .flatMap(([name, one]) =>
        pointersOf(one, references, `${at}/${pointerToken(name)}`, depth + 1),
      ),
  ];
}
