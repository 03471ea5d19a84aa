/** Arguments that a tool takes: written down for tools whose servers are known, made from the schema for others. */
import { join } from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';

/** A folder in which a filesystem server may work, once it has said so. */
export interface Ground {
  folder: string | null;
}

export function argumentsFor(tool: string, schema: JsonObject, { folder }: Ground): JsonObject {
  const inside = (name: string): string => join(folder ?? '/nowhere', name);
  const file = inside('signalbox-eval.txt');
  const known: { readonly [name: string]: JsonObject } = {
    read_file: { path: file },
    read_text_file: { path: file },
    read_media_file: { path: file },
    read_multiple_files: { paths: [file] },
    write_file: { path: inside('signalbox-eval-2.txt'), content: 'written\n' },
    edit_file: { path: file, edits: [{ oldText: 'hello', newText: 'hello' }] },
    create_directory: { path: inside('signalbox-eval-folder') },
    list_directory: { path: folder ?? '' },
    list_directory_with_sizes: { path: folder ?? '' },
    directory_tree: { path: folder ?? '' },
    move_file: {
      source: inside('signalbox-eval-move.txt'),
      destination: inside(`signalbox-eval-moved-${process.pid}.txt`),
    },
    search_files: { path: folder ?? '', pattern: 'signalbox-eval*' },
    get_file_info: { path: file },
    create_entities: { entities: [{ name: 'eval', entityType: 'test', observations: ['one'] }] },
    create_relations: { relations: [{ from: 'eval', to: 'eval', relationType: 'is' }] },
    add_observations: { observations: [{ entityName: 'eval', contents: ['two'] }] },
    delete_entities: { entityNames: ['nothing-of-this-name'] },
    delete_observations: { deletions: [{ entityName: 'eval', observations: ['two'] }] },
    delete_relations: { relations: [{ from: 'eval', to: 'eval', relationType: 'is' }] },
    open_nodes: { names: ['eval'] },
    'gzip-file-as-resource': {
      name: 'a.txt.gz',
      data: 'data:text/plain;base64,aGVsbG8=',
      outputType: 'resource',
    },
    'get-structured-content': { location: 'Chicago' },
    'trigger-long-running-operation': { duration: 1, steps: 1 },
    'get-resource-reference': { resourceType: 'Text', resourceId: 1 },
    'simulate-research-query': { topic: 'signals' },
    sequentialthinking: {
      thought: 'one',
      nextThoughtNeeded: false,
      thoughtNumber: 1,
      totalThoughts: 1,
    },
  };
  return known[tool] ?? (sampleOf(schema, 0) as JsonObject);
}

/** Texts of a form that schemas name. */
const FORMATS: { readonly [format: string]: string } = {
  uri: 'https://example.com/',
  url: 'https://example.com/',
  email: 'someone@example.com',
  date: '2026-01-02',
  'date-time': '2026-01-02T03:04:05Z',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** The least value that a schema takes, near enough. */
function sampleOf(schema: Json | undefined, depth: number): Json {
  if (!isJsonObject(schema) || depth > 8) return 'x';
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (Array.isArray(schema.enum)) return (schema.enum[0] ?? null) as Json;
  const [one] = (schema.anyOf ?? schema.oneOf ?? []) as readonly Json[];
  if (one !== undefined) return sampleOf(one, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object': {
      const properties = isJsonObject(schema.properties) ? schema.properties : {};
      const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
      return Object.fromEntries(
        required.map((name) => [name, sampleOf(properties[name], depth + 1)]),
      );
    }
    case 'array':
      return typeof schema.minItems === 'number' && schema.minItems > 0
        ? [sampleOf(schema.items, depth + 1)]
        : [];
    case 'number':
    case 'integer':
      return typeof schema.minimum === 'number' ? schema.minimum : 1;
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      if (typeof schema.format === 'string' && Object.hasOwn(FORMATS, schema.format))
        return FORMATS[schema.format] ?? '';
      return 'x'.repeat(typeof schema.minLength === 'number' ? schema.minLength : 1);
  }
}
