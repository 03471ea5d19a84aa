import { DIMENSIONS, EFFECT_CLASSES } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import { RUNGS } from '../domain/mode.ts';
import { RESULT_BYTES, TIMEOUT_MS } from '../tools/caps.ts';
import { ARGUMENT_NAME, NAME, TOOL_NAME } from './names.ts';

/**
 * The closed schema of `signalbox.yaml`, as data: what is checked is what is published in schema/signalbox.schema.json
 * for editors, and what docs/reference/configuration.md lists. Nothing that it does not name is accepted anywhere.
 */

const text = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'string',
  minLength: 1,
  maxLength: 2_000,
  description,
  ...more,
});
const count = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'integer',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description,
  ...more,
});
const flag = (description: string, usual: boolean): JsonObject => ({
  type: 'boolean',
  default: usual,
  description,
});
const closed = (
  description: string,
  required: readonly string[],
  properties: JsonObject,
): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  description,
  required,
  properties,
});
const table = (description: string, names: string, most: number, of: JsonObject): JsonObject => ({
  type: 'object',
  description,
  maxProperties: most,
  propertyNames: { pattern: names },
  additionalProperties: of,
});
const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });

const secret = text(
  'Name of the secret, stored with `signalbox secret set NAME`; never its value',
  {
    pattern: '^[a-z][a-z0-9_.-]{0,62}$',
  },
);
const environment = text(
  'Where this system stands. Unlabelled is `production`, the strictest; anything else is a widening',
  { pattern: NAME, default: 'production' },
);
const host = text('Host name or address', { maxLength: 253, pattern: '^[A-Za-z0-9.:_-]+$' });

const postgres = closed('A PostgreSQL database', ['kind', 'host', 'database', 'user', 'secret'], {
  kind: { const: 'postgres' },
  environment,
  host,
  port: { type: 'integer', minimum: 1, maximum: 65_535, default: 5432, description: 'Port' },
  database: text('Name of the database', { maxLength: 63 }),
  user: text('The broker’s own CREATEROLE login; never a superuser', { maxLength: 63 }),
  secret,
  tls: {
    enum: ['verify', 'require', 'off'],
    description:
      '`verify` checks the certificate; `require` encrypts without checking; `off` only where the network is trusted. ' +
      'Without it: `off` for a loopback address, otherwise `verify`',
  },
});

const http = closed('An HTTP API', ['kind', 'url'], {
  kind: { const: 'http' },
  environment,
  url: text('Where its paths begin: scheme, host, port and path; no query, no user'),
  allowPrivate: flag(
    'The host stands in a private network: private addresses may be called, and only those unless it is within `organisation.domains`',
    false,
  ),
  secret,
  header: text('Header that carries the secret', {
    maxLength: 64,
    pattern: '^[A-Za-z][A-Za-z0-9-]*$',
    default: 'authorization',
  }),
  prefix: {
    type: 'string',
    maxLength: 64,
    pattern: '^[\\x20-\\x7e]*$',
    description:
      'What stands before the secret in that header; `Bearer ` for `authorization`, otherwise nothing',
  },
});

const connection: JsonObject = {
  type: 'object',
  required: ['kind'],
  properties: { kind: { enum: ['postgres', 'http'], description: 'Which connector serves it' } },
  allOf: [
    { if: isKind('postgres'), then: ref('postgres') },
    { if: isKind('http'), then: ref('http') },
  ],
};

function isKind(kind: string): JsonObject {
  return { required: ['kind'], properties: { kind: { const: kind } } };
}

const cap = closed(
  'The most one call may do; reserved before it, compared with what is measured. Counts not named keep their small defaults',
  [],
  Object.fromEntries(
    DIMENSIONS.filter((dimension) => dimension !== 'calls').map((dimension) => [
      dimension,
      count(`At most this much ${dimension} in one call`),
    ]),
  ),
);

const toolFields: JsonObject = {
  connection: text('Name of the connection it works on', { pattern: NAME }),
  description: text('What the agent reads about it'),
  input: table(
    'Its arguments by name; every other argument is refused',
    ARGUMENT_NAME,
    64,
    ref('argument'),
  ),
  effect: {
    enum: [...EFFECT_CLASSES],
    description: 'What it does at worst. May only raise what is derived; a lower class is refused',
  },
  recoveryPath: {
    type: 'boolean',
    description:
      'It removes a way to recover: a backup, snapshot, version history, retention, audit log. Then it is `destroy` and nothing undoes it',
  },
  reversibility: {
    enum: ['declared', 'none'],
    default: 'none',
    description:
      '`declared`: an undo exists on paper. That an undo works is never declared: it is exercised',
  },
  cap: ref('cap'),
  maxResultBytes: {
    type: 'integer',
    minimum: 1,
    maximum: RESULT_BYTES.most,
    default: RESULT_BYTES.usual,
    description: 'Bytes of result handed to the agent; what is cut is said',
  },
  timeoutMs: {
    type: 'integer',
    minimum: TIMEOUT_MS.least,
    maximum: TIMEOUT_MS.most,
    default: TIMEOUT_MS.usual,
    description: 'Milliseconds one call may take',
  },
};

const sqlTool = closed('One fixed SQL statement', ['connection', 'description', 'sql'], {
  ...toolFields,
  sql: text('One statement; arguments as `:name`', { maxLength: 20_000 }),
});

const httpTool = closed('One HTTP request', ['connection', 'description', 'http'], {
  ...toolFields,
  http: ref('request'),
});

const request = closed('The request, with `{name}` where an argument goes', ['method', 'path'], {
  method: {
    enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    description:
      'GET and HEAD are derived as `read`, POST, PUT and PATCH as `write`, DELETE as `destroy`',
  },
  path: text('Below the URL of the connection; an argument fills one segment or a part of one', {
    pattern: '^/',
  }),
  query: table(
    'Query by name; an argument that was left out leaves its pair out',
    '^[^&=#]{1,100}$',
    64,
    {
      type: ['string', 'integer', 'number', 'boolean'],
    },
  ),
  headers: table('Fixed headers', '^[A-Za-z][A-Za-z0-9-]{0,63}$', 32, {
    type: 'string',
    maxLength: 1_000,
    pattern: '^[\\x20-\\x7e]*$',
  }),
  body: {
    description:
      'JSON body; a text that is exactly `{name}` becomes the argument itself, of its own type',
  },
  encodeSlashes: flag('Let an argument of the path hold slashes, encoded as `%2F`', false),
  project: {
    type: 'array',
    minItems: 1,
    maxItems: 64,
    items: text('JSON Pointer; `*` for every element', { pattern: '^(?:/(?:[^~/]|~[01])*)+$' }),
    description: 'The parts of a JSON answer that are handed on; everything else is dropped',
  },
  idempotency: closed(
    'The target keeps a repeat of the same key from happening twice',
    ['header'],
    {
      header: text('Header that carries the key (the action id)', {
        maxLength: 64,
        pattern: '^[A-Za-z][A-Za-z0-9-]*$',
      }),
    },
  ),
});

const argument = closed('One argument', ['type'], {
  type: {
    enum: ['string', 'integer', 'number', 'boolean', 'array', 'object'],
    description: 'Its JSON type',
  },
  description: text('What the agent reads about it'),
  optional: flag('It may be left out', false),
  enum: {
    type: 'array',
    minItems: 1,
    maxItems: 256,
    uniqueItems: true,
    items: { type: ['string', 'number', 'boolean'] },
    description: 'The only values it may have',
  },
  minimum: { type: 'number', description: 'Least number' },
  maximum: { type: 'number', description: 'Greatest number' },
  minLength: count('Least number of characters'),
  maxLength: count('Greatest number of characters; without it 10 000', { maximum: 1_000_000 }),
  pattern: text(
    'What the text must fit, matched in linear time; no lookaround, no back references',
    {
      maxLength: 500,
    },
  ),
  format: {
    enum: ['date', 'date-time', 'email', 'uuid'],
    description: 'What the text must be',
  },
  items: ref('argument'),
  minItems: count('Least number of elements'),
  maxItems: count('Greatest number of elements; without it 100', { maximum: 10_000 }),
  properties: table(
    'What an object holds; every other member is refused',
    ARGUMENT_NAME,
    64,
    ref('argument'),
  ),
});

const limit = closed(
  'Totals that are never passed; `posted + pending ≤ limit`',
  [],
  Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, count(`Total of ${dimension}`)])),
);

export const CONFIG_SCHEMA: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'signalbox.yaml',
  ...closed(
    'Configuration of Signalbox. It proposes; only `signalbox apply` changes authority',
    ['version', 'organisation'],
    {
      version: { const: 1, description: 'Version of this format' },
      organisation: closed('Who runs this, and what counts as inside', ['name'], {
        name: text('Name of the organisation', { maxLength: 100 }),
        domains: {
          type: 'array',
          maxItems: 100,
          uniqueItems: true,
          default: [],
          items: text('A domain; its subdomains are inside too', {
            maxLength: 253,
            pattern: '^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9-]*[a-z][a-z0-9-]*$',
          }),
          description: 'Domains that are inside',
        },
      }),
      connections: table('The systems behind tools', NAME, 200, ref('connection')),
      tools: table('Narrow operations', TOOL_NAME, 1_000, ref('tool')),
      agents: table('Who may act, and who answers for it', NAME, 500, ref('agent')),
      grants: {
        type: 'array',
        maxItems: 5_000,
        items: ref('grant'),
        description: 'Which agent may use which tools, and how far. What is not granted is denied',
      },
      limits: closed('How much may happen in total', [], {
        run: { ...limit, description: 'For one run with all its sub-runs' },
        agentDay: { ...limit, description: 'For one agent in one day (UTC)' },
      }),
      approvals: closed('How a human is asked', [], {
        minutes: {
          type: 'integer',
          minimum: 1,
          maximum: 10_080,
          default: 60,
          description: 'Minutes an ask stays open',
        },
      }),
    },
  ),
  $defs: {
    connection,
    postgres,
    http,
    tool: {
      type: 'object',
      if: { required: ['http'] },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: ref('httpTool'),
      else: ref('sqlTool'),
    },
    sqlTool,
    httpTool,
    request,
    argument,
    cap,
    agent: closed('One agent', ['owner'], {
      owner: text('E-mail address of the human who answers for it', {
        maxLength: 254,
        pattern: '^[^\\s@]+@[^\\s@]+$',
      }),
    }),
    grant: closed('One grant', ['agent', 'tools', 'rung'], {
      agent: text('Name of an agent', { pattern: NAME }),
      tools: {
        type: 'array',
        minItems: 1,
        maxItems: 1_000,
        uniqueItems: true,
        items: text('Name of a tool', { pattern: TOOL_NAME }),
        description: 'Names of tools',
      },
      rung: {
        enum: [...RUNGS],
        description:
          'How far: `read` executes reads only; `draft`, `stage`, `approve` are for writes, from least authority to most; ' +
          '`auto` without a human, for reads and for writes whose undo was exercised',
      },
    }),
  },
};

/** The bytes of schema/signalbox.schema.json. */
export function publishedSchema(): string {
  return `${JSON.stringify(CONFIG_SCHEMA, null, 2)}\n`;
}
