import { EFFECT_CLASSES } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import { NAME, TOOL_NAME } from './names.ts';
import { closed, flag, ref, table, text, when } from './schema-parts.ts';

export const MAX_TOKENS = 300;
const KINDS = ['model', 'authzen'] as const;

export const CONSULTS_SCHEMA: JsonObject = table(
  'Who outside is asked about an action before it is recorded; what they say only lowers',
  NAME,
  10,
  ref('consult'),
);

function within(description: string): JsonObject {
  const most = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  return closed(description, [], {
    calls: { ...most, description: 'Questions' },
    moneyMicros: { ...most, description: 'Millionths of the currency; needs a `price`' },
  });
}

const SPENDING: JsonObject = {
  price: closed('What it costs, in currency for a million tokens', ['in', 'out'], {
    in: { type: 'number', minimum: 0, maximum: 10_000, description: 'Of what it is told' },
    out: { type: 'number', minimum: 0, maximum: 10_000, description: 'Of what it answers' },
  }),
  budget: closed('How often it is asked, and for how much; over it, it is not asked', [], {
    run: within('In one run with all its sub-runs'),
    day: within('By everybody in one day (UTC)'),
  }),
};

/** What `#/$defs/…` of consults stands for. */
export function consultDefinitions(secret: JsonObject): JsonObject {
  const shared: JsonObject = {
    url: text('Where it answers; `https:`, or `http:` in a private network', {
      maxLength: 2_000,
      pattern: '^https?://[^\\s@?#]+$',
    }),
    secret,
    allowPrivate: flag('It stands in a private network', false),
    timeoutMs: {
      type: 'integer',
      minimum: 100,
      maximum: 60_000,
      description: 'Milliseconds it may take; 15000 for a model, 2000 for a decision point',
    },
    about: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: [...EFFECT_CLASSES] },
      default: ['write', 'destroy'],
      description: 'Classes of effect that it is asked about',
    },
    tools: {
      type: 'array',
      minItems: 1,
      maxItems: 200,
      uniqueItems: true,
      items: text('Name of a tool', { pattern: TOOL_NAME }),
      description: 'Only these tools; all of these classes if left out',
    },
  };
  return {
    consult: {
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: [...KINDS], description: 'What it is' } },
      allOf: KINDS.map((kind) =>
        when(
          { required: ['kind'], properties: { kind: { const: kind } } },
          ref(kind === 'model' ? 'modelConsult' : 'pdpConsult'),
        ),
      ),
    },
    modelConsult: closed('A model that judges', ['kind', 'api', 'url', 'model'], {
      kind: { const: 'model' },
      api: {
        enum: ['openai', 'anthropic'],
        description: 'Which API the URL speaks: `/chat/completions` or `/v1/messages` below it',
      },
      model: text('The model, by its maker’s id; never one that an agent uses', {
        maxLength: 128,
      }),
      maxTokens: {
        type: 'integer',
        minimum: 50,
        maximum: 4_000,
        default: MAX_TOKENS,
        description: 'Tokens of an answer at most',
      },
      guidance: text('What it is to look for besides', { maxLength: 4_000 }),
      ...SPENDING,
      ...shared,
    }),
    pdpConsult: closed('A decision point that speaks AuthZEN 1.0', ['kind', 'url', 'canaries'], {
      kind: { const: 'authzen' },
      canaries: {
        type: 'array',
        minItems: 2,
        maxItems: 20,
        items: ref('canary'),
        description:
          'Actions it must know to allow and to deny, at least one of each; until it does it is not believed',
      },
      ...shared,
    }),
    canary: closed('One action that it must answer so', ['agent', 'tool', 'expect'], {
      agent: text('Name of an agent', { pattern: NAME }),
      tool: text('Name of a tool', { pattern: TOOL_NAME }),
      arguments: { type: 'object', description: 'Its arguments' },
      expect: { enum: ['allow', 'deny'], description: 'How it must be answered' },
    }),
  };
}
