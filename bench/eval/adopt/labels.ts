/**
 * What tools of well-known servers really do, by reading their source. A class below this one is wrongly lowered. Tools
 * that are not here cannot be judged and are counted as such.
 */
import type { EffectClass } from '../../../src/domain/effect.ts';

const reads = (...names: string[]): [string, EffectClass][] => names.map((name) => [name, 'read']);
const writes = (...names: string[]): [string, EffectClass][] =>
  names.map((name) => [name, 'write']);
const destroys = (...names: string[]): [string, EffectClass][] =>
  names.map((name) => [name, 'destroy']);

/** By a tool that only this server has. */
const KNOWN: readonly { readonly has: string; readonly tools: ReadonlyMap<string, EffectClass> }[] =
  [
    {
      has: 'list_allowed_directories',
      tools: new Map([
        ...reads(
          'read_file',
          'read_text_file',
          'read_media_file',
          'read_multiple_files',
          'list_directory',
        ),
        ...reads(
          'list_directory_with_sizes',
          'directory_tree',
          'search_files',
          'get_file_info',
          'list_allowed_directories',
        ),
        ...writes('create_directory'),
        // what was there is gone
        ...destroys('write_file', 'edit_file', 'move_file'),
      ]),
    },
    {
      has: 'read_graph',
      tools: new Map([
        ...reads('read_graph', 'search_nodes', 'open_nodes'),
        ...writes('create_entities', 'create_relations', 'add_observations'),
        ...destroys('delete_entities', 'delete_observations', 'delete_relations'),
      ]),
    },
    // it keeps thoughts in its own memory until it ends
    { has: 'sequentialthinking', tools: new Map(reads('sequentialthinking')) },
    {
      has: 'get-tiny-image',
      tools: new Map([
        ...reads(
          'echo',
          'get-annotated-message',
          'get-resource-links',
          'get-resource-reference',
          'get-structured-content',
        ),
        ...reads(
          'get-sum',
          'get-tiny-image',
          'trigger-long-running-operation',
          'simulate-research-query',
          'get-roots-list',
        ),
        // what its environment holds is nobody's to hand on without a look
        ...writes('get-env'),
        ...writes('toggle-simulated-logging', 'toggle-subscriber-updates'),
        // it fetches any address
        ...writes('gzip-file-as-resource'),
        ...writes(
          'trigger-sampling-request',
          'trigger-elicitation-request',
          'trigger-url-elicitation',
        ),
        ...writes('trigger-sampling-request-async', 'trigger-elicitation-request-async'),
      ]),
    },
  ];

/** The true class of a tool, given all that its server offers; null: not known here. */
export function truthOf(tool: string, offered: readonly string[]): EffectClass | null {
  return KNOWN.find(({ has }) => offered.includes(has))?.tools.get(tool) ?? null;
}
