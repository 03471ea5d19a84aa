import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Tool } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { pointerNames } from '../domain/pointer.ts';
import { type ForeignSchema, foreignSchema } from './foreign.ts';
import { FORMATS } from './formats.ts';
import { narrowedInput } from './narrow/input.ts';
import { compilePattern } from './pattern.ts';
import { closed, schemaProblems } from './schema.ts';
import { cut, MAX_QUOTED, quoted, short } from './told.ts';

/** Says what does not fit the tool's input schema; empty when it fits. */
type InputCheck = (tool: Tool, input: JsonObject) => readonly string[];

/** `fits` stops at the first fault and is all that runs for a good call; `explain` is compiled when first needed. */
interface Compiled {
  readonly fits: ValidateFunction;
  explain?: ValidateFunction;
  readonly schema: JsonObject;
}

type ForeignCheck = Pick<ForeignSchema, 'check'>;

const MAX_KEPT = 512;
const CROWDED = 384;
const MAX_PROBLEMS = 8;

/**
 * Checks arguments by compiled schemas, one per tool digest, the least recently used forgotten. A schema that cannot be
 * compiled lets nothing through. The words never quote a value longer than 40 characters.
 */
export function createInputCheck(): InputCheck {
  const kept = new Map<string, Compiled | ForeignCheck | string>();
  return (tool, input) => {
    let compiled = kept.get(tool.digest);
    if (compiled === undefined) {
      compiled = isForeign(tool) ? read(tool) : compile(tool.inputSchema);
      const oldest = kept.keys().next().value;
      if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      kept.set(tool.digest, compiled);
    } else if (kept.size >= CROWDED) {
      // moved to the end only where one may soon have to go: a Map that is rewritten for every call is not free
      kept.delete(tool.digest);
      kept.set(tool.digest, compiled);
    }
    if (typeof compiled === 'string') return [compiled];
    if ('check' in compiled) return compiled.check(input);
    try {
      return compiled.fits(input) ? [] : explain(compiled, input);
    } catch {
      return ['the arguments are nested too deeply to be checked'];
    }
  };
}

/** Its schema was written by its server, not by an operator. */
function isForeign({ binding }: Tool): boolean {
  return binding.mcp === 'tools/call';
}

function read(tool: Tool): ForeignCheck | string {
  try {
    const narrowed = narrowedInput(tool);
    return narrowed === null ? foreignSchema(tool.inputSchema) : { check: narrowed.problems };
  } catch (error) {
    if (error instanceof SyntaxError) return `the input schema cannot be used: ${error.message}`;
    return 'the input schema cannot be read';
  }
}

function compile(inputSchema: JsonObject): Compiled | string {
  const problems = schemaProblems(inputSchema);
  if (problems.length > 0) return `the input schema cannot be used: ${problems[0]}`;
  const schema = closed(inputSchema);
  try {
    metaSchema ??= new Ajv2020({ strict: false, logger: false });
    if (metaSchema.validateSchema(schema) !== true) return 'the input schema is no JSON Schema';
    return { fits: ajv(false).compile(schema), schema };
  } catch {
    return 'the input schema cannot be compiled';
  }
}

/** Loading the meta-schemas is dear: once, and only where a schema is compiled. */
let metaSchema: Ajv2020 | undefined;

/** One Ajv per schema: nothing that one tool defines is seen by another, and forgetting it frees it. */
function ajv(allErrors: boolean): Ajv2020 {
  return new Ajv2020({
    allErrors,
    strict: false,
    ownProperties: true,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    formats: FORMATS,
    logger: false,
    code: { regExp: LINEAR },
  });
}

/** Ajv tells patterns apart by their text, so each must say its own. */
const LINEAR = Object.assign(
  (source: string) => {
    const { test } = compilePattern(source);
    return { test, toString: () => `/${source}/` };
  },
  { code: 'new RegExp' },
);

function explain(compiled: Compiled, input: JsonObject): readonly string[] {
  compiled.explain ??= ajv(true).compile(compiled.schema);
  compiled.explain(input);
  const errors = compiled.explain.errors ?? [];
  const words = new Set(errors.slice(0, 4 * MAX_PROBLEMS).map((error) => wordsFor(error, input)));
  const problems = [...words].slice(0, MAX_PROBLEMS);
  if (words.size > MAX_PROBLEMS || errors.length > 4 * MAX_PROBLEMS)
    problems.push('and more of the kind');
  return problems.length > 0 ? problems : ['the arguments do not fit the input schema'];
}

function wordsFor(error: ErrorObject, input: JsonObject): string {
  const { keyword, params } = error;
  const path = pointerNames(error.instancePath).filter((part) => part !== '');
  const name = path.length === 0 ? 'the arguments' : `\`${short(path.join('.'))}\``;
  switch (keyword) {
    case 'required':
      return `\`${short([...path, params.missingProperty].join('.'))}\` is missing`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `\`${short([...path, params.additionalProperty ?? params.unevaluatedProperty].join('.'))}\` is not an argument of this tool`;
    default:
      return `${name}: expected ${expected(error)}, got ${quoted(valueAt(input, path))}`;
  }
}

function expected({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'type':
      return [params.type].flat().join(' or ');
    case 'enum':
      return `one of ${cut(params.allowedValues.map((value: Json) => `\`${String(value)}\``).join(', '), 160)}`;
    case 'const':
      return `\`${cut(JSON.stringify(params.allowedValue), MAX_QUOTED)}\``;
    case 'pattern':
      return `text that fits \`${cut(params.pattern, 80)}\``;
    case 'format':
      return `a text of format \`${params.format}\``;
    default:
      return (message ?? 'something else').replace(/^must (?:NOT )?(?:be |have )?/, (start) =>
        start.includes('NOT') ? 'not ' : '',
      );
  }
}

function valueAt(input: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = input;
  for (const name of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as JsonObject)[name]
        : undefined;
  return value;
}
