import type { Connection, Tool } from '../../domain/bundle.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type GraphqlDocument, readGraphql } from '../../tools/graphql.ts';
import { compilePattern } from '../../tools/pattern.ts';
import { headHolder, namedRecovery } from '../../tools/recovery-names.ts';
import {
  firstOf,
  firstVerb,
  RECOVERY_RULES,
  RECOVERY_THINGS,
  singleWords,
  wordsOf,
} from '../../tools/recovery-words.ts';
import { namesOf, parseTemplate, soleName } from '../../tools/template.ts';
import { type RequestTemplate, targetUrl } from './request.ts';

export interface Finding {
  readonly effect: EffectClass;
  readonly recoveryPath?: boolean;
  readonly because: string;
}

/** The method that the target may obey instead: some take it from a header or the query. */
const OVERRIDES =
  /^(?:x-http-method-override|x-http-method|x-method-override|_method|_httpmethod)$/i;

/** The worst method this request can be taken for; `*` where the agent names it. */
export function methodOf({ binding }: Tool, request: RequestTemplate): string {
  const given = [binding.headers, binding.query, binding.body].flatMap((holder) =>
    isJsonObject(holder) ? Object.entries(holder) : [],
  );
  for (const [name, value] of given) {
    if (!OVERRIDES.test(name)) continue;
    if (namesOf(parseTemplate(String(value))).length > 0) return '*';
    const method = String(value).trim().toUpperCase();
    if (method !== 'GET' && method !== 'HEAD') return method;
  }
  return request.method;
}

/** A backup, a snapshot, a rule that keeps them: found in the path, in fixed values, or in what an argument may be. */
export function recoveryThing(draft: Tool, request: RequestTemplate): Finding | null {
  const method = methodOf(draft, request);
  const reads = method === 'GET' || method === 'HEAD';
  const words = [...fixedTexts(draft), draft.name].flatMap(wordsOf);
  const verb = firstVerb(words, 'removing');
  const last = wordsOf(lastSegment(draft));
  const inPath = firstVerb(last, 'removing') !== undefined;
  const removes = method === 'DELETE' || method === '*' || (verb !== undefined && !reads) || inPath;
  const found =
    (removes
      ? (firstOf(words, 'kept') ?? firstOf(words, 'record') ?? firstOf(words, 'setting'))
      : undefined) ??
    (reads && !inPath ? undefined : firstOf(words, 'act')) ??
    (method === 'DELETE' ? headHolder(singleWords(collection(draft))) : undefined) ??
    (reads ? undefined : changed(draft, method, words));
  if (found == null) return null;
  return {
    effect: 'destroy',
    recoveryPath: true,
    because: `\`${found}\` names a way to recover, and this removes or weakens it`,
  };
}

/** Rules that keep ways to recover, and what tells afterwards: to change one is to remove it. */
function changed(draft: Tool, method: string, words: readonly string[]): string | undefined {
  const replaces = method === 'PUT' || method === 'PATCH' || method === 'DELETE';
  if (replaces)
    return firstOf(words, 'record') ?? firstOf(words, 'setting') ?? firstOf(words, 'rule');
  const named = [draft.name, lastSegment(draft), ...actionsOf(draft)];
  for (const name of named) {
    const removed = namedRecovery(name, words);
    if (removed !== null) return removed;
  }
  return firstOf(words, 'rule');
}

/** `Action=ModifyDBInstance`, `x-amz-target`, `{method: "deleteBackup"}`. */
function actionsOf({ binding }: Tool): string[] {
  return [binding.headers, binding.query, binding.body]
    .flatMap((holder) => (isJsonObject(holder) ? Object.entries(holder) : []))
    .flatMap(([name, value]) =>
      ACTION.test(name) && typeof value === 'string' ? [value.split('.').at(-1) ?? ''] : [],
    );
}

const ACTION =
  /^(?:action|method|op|operation|operationname|command|cmd|verb|function|procedure|rpc|x-amz-target|soapaction|mutation|event|task|job|intent)$/i;
/** What stands under these is run. */
const CODE =
  /^(?:sql|statement|statements|script|mutation|shell|command|cmd|commands|graphql|gql|jql_update|code_to_run|program)$/i;

/** `DELETE /{kind}/{id}` removes whatever the agent names: backups too, unless the argument leaves them out. */
export function chosenCollection(
  draft: Tool,
  request: RequestTemplate,
  connection: Connection,
): Finding | null {
  if (methodOf(draft, request) !== 'DELETE') return null;
  const base = targetUrl(connection)
    .pathname.split('/')
    .filter((segment) => segment !== '');
  const segments = [
    ...base.map((segment) => [segment]),
    ...request.path.filter((segment) => segment.length > 0),
  ];
  const [resource, above] = segments.toReversed();
  if (resource === undefined || namesOf(resource).length === 0) return null;
  const chosen = above === undefined ? namesOf(resource) : namesOf(above);
  const [name] = chosen.filter((each) => mayNameRecovery(draft, each));
  if (name === undefined) return null;
  return chosenFinding(name, 'what kind of thing is removed');
}

/** `{action: "{action}"}`, `{sql: "{sql}"}`, `/volumes/{id}/{action}`: the agent says what is done. */
export function chosenAction(draft: Tool, request: RequestTemplate): Finding | null {
  const { binding } = draft;
  const method = methodOf(draft, request);
  if (method === '*') return chosenFinding('_method', 'the method');
  const reads = method === 'GET' || method === 'HEAD';
  const given = [binding.query, ...(reads ? [] : [binding.body])].flatMap((holder) =>
    pairs(holder),
  );
  for (const [key, value] of given) {
    const name = soleName(value);
    if (name === null || !mayNameRecovery(draft, name)) continue;
    if (CODE.test(key) || (ACTION.test(key) && !reads)) return chosenFinding(name, 'what is done');
  }
  const end = request.path.findLast((segment) => segment.length > 0);
  for (const name of end === undefined ? [] : namesOf(end))
    if (ACTION.test(name) && mayNameRecovery(draft, name))
      return chosenFinding(name, 'what is done');
  return null;
}

function chosenFinding(name: string, what: string): Finding {
  const because = `the agent chooses with \`{${name}}\` ${what}; an \`enum\` or \`pattern\` can leave ways to recover out`;
  return { effect: 'destroy', recoveryPath: true, because };
}

function pairs(value: Json | undefined): [string, ReturnType<typeof parseTemplate>][] {
  if (Array.isArray(value)) return value.flatMap((inner: Json) => pairs(inner));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? [[key, parseTemplate(inner)]] : pairs(inner),
  );
}

function mayNameRecovery({ inputSchema }: Tool, name: string): boolean {
  const properties = isJsonObject(inputSchema.properties) ? inputSchema.properties : {};
  const definition = isJsonObject(properties[name]) ? properties[name] : {};
  const { type, format, pattern } = definition;
  // choices are looked through with the fixed texts
  if (Array.isArray(definition.enum) || type === 'integer' || type === 'number') return false;
  if (type === 'boolean') return false;
  if (format === 'uuid' || format === 'date' || format === 'email') return false;
  if (typeof pattern !== 'string') return true;
  const fits = compilePattern(pattern);
  return [...RECOVERY_THINGS, ...RECOVERY_RULES].some(
    (word) => fits.test(word) || fits.test(`${word}s`),
  );
}

/** One path for everything: the document decides. One that the agent writes can do anything. */
export function graphql(draft: Tool, connection: Connection): Finding | null {
  const { binding } = draft;
  const declared = /graphql|\bgql\b/i.test(`${targetUrl(connection).pathname}${binding.path}`);
  const bodies = Array.isArray(binding.body) ? binding.body : [binding.body];
  const texts = [...bodies, binding.query].flatMap((holder) =>
    isJsonObject(holder) && holder.query !== undefined ? [holder.query] : [],
  );
  if (texts.length === 0)
    return declared
      ? { effect: 'destroy', recoveryPath: true, because: 'no GraphQL query is fixed here' }
      : null;
  for (const text of texts) {
    const template = typeof text === 'string' ? parseTemplate(text) : null;
    if (template === null || namesOf(template).length > 0) {
      if (!declared && soleName(template ?? []) !== null) continue;
      if (!declared) continue;
      return {
        effect: 'destroy',
        recoveryPath: true,
        because: 'the agent writes the GraphQL query',
      };
    }
    const found = documentFinding(readGraphql(template.join('')), declared);
    if (found !== null) return found;
  }
  return null;
}

function documentFinding(document: GraphqlDocument | null, declared: boolean): Finding | null {
  if (document === null)
    return declared
      ? { effect: 'destroy', recoveryPath: true, because: 'its GraphQL query cannot be read' }
      : null;
  for (const { name, about } of document.mutations) {
    const recovery = namedRecovery(name, wordsOf(about));
    if (recovery !== null)
      return {
        effect: 'destroy',
        recoveryPath: true,
        because: `its GraphQL mutation \`${name}\` takes away \`${recovery}\``,
      };
  }
  const verbs = document.mutations.map(({ name }) => firstVerb(wordsOf(name), 'removing'));
  const verb = verbs.find((one) => one !== undefined);
  if (verb !== undefined)
    return { effect: 'destroy', because: `its GraphQL mutation says \`${verb}\`` };
  return document.reads ? null : { effect: 'write', because: 'it is a GraphQL mutation' };
}

/** The last part of a path that the agent does not choose. */
export function lastSegment({ binding }: Tool): string {
  return fixedSegments(binding).at(-1) ?? '';
}

/** What is removed by its number or name: the fixed parts right before the last argument. */
function collection({ binding }: Tool): string {
  const segments = String(binding.path)
    .split('/')
    .filter((segment) => segment !== '');
  const last = segments.findLastIndex((segment) => !/^\{\w+\}$/.test(segment));
  // what ends in a fixed part is removed itself: `DELETE /volumes/{id}/labels`
  const from = segments.slice(0, last).findLastIndex((segment) => /^\{\w+\}$/.test(segment));
  return segments.slice(from + 1, last + 1).join(' ');
}

function fixedSegments(binding: JsonObject): string[] {
  return String(binding.path)
    .split('/')
    .filter((segment) => !/^\{\w+\}$/.test(segment) && segment !== '');
}

/** Everything in the request that is not the agent's to choose, every choice from a list, every member of an object. */
export function fixedTexts({ binding, inputSchema }: Tool): string[] {
  return [
    String(binding.path),
    ...textsIn(binding.query ?? {}),
    ...textsIn(binding.body ?? null),
    ...textsIn(binding.headers ?? {}),
    ...choicesIn(inputSchema, 0),
  ];
}

function choicesIn(schema: Json | undefined, depth: number): string[] {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return [];
  const { enum: values, properties, items } = schema;
  return [
    ...(Array.isArray(values) ? values.map(String) : []),
    ...choicesIn(items, depth + 1),
    ...Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, inner]) => [
      // arguments of the tool itself are named by what they fill
      ...(depth === 0 ? [] : [name]),
      ...choicesIn(inner, depth + 1),
    ]),
  ];
}

const MAX_DEPTH = 8;

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value)
    ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
    : [];
}
