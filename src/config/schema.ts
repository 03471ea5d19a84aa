import { DIMENSIONS } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import { RUNGS } from '../domain/mode.ts';
import { DRILL_SCHEMA } from './drill.ts';
import { GRANTED_NAME, NAME, TOOL_NAME } from './names.ts';
import { OBSERVE_SCHEMA } from './observe.ts';
import { POLICIES_SCHEMA } from './policies.ts';
import { commandConnection } from './schema-command.ts';
import { CONSULTS_SCHEMA, consultDefinitions } from './schema-consults.ts';
import { credentialDefinitions, VAULTS } from './schema-credentials.ts';
import { ORGANISATION_FIELDS } from './schema-lineage.ts';
import { LOOPS_SCHEMA } from './schema-loops.ts';
import { mcpDefinitions } from './schema-mcp.ts';
import { closed, count, flag, ref, table, text, when } from './schema-parts.ts';
import { TOOL_DEFINITIONS } from './schema-tool.ts';
import { watchProperties } from './schema-watch.ts';
import { SUBJECT_TOKEN_SCHEMA } from './subject-token.ts';
import { SUBJECTS_SCHEMA, USERS_SCHEMA } from './users.ts';

/**
 * The closed schema of `signalbox.yaml`, as data: what is checked is what is published in schema/signalbox.schema.json
 * for editors, and what docs/reference/configuration.md lists. Nothing that it does not name is accepted anywhere.
 */

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
const host = text('Host name, address or directory of a socket', {
  maxLength: 253,
  pattern: '^(?:[A-Za-z0-9.:_-]+|/[A-Za-z0-9._/-]+)$',
});

const postgres = closed('A PostgreSQL database', ['kind', 'host', 'database', 'user', 'secret'], {
  kind: { const: 'postgres' },
  environment,
  host,
  port: { type: 'integer', minimum: 1, maximum: 65_535, default: 5432, description: 'Port' },
  database: text('Name of the database', { maxLength: 63 }),
  user: text('The broker’s own CREATEROLE login; never a superuser', { maxLength: 63 }),
  secret,
  productionTables: {
    type: 'array',
    maxItems: 500,
    uniqueItems: true,
    items: text('`schema.table`, or `schema.*`', {
      maxLength: 130,
      pattern: '^[^.\\s]{1,63}\\.(?:\\*|[^.\\s]{1,63})$',
    }),
    description: 'Tables that count as production wherever the database stands; it only raises',
  },
  tables: table(
    'Where tables stand when not where their database does, by `schema.table` or `schema.*`; one without a label is where its connection is',
    '^[^.\\s]{1,63}\\.(?:\\*|[^.\\s]{1,63})$',
    500,
    environment,
  ),
  tls: {
    enum: ['verify', 'off'],
    description:
      '`verify` encrypts and checks the certificate; `off` only where the network is trusted. ' +
      'Without it: `off` for a loopback address or socket, otherwise `verify`',
  },
  ca: text(
    'Certificate (PEM) of the authority that signed the server’s, when it is not a public one',
    {
      maxLength: 20_000,
      pattern: '^-----BEGIN CERTIFICATE-----',
    },
  ),
  vault: ref('vaultDatabase'),
});

const sqlite = closed('A file of SQLite, opened by Signalbox itself', ['kind', 'path'], {
  kind: { const: 'sqlite' },
  environment,
  path: text('Absolute path of the file; it must exist', {
    maxLength: 1_000,
    pattern: '^(?:/|[A-Za-z]:[\\\\/])',
  }),
});

const overHttp: JsonObject = {
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
};

const http = closed('An HTTP API', ['kind', 'url'], {
  kind: { const: 'http' },
  environment,
  ...overHttp,
  oauth: ref('apiOAuth'),
  githubApp: ref('githubApp'),
  vault: ref('vaultKv'),
});

const KINDS = ['postgres', 'sqlite', 'http', 'mcp', 'command'];

const connection: JsonObject = {
  type: 'object',
  required: ['kind'],
  properties: {
    kind: { enum: [...KINDS], description: 'Which connector serves it' },
  },
  allOf: KINDS.map((kind) => when(isKind(kind), ref(kind))),
};

function isKind(kind: string): JsonObject {
  return { required: ['kind'], properties: { kind: { const: kind } } };
}

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
        ...ORGANISATION_FIELDS,
      }),
      connections: table('The systems behind tools', NAME, 200, ref('connection')),
      vaults: VAULTS,
      tools: table('Narrow operations', TOOL_NAME, 1_000, ref('tool')),
      agents: table('Who may act, and who answers for it', NAME, 500, ref('agent')),
      ...USERS_SCHEMA,
      grants: {
        type: 'array',
        maxItems: 5_000,
        items: ref('grant'),
        description: 'Which agent may use which tools, and how far. What is not granted is denied',
      },
      limits: closed('How much may happen in total', [], {
        run: { ...limit, description: 'For one run with all its sub-runs' },
        agentDay: { ...limit, description: 'For one agent in one day (UTC)' },
        day: { ...limit, description: 'For all agents together in one day (UTC)' },
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
      ...watchProperties(NAME, secret),
      consults: CONSULTS_SCHEMA,
      loops: LOOPS_SCHEMA,
      drill: DRILL_SCHEMA,
      policies: POLICIES_SCHEMA,
    },
  ),
  $defs: {
    connection,
    postgres,
    sqlite,
    http,
    command: commandConnection(environment, secret),
    ...credentialDefinitions(secret),
    ...mcpDefinitions({ environment, secret, overHttp }),
    ...TOOL_DEFINITIONS,
    ...consultDefinitions(secret),
    agent: closed('One agent', ['owner'], {
      owner: text('E-mail address of the human who answers for it', {
        maxLength: 254,
        pattern: '^[^\\s@]+@[^\\s@]+$',
      }),
      subjects: SUBJECTS_SCHEMA,
      subjectToken: SUBJECT_TOKEN_SCHEMA,
      observe: OBSERVE_SCHEMA,
      model: text(
        'The model it uses, by its maker’s id; `signalbox halt model ID` stops every agent that says so. Signalbox does not see what is really used',
        { maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/@-]*$' },
      ),
    }),
    grant: closed('One grant', ['agent', 'tools', 'rung'], {
      agent: text('Name of an agent', { pattern: NAME }),
      tools: {
        type: 'array',
        minItems: 1,
        maxItems: 1_000,
        uniqueItems: true,
        items: text('Name of a tool', { pattern: GRANTED_NAME, maxLength: 200 }),
        description:
          'Names of tools; `files_*` for every tool whose name begins so, `NAME/resources` and `NAME/prompts` of an MCP server',
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
