import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { uriPrefix } from '../../protocols/mcp/upstream-uri.ts';
import { checkedBlocks, counted, isContents } from './blocks.ts';
import { BadResult, type Reading } from './reading.ts';

interface Members {
  readonly members: JsonObject;
  readonly cut: readonly string[];
}

const MAX_ITEMS = 2_000;
const MAX_COMPLETIONS = 100;

/** The members of the result of a read, checked, with resources named as agents know them. Throws BadResult. */
export function readMembers(method: string, result: JsonObject, reading: Reading): Members {
  switch (method) {
    case 'resources/read':
      return contentsOf(result, reading);
    case 'resources/list':
      return listOf(result, 'resources', 'uri', reading);
    case 'resources/templates/list':
      return listOf(result, 'resourceTemplates', 'uriTemplate', reading);
    case 'prompts/get':
      return promptOf(result, reading);
    case 'completion/complete':
      return { members: { completion: completionOf(result.completion ?? null) }, cut: [] };
  }
  return { members: {}, cut: [] };
}

function contentsOf(result: JsonObject, { connection }: Reading): Members {
  const { contents } = result;
  if (!Array.isArray(contents)) throw new BadResult('its result has no contents');
  const prefix = uriPrefix(connection);
  const known = contents.filter((each: Json) => isJsonObject(each) && isContents(each));
  const members = known.map((each) => ({ ...(each as JsonObject), uri: prefix + uriOf(each) }));
  const strange = contents.length - known.length;
  return {
    members: { contents: members, ...cachingOf(result) },
    cut: strange === 0 ? [] : [counted(strange, 'content')],
  };
}

function listOf(
  result: JsonObject,
  member: string,
  named: string,
  { connection }: Reading,
): Members {
  const items = result[member];
  if (!Array.isArray(items)) throw new BadResult(`its result has no \`${member}\``);
  const prefix = uriPrefix(connection);
  const known = items
    .slice(0, MAX_ITEMS)
    .filter((each: Json) => isJsonObject(each) && typeof each[named] === 'string') as JsonObject[];
  const { nextCursor } = result;
  return {
    members: {
      [member]: known.map((each) => ({ ...each, [named]: prefix + String(each[named]) })),
      ...(typeof nextCursor === 'string' ? { nextCursor } : {}),
      ...cachingOf(result),
    },
    cut: known.length === items.length ? [] : [counted(items.length - known.length, 'entry')],
  };
}

function promptOf({ description, messages }: JsonObject, { connection }: Reading): Members {
  if (!Array.isArray(messages)) throw new BadResult('its result has no messages');
  const cut: string[] = [];
  const kept = messages.flatMap((message: Json) => {
    if (!isJsonObject(message) || (message.role !== 'user' && message.role !== 'assistant'))
      return [];
    const { content } = message;
    const given = Array.isArray(content) ? (content as readonly Json[]) : [content ?? null];
    const { blocks, cut: lost } = checkedBlocks(given, connection);
    cut.push(...lost);
    if (blocks.length === 0) return [];
    return [{ ...message, content: Array.isArray(content) ? blocks : (blocks[0] as JsonObject) }];
  });
  if (kept.length < messages.length) cut.push(counted(messages.length - kept.length, 'message'));
  return {
    members: { ...(typeof description === 'string' ? { description } : {}), messages: kept },
    cut,
  };
}

function completionOf(completion: Json): JsonObject {
  if (!isJsonObject(completion) || !Array.isArray(completion.values))
    throw new BadResult('its result has no completion');
  const { values, total, hasMore } = completion;
  return {
    values: values.filter((each: Json) => typeof each === 'string').slice(0, MAX_COMPLETIONS),
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof hasMore === 'boolean' ? { hasMore } : {}),
  };
}

/** How long the server lets its answer be kept; the surface may shorten it. */
function cachingOf({ ttlMs, cacheScope }: JsonObject): JsonObject {
  return {
    ...(typeof ttlMs === 'number' && ttlMs >= 0 ? { ttlMs } : {}),
    ...(cacheScope === 'public' || cacheScope === 'private' ? { cacheScope } : {}),
  };
}

function uriOf(contents: Json): string {
  return isJsonObject(contents) ? String(contents.uri) : '';
}
