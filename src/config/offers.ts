import type { Connection, Tool } from '../domain/bundle.ts';
import type { Catalogue } from '../domain/connector.ts';
import type { JsonObject } from '../domain/json.ts';
import { capFor, TIMEOUT_MS } from '../tools/caps.ts';
import { pinned } from '../tools/pin.ts';

/**
 * The resources and the prompts of an MCP server as one tool each: reads under the same judge, with a grant, limits and
 * records like any other, and input schemas of ours. A slash keeps their names apart from every tool a client can call.
 */
const RESULT_BYTES = 1024 * 1024;
const MAX_URI = 8_192;
const MAX_CURSOR = 16_384;

export function resourcesOf(connection: Connection, isOutward: boolean): Tool {
  return offer(connection, 'resources', RESOURCES, isOutward);
}

/** `prompts`: definitions as the server lists them, by its own names. */
export function promptsOf(
  connection: Connection,
  prompts: Catalogue['prompts'],
  isOutward: boolean,
): Tool {
  return offer(connection, 'prompts', PROMPTS, isOutward, { prompts });
}

function offer(
  { name, kind }: Connection,
  offers: 'resources' | 'prompts',
  inputSchema: JsonObject,
  isOutward: boolean,
  listing?: JsonObject,
): Tool {
  return pinned({
    name: `${name}/${offers}`,
    description:
      offers === 'resources'
        ? `Reads, lists, watches and completes the resources of \`${name}\``
        : `Fetches and completes the prompts of \`${name}\``,
    connection: name,
    inputSchema,
    effect: 'read',
    reversibility: 'none',
    idempotent: true,
    recoveryPath: false,
    cap: capFor('read', 'none', {}, isOutward),
    maxResultBytes: RESULT_BYTES,
    timeoutMs: TIMEOUT_MS.usual,
    offers,
    ...(listing === undefined ? {} : { listing }),
    binding: { [kind]: offers },
    derivation: [`${offers} are read`],
  });
}

const text = (maxLength: number): JsonObject => ({ type: 'string', minLength: 1, maxLength });
const texts: JsonObject = { type: 'object', additionalProperties: { type: 'string' } };

function completing(what: 'uri' | 'name', most: number): JsonObject {
  return {
    type: 'object',
    properties: {
      [what]: text(most),
      argument: {
        type: 'object',
        properties: { name: text(512), value: { type: 'string', maxLength: 65_536 } },
        required: ['name', 'value'],
        additionalProperties: false,
      },
      context: {
        type: 'object',
        properties: { arguments: texts },
        additionalProperties: false,
      },
    },
    required: [what, 'argument'],
    additionalProperties: false,
  };
}

/** Exactly one of `uri`, `list` and `complete`. */
const RESOURCES: JsonObject = {
  type: 'object',
  properties: {
    uri: text(MAX_URI),
    subscribe: { type: 'boolean' },
    list: { type: 'string', enum: ['resources', 'templates'] },
    cursor: { type: 'string', maxLength: MAX_CURSOR },
    complete: completing('uri', MAX_URI),
  },
  oneOf: [{ required: ['uri'] }, { required: ['list'] }, { required: ['complete'] }],
  dependentRequired: { subscribe: ['uri'], cursor: ['list'] },
  additionalProperties: false,
};

/** `name` or `complete`. */
const PROMPTS: JsonObject = {
  type: 'object',
  properties: { name: text(512), arguments: texts, complete: completing('name', 512) },
  oneOf: [{ required: ['name'] }, { required: ['complete'] }],
  dependentRequired: { arguments: ['name'] },
  additionalProperties: false,
};
