import assert from 'node:assert/strict';
import { type Bundle, type Connection, EMPTY_BUNDLE } from '../../domain/bundle.ts';
import type { Catalogue, Inspector } from '../../domain/connector.ts';
import { sha256 } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { canonical, type Json, type JsonObject } from '../../domain/json.ts';
import { loadConfig } from '../load.ts';
import { type Plan, planBundle } from '../plan.ts';
import { ConfigProblems } from '../problems.ts';
import { inspectors } from './plans.ts';

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
        derivation: ['declared by the operator'],
      };
    },
    async prepare() {
      throw new Error('a plan prepares nothing');
    },
  };
}

export type Offered = { readonly [connection: string]: Partial<Catalogue> };

/** A file with the server `files`, which serves this. */
export const fileWith = (serve: string, grants = 'grants: []', more = '') => `version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  files:
    kind: mcp
    environment: development
    command: [node, server.js, /srv/files]
    env: { LANG: C }
    secrets: { API_KEY: files-key }
    serve: ${serve}
${more}agents:
  coder: { owner: a@acme.example }
  other: { owner: a@acme.example }
${grants}
`;

export function planned(
  text: string,
  offered: Offered,
  active: Bundle = EMPTY_BUNDLE,
  inspect: readonly string[] | 'all' = 'all',
): Promise<Plan> {
  const given = inspectors(mcpInspector(offered));
  return planBundle(loadConfig(text, 's.yaml'), { active, inspectors: given, inspect });
}

export async function refused(text: string, offered: Offered): Promise<ConfigProblems> {
  try {
    await planned(text, offered);
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a refusal' });
}
