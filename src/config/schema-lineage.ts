import type { JsonObject } from '../domain/json.ts';
import { ARGUMENT_KINDS, SOURCE_LABELS } from '../domain/lineage.ts';
import { closed, flag, ref, text, when } from './schema-parts.ts';

const PLACE =
  '^(?:\\.|[^.\\[\\]\\s]{1,100}(?:\\[\\]|\\.[^.\\[\\]\\s]{1,100})*|\\[\\](?:\\.[^.\\[\\]\\s]{1,100}|\\[\\])*)$';
const ARGUMENT =
  '^(?:[^.\\[\\]/\\s]{1,100}(?:\\[\\]|\\.[^.\\[\\]/\\s]{1,100}){0,8}|(?:/[^\\s/]{1,100}){1,8})$';

const list = (description: string, most: number, items: JsonObject): JsonObject => ({
  type: 'array',
  maxItems: most,
  uniqueItems: true,
  items,
  description,
});

/** What any tool may say of where its arguments come from and of what it returns. */
export const LINEAGE_FIELDS: JsonObject = {
  authority: list(
    'Arguments that need a proof: each value must be in the intent of the run, in what you allow here, or in a trusted leaf; otherwise a human is asked',
    64,
    ref('authority'),
  ),
  outward: flag(
    'It reaches people or systems other than where it works: a message, a payment, a share. What its texts carry is looked at',
    false,
  ),
  source: list(
    'What its results are, the first that fits a call. Without it they are untrusted, and public',
    64,
    ref('source'),
  ),
  memory: text(
    'A memory of its connection, by a name of yours: what any tool with the same name writes comes back from all of them with what its writer had seen. For tools that keep things without naming where',
    { pattern: '^[a-z][a-z0-9-]{0,63}$' },
  ),
};

export const LINEAGE_DEFINITIONS: JsonObject = {
  authority: when({ type: 'object' }, ref('authorityArgument'), {
    type: 'string',
    pattern: ARGUMENT,
    description:
      'The argument, by its place: `to`, `message.to`, `edits[].file`, or as a JSON Pointer `/edits/*/file`',
  }),
  authorityArgument: closed('One argument, and what you allow of it', ['argument'], {
    argument: text(
      'The argument, by its place: `to`, `message.to`, `edits[].file`, or as a JSON Pointer `/edits/*/file`',
      {
        pattern: ARGUMENT,
      },
    ),
    kind: {
      enum: [...ARGUMENT_KINDS],
      description:
        'What it decides: where something goes, what it is done to, how much, a secret, or what runs. Without it, what its name says; `target` where that says nothing',
    },
    allow: list('Values that need no other proof', 1_000, text('A value, whole')),
    least: { type: 'number', description: 'Amounts from here need no other proof' },
    most: { type: 'number', description: 'Amounts up to here need no other proof' },
  }),
  source: closed('What a result is', [], {
    when: closed('Only of calls that ask for such an object', ['argument', 'prefix'], {
      argument: text('The argument that names the object', { pattern: ARGUMENT }),
      prefix: text('How its value begins; one that climbs with `..` never fits'),
    }),
    trusted: list(
      'Places whose whole value no stranger can choose, an id that the system gives or a directory: `[].email`, `owner.id`, `.` for a text as a whole',
      64,
      text('A place', { pattern: PLACE }),
    ),
    labels: list('What is in it', 2, {
      enum: [...SOURCE_LABELS],
      description: 'A label',
    }),
    readers: list(
      'Who may be sent what is in it: addresses, domains, `organisation` for all that is inside; nobody if empty. Without it, and without labels, everybody; with labels, `organisation`',
      200,
      text('A reader', { maxLength: 254 }),
    ),
    text: {
      enum: ['json', 'yaml'],
      default: 'json',
      description: 'How its text is read for its places',
    },
  }),
};

/** Besides the domains, what counts as inside and what is known outside. */
export const ORGANISATION_FIELDS: JsonObject = {
  workspaces: list('Ids of workspaces that are inside', 100, text('An id', { maxLength: 200 })),
  directory: list(
    'Destinations outside that are known: addresses, accounts, channels, URLs. An argument that is one of them is proven',
    5_000,
    text('A destination, whole', { maxLength: 2_000 }),
  ),
  groups: {
    type: 'object',
    description: 'Addresses that stand for others: what is sent to one reaches all of these',
    maxProperties: 500,
    additionalProperties: {
      type: 'array',
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
      items: text('An address', { maxLength: 254 }),
      description: 'Who is reached',
    },
  },
};
