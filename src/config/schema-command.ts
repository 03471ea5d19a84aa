import type { JsonObject } from '../domain/json.ts';
import { ARGUMENT_NAME, ENVIRONMENT_VARIABLE } from './names.ts';
import { closed, table, text } from './schema-parts.ts';

const word = text('One word of the command; `{name}` for an argument', { maxLength: 4_000 });

const codes = (description: string): JsonObject => ({
  type: 'array',
  maxItems: 64,
  uniqueItems: true,
  items: { type: 'integer', minimum: 0, maximum: 255 },
  description,
});

/** What a command prints, as far as an agent gets it; HTTP answers are reduced by the same. */
export const PARTS: JsonObject = {
  project: {
    type: 'array',
    minItems: 1,
    maxItems: 64,
    items: text('JSON Pointer; `*` for every element', { pattern: '^(?:/(?:[^~/]|~[01])*)+$' }),
    description: 'The parts of a JSON answer that are handed on; everything else is dropped',
  },
  select: text(
    'What is made of them, in a small part of JMESPath: `items[?open].{id: id, total: sum}`',
    { maxLength: 2_000 },
  ),
};

export const COMMAND_REQUEST: JsonObject = closed(
  'What is started, without a shell: each word is one word, whatever an argument holds',
  ['args'],
  {
    args: {
      type: 'array',
      maxItems: 200,
      items: {
        anyOf: [word, { type: 'array', minItems: 1, maxItems: 16, items: word }],
      },
      description:
        'Words after the program; a list of words is left out as a whole when an argument in it was left out',
    },
    paths: table(
      'Arguments that are paths below the directory of the connection',
      ARGUMENT_NAME,
      32,
      {
        enum: ['existing', 'new', 'descriptor'],
        description:
          '`existing`: what it names must be there; `new`: it may be new; `descriptor`: it is opened here and handed down as `/dev/fd/N`, so that nobody can swap it',
      },
    ),
    stdin: { description: 'What the command reads: a text, or JSON; without it nothing' },
    output: {
      enum: ['text', 'json'],
      default: 'text',
      description: 'What it prints; only `json` can be reduced to parts',
    },
    ...PARTS,
    exits: closed('What its exit codes mean; every other one is a failure', [], {
      done: codes('Codes of a success; 0 unless said'),
      nothing: codes('Codes that promise that nothing happened'),
    }),
  },
);

/** A connection of kind `command`. */
export function commandConnection(environment: JsonObject, secret: JsonObject): JsonObject {
  return closed('A program on this machine', ['kind', 'program', 'directory'], {
    kind: { const: 'command' },
    environment,
    program: text('Whole path of the program', { maxLength: 1_000, pattern: '^/' }),
    sha256: text(
      'SHA-256 that the program must have; without it the one it has when the plan is made is pinned',
      { pattern: '^[0-9a-f]{64}$' },
    ),
    directory: text('Directory that it is started in, and that its paths stay in', {
      maxLength: 1_000,
      pattern: '^/',
    }),
    env: table('Its environment, all of it: nothing is inherited', ENVIRONMENT_VARIABLE, 64, {
      type: 'string',
      maxLength: 4_000,
    }),
    secrets: table('Environment variables that carry secrets', ENVIRONMENT_VARIABLE, 64, secret),
  });
}
