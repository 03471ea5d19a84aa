import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { withHiddenShown } from '../boundary/text.ts';
import type { Json } from '../domain/json.ts';
import { pointerNames, pointerToken } from '../domain/pointer.ts';
import { ENVIRONMENT_VARIABLE, GRANTED_NAME, NAME, nearest, TOOL_NAME } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { namesSecret, secretShapes } from './secret-shapes.ts';
import type { Source } from './source.ts';

const MAX_QUOTED = 60;
export const SECRET_HELP =
  'store the value with `signalbox secret set NAME` and write `secret: NAME`; if it is real, replace it at its issuer';

/** Of a file with more values than this only the first fault of shape is told: collecting them all is quadratic. */
const MAX_EXPLAINED = 40_000;

const validators = new Map<boolean, ValidateFunction>();

/** Everything in which the file does not have the shape of the schema. */
export function shapeProblems(source: Source): ConfigProblem[] {
  const validate = validator(source.size() <= MAX_EXPLAINED);
  if (validate(source.value)) return [];
  // the parts of a condition and of a name repeat what is said of the whole
  return (validate.errors ?? [])
    .filter(({ keyword, propertyName }) => keyword !== 'if' && propertyName === undefined)
    .map((error) => problemOf(error, source));
}

function validator(allErrors: boolean): ValidateFunction {
  const known = validators.get(allErrors);
  if (known !== undefined) return known;
  const validate = new Ajv2020({
    allErrors,
    verbose: true,
    ownProperties: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
  }).compile(CONFIG_SCHEMA);
  validators.set(allErrors, validate);
  return validate;
}

function problemOf(error: ErrorObject, source: Source): ConfigProblem {
  const { instancePath: pointer, params } = error;
  switch (error.keyword) {
    case 'required':
      return missing(error, source);
    case 'additionalProperties':
      return unknownKey(error, source);
    case 'propertyNames': {
      const name = String(params.propertyName);
      const at = source.at(`${pointer}/${pointerToken(name)}`, 'key');
      return problem(
        'CONFIG_INVALID',
        at,
        `name ${quoted(name)} in \`${dotted(pointer)}\` cannot be used`,
        nameHelp(error),
      );
    }
    case 'uniqueItems': {
      const at = source.at(`${pointer}/${Math.max(params.i, params.j)}`);
      return problem(
        'CONFIG_INVALID',
        at,
        `\`${dotted(pointer)}\` holds ${came((error.data as Json[])[params.i])} twice`,
        'keep one of them',
      );
    }
    default: {
      const wanted = expected(error);
      const message = `\`${dotted(pointer)}\`: expected ${wanted}, got ${came(error.data, lastOf(pointer))}`;
      return problem('CONFIG_INVALID', source.at(pointer), message, helpFor(error));
    }
  }
}

function missing({ instancePath, params }: ErrorObject, source: Source): ConfigProblem {
  const at = source.at(instancePath, 'key');
  const name = String(params.missingProperty);
  if (name === 'sql' && /^\/tools\/[^/]+$/.test(instancePath))
    return problem(
      'CONFIG_INVALID',
      at,
      `\`${dotted(instancePath)}\`: expected \`sql\` or \`http\`, got neither`,
      'say what the tool does: one SQL statement or one HTTP request',
    );
  const where = instancePath === '' ? 'the file' : `\`${dotted(instancePath)}\``;
  return problem(
    'CONFIG_INVALID',
    at,
    `${where}: expected \`${name}\`, got nothing`,
    `add \`${name}:\``,
  );
}

function unknownKey(
  { instancePath, params, parentSchema }: ErrorObject,
  source: Source,
): ConfigProblem {
  const key = String(params.additionalProperty);
  const at = source.at(`${instancePath}/${pointerToken(key)}`, 'key');
  const where = instancePath === '' ? 'the file' : `\`${dotted(instancePath)}\``;
  const known = Object.keys((parentSchema?.properties ?? {}) as object);
  if (namesSecret(key) && !known.includes(key))
    return problem(
      'CONFIG_INVALID',
      at,
      `${where}: \`${shown(key)}\` would hold a secret, and this file holds none`,
      SECRET_HELP,
    );
  const other = WHAT.find((one) => one !== key && known.includes(one));
  if (WHAT.includes(key) && other !== undefined)
    return problem(
      'CONFIG_INVALID',
      at,
      `${where}: expected one of ${WHAT.map((one) => `\`${one}\``).join(', ')}, got \`${key}\` and \`${other}\``,
      'make two tools of it',
    );
  const meant = nearest(key, known);
  const help = meant === null ? `allowed here: ${known.join(', ')}` : `did you mean \`${meant}\`?`;
  return problem('CONFIG_INVALID', at, `${where}: key \`${shown(key)}\` is not known here`, help);
}

/** What a tool does: exactly one of these. */
const WHAT = ['sql', 'query', 'http', 'command'];

function nameHelp({ parentSchema }: ErrorObject): string {
  const names = (parentSchema?.propertyNames as { pattern?: string } | undefined)?.pattern;
  if (names === NAME)
    return 'use a lower-case letter, then up to 62 lower-case letters, digits, `_` and `-`';
  if (names === TOOL_NAME) return 'use a letter, then up to 127 letters, digits, `_`, `.` and `-`';
  if (names === ENVIRONMENT_VARIABLE)
    return 'use a letter or `_`, then up to 127 letters, digits and `_`';
  return `use a name that fits \`${names ?? ''}\``;
}

function expected({ keyword, params, schema, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'type':
      return [params.type].flat().map(typeName).join(' or ');
    case 'enum':
      return `one of ${params.allowedValues.map((value: Json) => `\`${String(value)}\``).join(', ')}`;
    case 'const':
      return `\`${String(params.allowedValue)}\``;
    case 'minimum':
      return `at least ${params.limit}`;
    case 'maximum':
      return `at most ${params.limit}`;
    case 'minLength':
      return params.limit === 1 ? 'some text' : `at least ${params.limit} characters`;
    case 'maxLength':
      return `at most ${params.limit} characters`;
    case 'minItems':
      return params.limit === 1 ? 'at least one element' : `at least ${params.limit} elements`;
    case 'maxItems':
      return `at most ${params.limit} elements`;
    case 'maxProperties':
      return `at most ${params.limit} entries`;
    case 'pattern':
      return wordsForPattern(String(schema), String(parentSchema?.description ?? 'text'));
    default:
      return 'something else';
  }
}

function wordsForPattern(pattern: string, description: string): string {
  if (pattern === NAME || pattern === TOOL_NAME) return 'a name';
  if (pattern === GRANTED_NAME) return 'the name of a tool';
  const first = description.split(/[.;:,]/, 1)[0] ?? '';
  return `${first.slice(0, 1).toLowerCase()}${first.slice(1)} that fits \`${pattern}\``;
}

function helpFor({ keyword, params, data, schema }: ErrorObject): string | undefined {
  if (keyword === 'enum' && data === 'exercised')
    return 'that an undo works is never declared: Signalbox exercises it and compares';
  if (keyword === 'enum') {
    const meant = typeof data === 'string' ? nearest(data, params.allowedValues.map(String)) : null;
    return meant === null ? undefined : `did you mean \`${meant}\`?`;
  }
  if (keyword === 'type' && data === null) return 'give it a value, or leave the key out';
  if (keyword === 'type' && params.type === 'string' && typeof data !== 'object')
    return 'put it in quotes if it is meant as text';
  if (keyword === 'pattern' && schema === GRANTED_NAME)
    return 'a name, the beginning of names with `*` at its end, or `NAME/resources` and `NAME/prompts` of an MCP server';
  if (keyword === 'pattern' && schema === NAME)
    return 'use a lower-case letter, then up to 62 lower-case letters, digits, `_` and `-`';
  return undefined;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: '`true` or `false`',
};

function typeName(type: string): string {
  return TYPE_NAMES[type] ?? type;
}

/** What came, as far as it may be repeated: no secrets, nothing hidden, nothing long. */
export function came(value: unknown, key = ''): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string' && (namesSecret(key) || secretShapes(value).length > 0))
    return 'something that may be a secret';
  return quoted(String(value));
}

function quoted(value: string): string {
  if (secretShapes(value).length > 0) return 'something that may be a secret';
  return value === '' ? 'empty text' : `\`${shown(value)}\``;
}

function shown(value: string): string {
  const line = withHiddenShown(value.replaceAll(/\s+/g, ' ').replaceAll('`', "'"));
  return line.length <= MAX_QUOTED ? line : `${line.slice(0, MAX_QUOTED - 1)}…`;
}

/** `/connections/acme-db/port` as `connections.acme-db.port`. */
export function dotted(pointer: string): string {
  if (pointer === '') return 'the file';
  return shown(pointerNames(pointer).join('.'));
}

function lastOf(pointer: string): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1);
}
