import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { namesOfPath, parsePath } from '../tools/path.ts';
import { patternProblem } from '../tools/schema.ts';
import {
  namesInsideText,
  namesOf,
  namesOfJson,
  parseJsonTemplate,
  parseTemplate,
  soleName,
} from '../tools/template.ts';
import { members, pointer } from './meaning.ts';
import { commandProblems, partsProblems } from './meaning-command.ts';
import { fixedSecretProblems, headerProblems } from './meaning-connection.ts';
import { isReserved } from './names.ts';
import { argumentFor, readTemplate, type Say } from './placeholders.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { dotted } from './shape.ts';
import type { Source } from './source.ts';

const MAX_ARGUMENT_DEPTH = 5;

export function toolProblems(source: Source, root: JsonObject): ConfigProblem[] {
  return Object.entries(members(root.tools)).flatMap(([name, value]) => {
    const tool = members(value);
    const problems: ConfigProblem[] = [];
    const say: Say = (place, message, help) => {
      problems.push(problem('CONFIG_INVALID', source.at(place), message, help));
    };
    const place = pointer('tools', name);
    for (const [argument, definition] of Object.entries(members(tool.input)))
      argumentProblems(members(definition), `${place}/input${pointer(argument)}`, 1, argument, say);
    kindProblems(tool, members(members(root.connections)[String(tool.connection)]), place, say);
    if (tool.recoveryPath === true && (tool.effect === 'read' || tool.effect === 'write'))
      problems.push(
        problem(
          'TOOL_UNDERSTATED',
          source.at(`${place}/effect`),
          `\`${name}\` removes a way to recover, which is \`destroy\`, and is declared \`${tool.effect}\``,
          'leave `effect` out or write `destroy`',
        ),
      );
    if (isJsonObject(tool.http)) {
      const connection = members(members(root.connections)[String(tool.connection)]);
      requestProblems(tool.http, members(tool.input), `${place}/http`, say);
      problems.push(
        ...headerProblems(source, name, tool.http, connection),
        ...fixedSecretProblems(source, name, tool.http),
      );
    }
    if (isJsonObject(tool.command))
      commandProblems(tool.command, members(tool.input), `${place}/command`, say);
    return problems;
  });
}

function kindProblems(tool: JsonObject, connection: JsonObject, place: string, say: Say): void {
  for (const [key, ...kinds] of [
    ['sql', 'postgres', 'sqlite'],
    ['query', 'postgres'],
    ['http', 'http'],
    ['command', 'command'],
  ] as const) {
    const other = connection.kind;
    if (tool[key] === undefined || kinds.some((kind) => kind === other)) continue;
    if (typeof other !== 'string' || !KINDS.has(other)) continue;
    say(
      `${place}/${key}`,
      `\`${dotted(place)}\` has \`${key}\`, and its connection is \`${other}\``,
      other === 'mcp'
        ? 'name the tools of an MCP server under `serve.tools` of its connection'
        : `use \`${other === 'postgres' ? 'sql' : other}:\` here, or another connection`,
    );
  }
}

const KINDS = new Set(['postgres', 'sqlite', 'http', 'mcp', 'command']);

const BELONGS: Readonly<Record<string, readonly string[]>> = {
  minimum: ['integer', 'number'],
  maximum: ['integer', 'number'],
  minLength: ['string'],
  maxLength: ['string'],
  pattern: ['string'],
  format: ['string'],
  enum: ['string', 'integer', 'number', 'boolean'],
  items: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  properties: ['object'],
};

function argumentProblems(
  definition: JsonObject,
  place: string,
  depth: number,
  name: string,
  say: Say,
): void {
  const { type } = definition;
  if (depth > MAX_ARGUMENT_DEPTH) {
    say(place, `expected arguments nested at most ${MAX_ARGUMENT_DEPTH} deep, got more`);
    return;
  }
  if (isReserved(name))
    say(place, `\`${name}\` is reserved by the language`, 'choose another name');
  for (const [keyword, types] of Object.entries(BELONGS))
    if (definition[keyword] !== undefined && typeof type === 'string' && !types.includes(type))
      say(
        `${place}/${keyword}`,
        `\`${keyword}\` means nothing for a ${type}`,
        `it is for: ${types.join(', ')}`,
      );
  for (const [least, most] of [
    ['minimum', 'maximum'],
    ['minLength', 'maxLength'],
    ['minItems', 'maxItems'],
  ] as const) {
    const [low, high] = [definition[least], definition[most]];
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      say(`${place}/${least}`, `\`${least}\` is more than \`${most}\`: nothing fits`);
  }
  if (typeof definition.pattern === 'string') {
    const why = patternProblem(definition.pattern);
    if (why !== null)
      say(
        `${place}/pattern`,
        `the pattern cannot be used: ${why}`,
        'use classes, groups, `|` and counts',
      );
  }
  if (type === 'array' && definition.items === undefined)
    say(place, 'expected `items` for a list, got nothing', 'say what its elements are');
  if (type === 'object' && definition.properties === undefined)
    say(
      place,
      'expected `properties` for an object, got nothing',
      'name its members: every other one is refused',
    );
  enumProblems(definition, place, say);
  if (isJsonObject(definition.items))
    argumentProblems(definition.items, `${place}/items`, depth + 1, 'items', say);
  for (const [member, inner] of Object.entries(members(definition.properties)))
    argumentProblems(
      members(inner),
      `${place}/properties${pointer(member)}`,
      depth + 1,
      member,
      say,
    );
}

function enumProblems({ type, enum: values }: JsonObject, place: string, say: Say): void {
  if (!Array.isArray(values)) return;
  values.forEach((value: Json, i) => {
    const fits = type === 'integer' ? Number.isInteger(value) : typeof value === type;
    if (!fits && ['string', 'integer', 'number', 'boolean'].includes(String(type)))
      say(
        `${place}/enum/${i}`,
        `\`${String(value).slice(0, 40)}\` in \`enum\` is no ${type}`,
        'put texts in quotes',
      );
  });
}

/** Every placeholder is an argument, every argument has its place, and each place can take what comes. */
function requestProblems(http: JsonObject, input: JsonObject, place: string, say: Say): void {
  const used = new Set<string>();
  const use = (names: readonly string[], at: string, where: Where) => {
    for (const name of names) {
      used.add(name);
      const definition = argumentFor(name, input, at, say);
      if (definition === null) continue;
      if (where === 'path' && definition.optional === true)
        say(
          at,
          `\`{${name}}\` stands in the path and is optional`,
          'make it required, or move it to `query`',
        );
      else if (isCompound(definition, where))
        say(
          at,
          `\`{${name}}\` is ${definition.type === 'array' ? 'a list' : 'an object'} and cannot stand in the ${where === 'text' ? 'middle of a text' : where}`,
          'put it into `body`',
        );
    }
  };
  const read = <T>(at: string, parse: () => T): T | null => readTemplate(at, parse, say);
  if (typeof http.path === 'string') {
    const { path } = http;
    const parsed = read(`${place}/path`, () => parsePath(path));
    if (parsed !== null) use(namesOfPath(parsed), `${place}/path`, 'path');
  }
  for (const [key, value] of Object.entries(members(http.query))) {
    const at = `${place}/query${pointer(key)}`;
    const parsed = read(at, () => parseTemplate(String(value)));
    if (parsed !== null) use(namesOf(parsed), at, soleName(parsed) === null ? 'text' : 'query');
  }
  partsProblems(http, place, say);
  if (http.body !== undefined) {
    if (http.method === 'GET' || http.method === 'HEAD')
      say(`${place}/body`, `a ${http.method} has no body`, 'use `query`, or another method');
    const { body } = http;
    const parsed = read(`${place}/body`, () => parseJsonTemplate(body));
    if (parsed !== null) {
      use(namesOfJson(parsed), `${place}/body`, 'body');
      use(namesInsideText(parsed), `${place}/body`, 'text');
    }
  }
  if ((http.method === 'GET' || http.method === 'HEAD') && http.idempotency !== undefined)
    say(
      `${place}/idempotency`,
      `a ${http.method} needs no key: a repeat of it changes nothing`,
      'remove it',
    );
  if (
    Number(http.retries ?? 0) > 0 &&
    (http.idempotency === undefined || (http.method !== 'PUT' && http.method !== 'DELETE'))
  )
    say(
      `${place}/retries`,
      'only a PUT or DELETE whose target keeps a key is sent again',
      'add `idempotency`, or remove `retries`',
    );
  const toolPlace = place.slice(0, -'/http'.length);
  for (const name of Object.keys(input))
    if (!used.has(name))
      say(
        `${toolPlace}/input${pointer(name)}`,
        `argument \`${name}\` is used nowhere in the request`,
        `put \`{${name}}\` into it, or remove the argument`,
      );
}

/** `text`: inside a longer text, of the query or the body. */
type Where = 'path' | 'query' | 'body' | 'text';

/** In a query a list of single values becomes one pair for each. */
function isCompound(definition: JsonObject, where: Where): boolean {
  if (where === 'body') return false;
  if (definition.type === 'object') return true;
  if (definition.type !== 'array') return false;
  const inner = members(definition.items).type;
  return where !== 'query' || inner === 'array' || inner === 'object';
}
