import { codePointName, hiddenCharacters, withHiddenShown } from '../boundary/text.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/**
 * What a server says of one of its tools or prompts, made fit to be shown: characters that nobody sees are written out
 * where words stand, and refused where meaning stands (names, choices, patterns), since a server would not know them
 * again. Otherwise the very values that came.
 */
export interface Definition {
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly listing: JsonObject;
  /** Where hidden characters were written out. */
  readonly marked: readonly string[];
}

const MAX_DESCRIPTION = 16_384;
const MAX_LISTING_BYTES = 128 * 1024;
const MAX_DEPTH = 64;

/** Members of a definition that are listed as they are. */
const LISTED = ['title', 'outputSchema', 'annotations', 'icons', '_meta', 'execution'];
/** Members of a schema that are words for a reader. */
const WORDS = new Set(['title', 'description', '$comment']);

/** Throws a SyntaxError in plain words for a definition that cannot be served. */
export function definitionOf(given: JsonObject): Definition {
  const { description = '', inputSchema } = given;
  if (typeof description !== 'string') throw new SyntaxError('its description is no text');
  if (description.length > MAX_DESCRIPTION)
    throw new SyntaxError(
      `its description has ${description.length} characters, at most ${MAX_DESCRIPTION}`,
    );
  if (!isJsonObject(inputSchema)) throw new SyntaxError('it has no input schema');
  const listed = Object.fromEntries(
    LISTED.filter((member) => given[member] !== undefined && given[member] !== null).map(
      (member) => [member, given[member] as Json],
    ),
  );
  const marked = new Set<string>();
  const { outputSchema, ...said } = listed;
  const words = shownWords(said, marked);
  const listing: JsonObject = {
    ...(isJsonObject(words) ? words : {}),
    ...(outputSchema === undefined ? {} : { outputSchema: schemaShown(outputSchema, marked) }),
  };
  withinBounds(listing);
  return {
    description: textShown(description, 'description', marked),
    inputSchema: schemaShown(inputSchema, marked) as JsonObject,
    listing,
    marked: [...marked],
  };
}

/** Prompts, resources: words for a reader throughout. Throws a SyntaxError. */
export function wordsShown(value: JsonObject): { value: JsonObject; marked: readonly string[] } {
  const marked = new Set<string>();
  const shown = shownWords(value, marked) as JsonObject;
  withinBounds(shown);
  return { value: shown, marked: [...marked] };
}

function withinBounds(listing: JsonObject): void {
  const bytes = Buffer.byteLength(JSON.stringify(listing));
  if (bytes > MAX_LISTING_BYTES)
    throw new SyntaxError(
      `what it says of itself has ${bytes} bytes, at most ${MAX_LISTING_BYTES}`,
    );
}

function textShown(text: string, where: string, marked: Set<string>): string {
  const shown = withHiddenShown(text);
  if (shown !== text) marked.add(where);
  return shown;
}

function shownWords(value: Json, marked: Set<string>, where = '', depth = 0): Json {
  return mapped(value, where, depth, (text, at) => textShown(text, at, marked));
}

function schemaShown(schema: Json, marked: Set<string>): Json {
  return mapped(schema, 'schema', 0, (text, at) => {
    if (WORDS.has(at.slice(at.lastIndexOf('/') + 1))) return textShown(text, at, marked);
    refuseHidden(text, at);
    return text;
  });
}

/** The value itself where nothing in it is changed. */
function mapped(
  value: Json,
  where: string,
  depth: number,
  change: (text: string, at: string) => string,
): Json {
  if (typeof value === 'string') return change(value, where);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new SyntaxError(`its definition is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((inner) =>
      mapped(inner, where, depth + 1, change),
    );
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  const members = Object.entries(value as JsonObject).map(([key, inner]): [string, Json] => {
    refuseHidden(key, where);
    return [key, mapped(inner, where === '' ? key : `${where}/${key}`, depth + 1, change)];
  });
  const changed = members.some(([key, inner]) => inner !== (value as JsonObject)[key]);
  return changed ? Object.fromEntries(members) : value;
}

function refuseHidden(text: string, where: string): void {
  const [first] = hiddenCharacters(text);
  if (first === undefined) return;
  const name = codePointName(first.codePoint);
  throw new SyntaxError(
    `it holds the hidden character ${name} where a value stands (\`${withHiddenShown(where).slice(0, 100)}\`)`,
  );
}
