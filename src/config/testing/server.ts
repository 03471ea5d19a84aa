import type { Connection } from '../../domain/bundle.ts';
import type { Catalogue, Inspector } from '../../domain/connector.ts';
import { sha256 } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { canonical, type Json, type JsonObject } from '../../domain/json.ts';

/** A definition as servers send it. */
export function defined(name: string, over: { readonly [member: string]: Json } = {}): JsonObject {
  return {
    name,
    description: `Does ${name}`,
    inputSchema: {
      type: 'object',
      properties: { path: { type: 'string' } },
      required: ['path'],
      $schema: 'http://json-schema.org/draft-07/schema#',
    },
    ...over,
  };
}

/** Stands for MCP servers: what each connection offers is written down by hand. */
export function mcpInspector(
  offered: { readonly [connection: string]: Partial<Catalogue> },
  asked: string[] = [],
): Inspector {
  const of = ({ name }: Connection): Catalogue => {
    asked.push(name);
    const found = offered[name];
    if (found === undefined)
      throw new SignalboxError('CONNECTOR_UNREACHABLE', `\`${name}\` did not answer`);
    return {
      server: { name, version: '1' },
      instructions: null,
      tools: [],
      prompts: [],
      resources: false,
      completions: false,
      ...found,
    };
  };
  return {
    kind: 'mcp',
    async catalogue(connection) {
      return of(connection);
    },
    async derive(draft, connection) {
      const definition = of(connection).tools.find(({ name }) => name === draft.binding.name);
      return {
        effect: draft.effect,
        recoveryPath: false,
        idempotent: draft.idempotent,
        binding: { ...draft.binding, definition: sha256(canonical(definition)) },
        derivation: [],
      };
    },
    async prepare() {
      throw new Error('a plan prepares nothing');
    },
  };
}
