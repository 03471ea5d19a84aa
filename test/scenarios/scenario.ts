import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse, stringify } from 'yaml';
import type { EffectVector } from '../../src/domain/effect.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { ScriptedServer } from './servers.ts';

/** One scenario file. What is not listed is denied; a key that is not known is an error. */
export interface Scenario {
  readonly description: string;
  readonly now: string;
  readonly config?: string;
  /** The configuration itself, where it is this scenario's own. */
  readonly configuration?: JsonObject;
  /** MCP servers, by name: `${servers.NAME}` in the configuration is where one answers. */
  readonly servers?: { readonly [name: string]: ScriptedServer };
  readonly runs: {
    readonly [agent: string]: {
      readonly intent: string;
      readonly budget?: Partial<EffectVector>;
      /** An agent named before: its run is the parent. */
      readonly under?: string;
      readonly tools?: readonly string[];
    };
  };
  readonly steps: readonly Step[];
  /** The golden run: what the ledger says, with ids and hashes left out. */
  readonly ledger?: string;
}

export type Step =
  | Proposes
  | Repeats
  | Answers
  | Halts
  | Resumes
  | Undoes
  | Elsewhere
  | Waits
  | Becomes
  | Reads
  | Plans
  | Target;

export interface Expected {
  readonly outcome: string;
  /** Codes of the verdicts that held the decision down, in order. */
  readonly because?: readonly string[];
  /** Members the structured result must have. */
  readonly result?: JsonObject;
  /** Texts that the result must have, and must not have. */
  readonly shows?: readonly string[];
  readonly hides?: readonly string[];
  /** What the human is shown: the effect measured before commit. */
  readonly measured?: Partial<EffectVector>;
}
export interface Proposes {
  readonly agent: string;
  readonly proposes: { readonly tool: string; readonly arguments: JsonObject };
  readonly as?: string;
  readonly expect: Expected;
}
export interface Repeats {
  readonly agent: string;
  readonly repeats: string;
  readonly expect: Expected;
}
export interface Answers {
  readonly operator: string;
  readonly approves?: string;
  readonly refuses?: string;
  readonly because?: string;
}
export interface Halts {
  readonly operator: string;
  readonly halts: string;
  readonly because: string;
}
export interface Resumes {
  readonly operator: string;
  readonly resumes: string;
  readonly because: string;
}
/** Takes back what a named proposal did last; with `approves` every ask of it is answered on the way. */
export interface Undoes {
  readonly operator: string;
  readonly undoes: string;
  /** The agent under whose grants. */
  readonly under: string;
  readonly approves?: boolean;
  readonly expect: { readonly outcome: string; readonly shows?: readonly string[] };
}
/** SQL that somebody else runs at the target. */
export interface Elsewhere {
  readonly elsewhere: string;
}
/** Moves the clock: `61 minutes`. */
export interface Waits {
  readonly waits: string;
}
/** A server lists or says something else from now on. */
export interface Becomes {
  readonly server: string;
  readonly becomes: Partial<ScriptedServer>;
}
/** What the agent reads about a tool before it calls any. */
export interface Reads {
  readonly agent: string;
  readonly reads: string;
  readonly shows?: readonly string[];
  readonly hides?: readonly string[];
}
/** Somebody edits the file: what is told of it when it is planned. Nothing is applied. */
export interface Plans {
  readonly plans: JsonObject;
  readonly refused: string;
}
/** Counted at the target: rows by table, `removals` at the volume service, or a query with the one value it must give. */
export interface Target {
  readonly target: { readonly [what: string]: string | number };
}

const text = { type: 'string', minLength: 1 } as const;
const closed = (properties: JsonObject, required: readonly string[]): JsonObject => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const expected = closed(
  {
    outcome: { enum: ['done', 'refused', 'parked', 'drafted', 'failed', 'unknown'] },
    because: { type: 'array', items: text },
    result: { type: 'object' },
    shows: { type: 'array', items: text },
    hides: { type: 'array', items: text },
    measured: { type: 'object', additionalProperties: { type: 'integer' } },
  },
  ['outcome'],
);

const server = {
  tools: { type: 'array', items: { type: 'object' } },
  answers: {
    type: 'array',
    items: closed({ tool: text, with: { type: 'object' }, says: { type: 'string' } }, [
      'tool',
      'says',
    ]),
  },
  instructions: text,
};

export const SCENARIO_SCHEMA: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Signalbox scenario',
  ...closed(
    {
      description: text,
      now: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' },
      config: text,
      configuration: { type: 'object' },
      servers: { type: 'object', additionalProperties: closed(server, ['tools']) },
      runs: {
        type: 'object',
        additionalProperties: closed(
          {
            intent: text,
            budget: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } },
            under: text,
            tools: { type: 'array', items: text },
          },
          ['intent'],
        ),
      },
      ledger: { type: 'string' },
      steps: {
        type: 'array',
        minItems: 1,
        items: {
          oneOf: [
            closed(
              {
                agent: text,
                proposes: closed({ tool: text, arguments: { type: 'object' } }, [
                  'tool',
                  'arguments',
                ]),
                as: text,
                expect: expected,
              },
              ['agent', 'proposes', 'expect'],
            ),
            closed({ agent: text, repeats: text, expect: expected }, [
              'agent',
              'repeats',
              'expect',
            ]),
            closed({ operator: text, approves: text, because: text }, ['operator', 'approves']),
            closed({ operator: text, refuses: text, because: text }, ['operator', 'refuses']),
            closed({ operator: text, halts: text, because: text }, [
              'operator',
              'halts',
              'because',
            ]),
            closed({ operator: text, resumes: text, because: text }, [
              'operator',
              'resumes',
              'because',
            ]),
            closed(
              {
                operator: text,
                undoes: text,
                under: text,
                approves: { type: 'boolean' },
                expect: closed({ outcome: text, shows: { type: 'array', items: text } }, [
                  'outcome',
                ]),
              },
              ['operator', 'undoes', 'under', 'expect'],
            ),
            closed({ elsewhere: text }, ['elsewhere']),
            closed({ server: text, becomes: closed(server, []) }, ['server', 'becomes']),
            closed(
              {
                agent: text,
                reads: text,
                shows: { type: 'array', items: text },
                hides: { type: 'array', items: text },
              },
              ['agent', 'reads'],
            ),
            closed({ plans: { type: 'object' }, refused: text }, ['plans', 'refused']),
            closed({ waits: { type: 'string', pattern: '^\\d+ (seconds|minutes|hours)$' } }, [
              'waits',
            ]),
            closed(
              { target: { type: 'object', additionalProperties: { type: ['string', 'integer'] } } },
              ['target'],
            ),
          ],
        },
      },
    },
    ['description', 'now', 'runs', 'steps'],
  ),
};

const fits = new Ajv2020({
  allErrors: false,
  strictRequired: false,
  allowUnionTypes: true,
}).compile(SCENARIO_SCHEMA);

export function readScenario(source: string, path: string): Scenario {
  const scenario: unknown = parse(source);
  if (!fits(scenario)) {
    const [error] = fits.errors ?? [];
    throw new Error(`${path}: ${error?.instancePath || 'the file'} ${error?.message}`);
  }
  return scenario as unknown as Scenario;
}

export async function scenarioFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return names.map((name) => join(folder, name));
}

/** Puts the golden ledger at the end of the file; everything before it stays byte for byte. */
export async function writeGolden(path: string, ledger: string): Promise<void> {
  const source = await readFile(path, 'utf8');
  const [head] = source.split(/^ledger: /m);
  await writeFile(path, `${head}${stringify({ ledger }, { lineWidth: 0, blockQuote: 'literal' })}`);
}
