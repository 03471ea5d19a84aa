import { DIMENSIONS, EFFECT_CLASSES } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import { RESULT_BYTES, TIMEOUT_MS } from '../tools/caps.ts';
import { ARGUMENT_NAME, NAME } from './names.ts';
import { COMMAND_REQUEST, PARTS } from './schema-command.ts';
import { LINEAGE_DEFINITIONS, LINEAGE_FIELDS } from './schema-lineage.ts';
import { POLLING_SCHEMA } from './schema-loops.ts';
import { BINDINGS } from './schema-narrow.ts';
import { closed, count, flag, ref, table, text, when } from './schema-parts.ts';
import { queryDefinitions } from './schema-query.ts';

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

/** What bounds one call, whichever kind of tool it is of. */
export const CALL_BOUNDS: JsonObject = {
  cap: ref('cap'),
  maxResultBytes: {
    type: 'integer',
    minimum: 1,
    maximum: RESULT_BYTES.most,
    default: RESULT_BYTES.usual,
    description: 'Bytes of result handed to the agent; what is cut is said',
  },
  keepHidden: flag(
    'Hidden characters of a result are handed on as they came, instead of written out as `⟦U+202E⟧`',
    false,
  ),
  timeoutMs: {
    type: 'integer',
    minimum: TIMEOUT_MS.least,
    maximum: TIMEOUT_MS.most,
    default: TIMEOUT_MS.usual,
    description: 'Milliseconds one call may take',
  },
  polling: POLLING_SCHEMA,
  ...LINEAGE_FIELDS,
};

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
  ...CALL_BOUNDS,
};

const sqlTool = closed('One fixed SQL statement', ['connection', 'description', 'sql'], {
  ...toolFields,
  sql: text('One statement; arguments as `:name`', { maxLength: 20_000 }),
  images: {
    enum: ['none', 'changed', 'row'],
    default: 'changed',
    description:
      'Which columns of the rows it changes a human is shown before approving: none, those it changes, or all. Showing needs SELECT on them',
  },
  enforce: {
    enum: ['statement', 'function'],
    default: 'statement',
    description:
      'What binds its rows: its statement alone, or a function of the database, which is then all that its login may call. PostgreSQL only',
  },
  functions: {
    type: 'array',
    minItems: 1,
    maxItems: 50,
    uniqueItems: true,
    items: { type: 'string', maxLength: 300, pattern: '^[^.()]+\\.[^()]+\\(.*\\)$' },
    description:
      'Functions of the database itself that it calls, as `schema.name(types)`; every one of PostgreSQL that only computes is allowed anyway. PostgreSQL only',
  },
  undo: ref('bound'),
});

const httpTool = closed('One HTTP request', ['connection', 'description', 'http'], {
  ...toolFields,
  ...BINDINGS,
  http: ref('request'),
});

const commandTool = closed('One command', ['connection', 'description', 'command'], {
  ...toolFields,
  command: ref('commandRequest'),
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
  ...PARTS,
  retries: {
    type: 'integer',
    minimum: 0,
    maximum: 3,
    default: 0,
    description:
      'How often a PUT or DELETE with a key is sent again when its connection was lost or a gateway could not reach the target',
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

/** What `#/$defs/…` of tools stands for. */
export const TOOL_DEFINITIONS: JsonObject = {
  tool: {
    type: 'object',
    ...when(
      { required: ['http'] },
      ref('httpTool'),
      when(
        { required: ['query'] },
        ref('queryTool'),
        when({ required: ['command'] }, ref('commandTool'), ref('sqlTool')),
      ),
    ),
  },
  ...queryDefinitions(CALL_BOUNDS),
  sqlTool,
  httpTool,
  commandTool,
  request,
  commandRequest: COMMAND_REQUEST,
  argument,
  cap,
  ...LINEAGE_DEFINITIONS,
};
