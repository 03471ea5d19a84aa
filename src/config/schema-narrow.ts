import type { JsonObject } from '../domain/json.ts';
import { ARGUMENT_PLACE, NAME, TOOL_NAME } from './names.ts';
import { closed, count, flag, ref, table, text } from './schema-parts.ts';

/** An operator names at most this many arguments of one tool. */
const MOST = 64;

const place = text('Name of an argument, or a JSON Pointer to a member inside one', {
  maxLength: 256,
  pattern: ARGUMENT_PLACE,
});

const places = (description: string): JsonObject => ({
  type: 'array',
  minItems: 1,
  maxItems: MOST,
  uniqueItems: true,
  items: place,
  description,
});

const values = table(
  'Its arguments: values, or `{name}` and `{result:/pointer}` for those of the call',
  '^.{1,128}$',
  MOST,
  {
    description: 'A value; a text that is exactly `{name}` becomes the argument itself',
  },
);

/** Other calls that belong to a tool: fields of tools whose target can tell nothing before it acts. */
export const BINDINGS: JsonObject = {
  undo: ref('bound'),
  preview: ref('bound'),
  staging: text('Connection, labelled as no production, where a call on rung `stage` is executed', {
    pattern: NAME,
  }),
};

/** What of a server’s tool its operator takes away: fields of `servedTool`. */
export const NARROWING: JsonObject = {
  of: text(
    'Name of the tool at its server, where this is one of several narrower ones made of it',
    { maxLength: 128 },
  ),
  description: text('What the agent reads about it instead of its server’s words'),
  fix: table('Arguments that you set; agents neither see nor send them', ARGUMENT_PLACE, MOST, {
    description: 'The value, of the type that its server takes',
  }),
  hide: places('Arguments that are never sent; agents do not see them'),
  narrow: table(
    'Bounds on arguments; one that is named here must be given, unless it is `optional`',
    ARGUMENT_PLACE,
    MOST,
    ref('bounds'),
  ),
  project: {
    type: 'array',
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
    items: text('JSON Pointer; `*` stands for every element', { pattern: '^/' }),
    description:
      'The only parts of a result that are handed on; what is no JSON (a plain text, a picture) is left out',
  },
  maxItems: count('Elements of any list in a result, and blocks of it; what is cut is said', {
    minimum: 1,
    maximum: 10_000,
  }),
};

/** `#/$defs/…` of narrowing. */
export const NARROWING_DEFINITIONS: JsonObject = {
  bound: closed('Another tool, called with values of this call', ['tool'], {
    tool: text('Its name, as agents would call it', { pattern: TOOL_NAME }),
    arguments: values,
  }),
  bounds: closed('Bounds on one argument, on top of what its server takes', [], {
    enum: {
      type: 'array',
      minItems: 1,
      maxItems: 256,
      uniqueItems: true,
      items: { type: ['string', 'number', 'boolean', 'null'] },
      description: 'The only values it may have',
    },
    pattern: text(
      'What its whole text must fit, matched in linear time; no lookaround, no back references',
      { maxLength: 480 },
    ),
    minimum: { type: 'number', description: 'Least number' },
    maximum: { type: 'number', description: 'Greatest number' },
    minLength: count('Least number of characters'),
    maxLength: count('Greatest number of characters'),
    minItems: count('Least number of elements'),
    maxItems: count('Greatest number of elements'),
    optional: flag('It may be left out; then its server takes a value of its own', false),
  }),
};
