import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Derived, Inspector } from '../../domain/connector.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { namesOfPath } from '../../tools/path.ts';
import { compilePattern } from '../../tools/pattern.ts';
import {
  RECOVERY_RULES,
  RECOVERY_THINGS,
  REMOVING_VERBS,
  wordsOf,
} from '../../tools/recovery-words.ts';
import { namesOf, namesOfJson, parseTemplate } from '../../tools/template.ts';
import { isOutward, type RequestTemplate, requestTemplate, targetUrl } from './request.ts';

/** Classes HTTP tools from their requests alone. Every rule here raises; none lowers what another found. */
export function createHttpInspector(): Inspector {
  return {
    kind: 'http',
    async derive(draft, connection) {
      return derive(draft, connection);
    },
    async prepare() {},
  };
}

interface Finding {
  readonly effect: EffectClass;
  readonly recoveryPath?: boolean;
  readonly because: string;
}

function derive(draft: Tool, connection: Connection): Derived {
  let request: RequestTemplate;
  try {
    request = requestTemplate(draft);
  } catch (error) {
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `the request cannot be read: ${(error as Error).message}`,
      {
        help: 'mend the template',
      },
    );
  }
  const findings = [
    byMethod(request.method),
    sentOutside(request, connection),
    removingVerb(draft, request),
    recoveryThing(draft, request),
    chosenCollection(draft, request, connection),
    graphql(draft, connection),
  ].filter((finding) => finding !== null);
  const recoveryPath = findings.some((finding) => finding.recoveryPath === true);
  const rank: EffectClass[] = ['destroy', 'write', 'read'];
  const effect =
    rank.find((each) => findings.some((finding) => finding.effect === each)) ?? 'destroy';
  return {
    effect,
    recoveryPath,
    // the key is the action's id: it guards a retransmission, not a second call of the same arguments
    idempotent: effect === 'read',
    binding: draft.binding,
    derivation: findings.map(({ because }) => because),
  };
}

function byMethod(method: string): Finding {
  if (method === 'GET' || method === 'HEAD')
    return { effect: 'read', because: `\`${method}\` reads` };
  if (method === 'DELETE') return { effect: 'destroy', because: '`DELETE` removes' };
  return { effect: 'write', because: `\`${method}\` changes` };
}

/** What an agent writes into a request to somebody else’s host has left the organisation. */
function sentOutside(request: RequestTemplate, connection: Connection): Finding | null {
  const target = targetUrl(connection);
  if (!isOutward(connection, target) || namesIn(request).length === 0) return null;
  return {
    effect: 'write',
    because: `it sends what the agent chose to \`${target.hostname}\`, outside the organisation`,
  };
}

function removingVerb(draft: Tool, request: RequestTemplate): Finding | null {
  if (isRead(request)) {
    // `GET …/delete?id=…` exists; the name of the tool alone would accuse `get_deleted_orders`
    const verb = wordsOf(lastSegment(draft)).find((word) => REMOVING_VERBS.has(word));
    return verb === undefined
      ? null
      : { effect: 'destroy', because: `its path ends in \`${verb}\`` };
  }
  const verb = [...wordsOf(lastSegment(draft)), ...wordsOf(draft.name)].find((word) =>
    REMOVING_VERBS.has(word),
  );
  return verb === undefined ? null : { effect: 'destroy', because: `it is named \`${verb}\`` };
}

/** A backup, a snapshot, a rule that keeps them: found in the path, in fixed values, or in what an argument may be. */
function recoveryThing(draft: Tool, request: RequestTemplate): Finding | null {
  const words = [...fixedTexts(draft), draft.name].flatMap(wordsOf);
  const thing = words.find((word) => RECOVERY_THINGS.has(word));
  const rule = words.find((word) => RECOVERY_RULES.has(word));
  const verb = words.find((word) => REMOVING_VERBS.has(word));
  const removes =
    request.method === 'DELETE' || (verb !== undefined && !isRead(request)) || verbInPath(draft);
  const changes = request.method === 'PUT' || request.method === 'PATCH';
  const found = removes ? (thing ?? rule) : changes ? rule : undefined;
  if (found === undefined) return null;
  return {
    effect: 'destroy',
    recoveryPath: true,
    because: `\`${found}\` names a way to recover, and this removes or weakens it`,
  };
}

function verbInPath(draft: Tool): boolean {
  return wordsOf(lastSegment(draft)).some((word) => REMOVING_VERBS.has(word));
}

/** `DELETE /{kind}/{id}` removes whatever the agent names: backups too, unless the argument leaves them out. */
function chosenCollection(
  draft: Tool,
  request: RequestTemplate,
  connection: Connection,
): Finding | null {
  if (request.method !== 'DELETE') return null;
  const base = targetUrl(connection)
    .pathname.split('/')
    .filter((segment) => segment !== '');
  const segments = [
    ...base.map((segment) => [segment]),
    ...request.path.filter((segment) => segment.length > 0),
  ];
  const [resource, collection] = segments.toReversed();
  if (resource === undefined || namesOf(resource).length === 0) return null;
  const chosen = collection === undefined ? namesOf(resource) : namesOf(collection);
  const [name] = chosen.filter((each) => mayNameRecovery(draft, each));
  if (name === undefined) return null;
  const because = `the agent chooses with \`{${name}}\` what kind of thing is removed; an \`enum\` or \`pattern\` can leave ways to recover out`;
  return { effect: 'destroy', recoveryPath: true, because };
}

function mayNameRecovery({ inputSchema }: Tool, name: string): boolean {
  const properties = isJsonObject(inputSchema.properties) ? inputSchema.properties : {};
  const definition = isJsonObject(properties[name]) ? properties[name] : {};
  const { type, format, pattern } = definition;
  // choices are looked through with the fixed texts
  if (Array.isArray(definition.enum) || type === 'integer' || type === 'number') return false;
  if (format === 'uuid' || format === 'date' || format === 'email') return false;
  if (typeof pattern !== 'string') return true;
  const fits = compilePattern(pattern);
  return [...RECOVERY_THINGS, ...RECOVERY_RULES].some((word) => fits.test(word));
}

/** One path for everything: the query decides. One that the agent writes can do anything. */
function graphql(draft: Tool, connection: Connection): Finding | null {
  if (!/graphql|\bgql\b/i.test(`${targetUrl(connection).pathname}${draft.binding.path}`))
    return null;
  const holder = draft.binding.body ?? draft.binding.query;
  const text = isJsonObject(holder) ? holder.query : null;
  if (typeof text !== 'string' || namesOf(parseTemplate(text)).length > 0)
    return { effect: 'destroy', recoveryPath: true, because: 'the agent writes the GraphQL query' };
  const words = wordsOf(text.replaceAll(/[{}]/g, ' '));
  const verb = words.find((word) => REMOVING_VERBS.has(word));
  if (verb === undefined || !/\bmutation\b/.test(text)) return null;
  const thing = words.some((word) => RECOVERY_THINGS.has(word) || RECOVERY_RULES.has(word));
  return {
    effect: 'destroy',
    recoveryPath: thing,
    because: `its GraphQL mutation says \`${verb}\``,
  };
}

function isRead({ method }: RequestTemplate): boolean {
  return method === 'GET' || method === 'HEAD';
}

function namesIn({ path, query, body }: RequestTemplate): string[] {
  return [
    ...namesOfPath(path),
    ...query.flatMap(([, value]) => namesOf(value)),
    ...(body === null ? [] : namesOfJson(body)),
  ];
}

function lastSegment({ binding }: Tool): string {
  const segments = String(binding.path)
    .split('/')
    .filter((segment) => !/^\{\w+\}$/.test(segment) && segment !== '');
  return segments.at(-1) ?? '';
}

/** Everything in the request that is not the agent's to choose, and every choice from a list. */
function fixedTexts({ binding, inputSchema }: Tool): string[] {
  const texts = [
    String(binding.path),
    ...textsIn(binding.query ?? {}),
    ...textsIn(binding.body ?? null),
  ];
  const properties = isJsonObject(inputSchema.properties)
    ? Object.values(inputSchema.properties)
    : [];
  for (const definition of properties)
    if (isJsonObject(definition) && Array.isArray(definition.enum))
      texts.push(...definition.enum.map(String));
  return texts;
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value)
    ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
    : [];
}
