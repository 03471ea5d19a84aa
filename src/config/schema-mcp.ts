import { EFFECT_CLASSES } from '../domain/effect.ts';
import type { JsonObject } from '../domain/json.ts';
import { ARGUMENT_PLACE, ENVIRONMENT_VARIABLE, TOOL_PREFIX } from './names.ts';
import { BINDINGS, NARROWING, NARROWING_DEFINITIONS } from './schema-narrow.ts';
import { closed, flag, ref, table, text, when } from './schema-parts.ts';
import { CALL_BOUNDS } from './schema-tool.ts';

/** Which of its tools, resources and prompts agents may be granted. */
const SERVING: JsonObject = {
  serve: closed('What of it agents may be granted. What is not named is not served', [], {
    tools: table(
      'Its tools by the name it gives them, with the class that you accept; `*` stands for every other one',
      '^.{1,128}$',
      1_000,
      ref('served'),
    ),
    resources: flag('Serve its resources, as `NAME/resources`', false),
    prompts: flag('Serve its prompts, as `NAME/prompts`', false),
  }),
  served: when({ type: 'object' }, ref('servedTool'), {
    enum: [...EFFECT_CLASSES, false],
    description: 'The class you accept; `false`: not served, whatever `*` says',
  }),
  servedTool: closed('One tool of it', ['effect'], {
    effect: {
      enum: [...EFFECT_CLASSES],
      description: 'What it does at worst, on your word: nothing here can be derived',
    },
    reversibility: {
      enum: ['declared', 'none'],
      default: 'none',
      description: '`declared`: an undo exists on paper',
    },
    idempotent: {
      ...when(
        { type: 'object' },
        closed('Its server knows a repeat by a key', ['key'], {
          key: text('Argument that carries the key; agents do not see it', {
            maxLength: 256,
            pattern: ARGUMENT_PLACE,
          }),
        }),
        { type: 'boolean' },
      ),
      description:
        'A repeat of the same call has no second effect, by itself or by a key; without it only a read',
    },
    ...NARROWING,
    ...BINDINGS,
    ...CALL_BOUNDS,
  }),
  ...NARROWING_DEFINITIONS,
};

/** What a connection of kind `mcp` shares with one of kind `http`. */
interface SharedFields {
  readonly environment: JsonObject;
  readonly secret: JsonObject;
  /** `url`, `allowPrivate`, `secret`, `header`, `prefix`. */
  readonly overHttp: JsonObject;
}

/** What `#/$defs/…` of MCP servers stands for. */
export function mcpDefinitions({ environment, secret, overHttp }: SharedFields): JsonObject {
  return {
    mcp: closed('An MCP server: a command that is started, or a URL', ['kind'], {
      kind: { const: 'mcp' },
      environment,
      command: {
        type: 'array',
        minItems: 1,
        maxItems: 64,
        items: text(
          'A word of the command; no shell reads it. `${secret:VARIABLE}` in it stands for one of `secrets`',
          { maxLength: 4_000 },
        ),
        description:
          'Program and its arguments, started without a shell and with an empty environment',
      },
      env: table('Environment variables that hold no secret', ENVIRONMENT_VARIABLE, 64, {
        type: 'string',
        maxLength: 4_000,
      }),
      secrets: table('Environment variables that carry secrets', ENVIRONMENT_VARIABLE, 64, secret),
      cwd: text('Directory that the command is started in', { pattern: '^/' }),
      ...overHttp,
      headers: table(
        'More headers, that hold no secret, sent with every request to the URL',
        '^[A-Za-z][A-Za-z0-9-]{0,63}$',
        32,
        {
          type: 'string',
          maxLength: 1_000,
          pattern: '^[\\x21-\\x7e](?:[\\x20-\\x7e]*[\\x21-\\x7e])?$',
        },
      ),
      oauth: closed('Tokens come from the authorization server that the URL names', [], {
        scopes: {
          type: 'array',
          maxItems: 64,
          uniqueItems: true,
          items: text('One scope', {
            maxLength: 200,
            pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$',
          }),
          description: 'Scopes to ask for; without it those that the server names',
        },
        clientId: text('Client id registered there; without it one is registered', {
          maxLength: 500,
          pattern: '^[\\x21-\\x7e]+$',
        }),
        clientSecret: secret,
        clientMetadataUrl: text('URL of a client metadata document, used as client id', {
          pattern: '^https://[\\x21-\\x7e]+$',
        }),
      }),
      protocol: {
        enum: ['auto', 'modern', 'legacy'],
        default: 'auto',
        description:
          'Revision spoken there: `modern` is 2026-07-28, `legacy` everything before it; `auto` asks',
      },
      toolPrefix: {
        type: 'string',
        maxLength: 64,
        pattern: TOOL_PREFIX,
        description:
          'What stands before its tools and prompts; the name of the connection with `_` after it, or nothing if empty',
      },
      serve: ref('serve'),
    }),
    ...SERVING,
  };
}
