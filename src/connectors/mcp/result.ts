import { TooDeep } from '../../boundary/each-text.ts';
import { toldHidden } from '../../boundary/smuggled.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { ToolResult, Wants } from '../../domain/proposal.ts';
import { mayBeAsked } from '../../protocols/mcp/upstream-request.ts';
import { checkedBlocks, fitted } from './blocks.ts';
import { cleaned, cleanedWords, isClean, shownIn } from './clean.ts';
import { narrowedResult } from './narrowed-result.ts';
import { readMembers } from './read-members.ts';
import { BadResult, type Reading } from './reading.ts';

const MAX_WANTS = 64 * 1024;
const MAX_STATE = 64 * 1024;
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/**
 * What is handed on of a result. In `wire`, `_meta` comes first when there is one; `resultType` and the server's own
 * name are left out, as the surface says both. Throws BadResult.
 */
export function resultOf(result: JsonObject, reading: Reading): ToolResult {
  const { resultType } = result;
  if (resultType === 'input_required')
    return { text: '', cut: [], wants: wantsOf(result, reading) };
  if (resultType !== undefined && resultType !== 'complete')
    throw new BadResult(`it answered with a result of type \`${String(resultType).slice(0, 40)}\``);
  try {
    return reading.method === 'tools/call'
      ? callResult(result, reading)
      : readResult(result, reading);
  } catch (error) {
    if (error instanceof TooDeep || error instanceof RangeError)
      throw new BadResult('its result is nested too deep');
    throw error;
  }
}

function callResult(result: JsonObject, reading: Reading): ToolResult {
  const { content = [], isError } = result;
  if (!Array.isArray(content)) throw new BadResult('its result has no list of blocks');
  const checked = checkedBlocks(content, reading.connection);
  const { parts } = reading;
  const narrowed =
    parts === null
      ? null
      : narrowedResult(checked.blocks, result.structuredContent, isError === true, parts);
  const structuredContent = narrowed === null ? result.structuredContent : narrowed.structured;
  const blocks = narrowed?.blocks ?? checked.blocks;
  const cut = narrowed === null ? checked.cut : [...checked.cut, ...narrowed.cut];
  const said = parts === null || parts.project === null ? result : {};
  const members = membersOf(said, {
    content: blocks,
    ...(structuredContent === undefined ? {} : { structuredContent }),
    ...(typeof isError === 'boolean' ? { isError } : {}),
  });
  const { wire, shown, hidden } = serialised(members, reading);
  const words = hidden === 0 ? cut : [...cut, toldHidden(hidden)];
  if (fits(wire, reading.maxBytes)) return { text: '', cut: words, wire };
  return shortened(shown, words, reading);
}

/** Blocks first, then what says the same in another form, if there is room for all of it. */
function shortened(
  { content, structuredContent, isError }: JsonObject,
  cut: readonly string[],
  { maxBytes, redact }: Reading,
): ToolResult {
  const clean = cleaned(content as readonly Json[], redact) as readonly JsonObject[];
  const kept = fitted(clean, Math.max(0, maxBytes - ENVELOPE));
  const structured =
    structuredContent === undefined ? '' : JSON.stringify(cleaned(structuredContent, redact));
  const room = structured !== '' && Buffer.byteLength(structured) + ENVELOPE <= kept.left;
  const words = [...cut, ...kept.cut];
  if (structured !== '' && !room)
    words.push(`structured content of ${Buffer.byteLength(structured)} bytes was left out`);
  const parts = [
    `"content":${JSON.stringify(kept.blocks)}`,
    ...(room ? [`"structuredContent":${structured}`] : []),
    ...(isError === undefined ? [] : [`"isError":${String(isError)}`]),
  ];
  return { text: '', cut: words, wire: parts.join(',') };
}

/** Names of the members, and brackets. */
const ENVELOPE = 64;

/** The members of a result of a read: resources, prompts, lists, completions. */
function readResult(result: JsonObject, reading: Reading): ToolResult {
  const { members, cut } = readMembers(reading.method, result, reading);
  const { wire, hidden } = serialised(membersOf(result, members), reading);
  if (!fits(wire, reading.maxBytes))
    throw new BadResult(
      `its result has more than ${reading.maxBytes} bytes, and this kind of result cannot be cut`,
    );
  return { text: '', cut: hidden === 0 ? cut : [...cut, toldHidden(hidden)], wire };
}

/** `_meta` goes first, without the name of the server. */
function membersOf(result: JsonObject, members: JsonObject): JsonObject {
  const { _meta: meta } = result;
  if (!isJsonObject(meta)) return members;
  const { [SERVER_INFO]: _, ...rest } = meta;
  return Object.keys(rest).length === 0 ? members : { _meta: rest, ...members };
}

interface Serialised {
  readonly wire: string;
  readonly shown: JsonObject;
  readonly hidden: number;
}

function serialised(members: JsonObject, { redact, keepsHidden }: Reading): Serialised {
  const came = JSON.stringify(members);
  const { value, hidden } = keepsHidden ? { value: members, hidden: 0 } : shownIn(members, came);
  const text = hidden === 0 ? came : JSON.stringify(value);
  const safe = isClean(text, redact) ? text : JSON.stringify(cleaned(value, redact));
  return { wire: safe.slice(1, -1), shown: value, hidden };
}

/** Bytes are counted only when the characters leave it open. */
function fits(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return true;
  return text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes;
}

/** Only kinds of question that the caller said it can be asked. */
function wantsOf({ inputRequests, requestState }: JsonObject, reading: Reading): Wants {
  const questions = isJsonObject(inputRequests) ? inputRequests : {};
  for (const question of Object.values(questions)) {
    const method = isJsonObject(question) ? question.method : undefined;
    if (typeof method !== 'string' || !mayBeAsked(reading.capabilities, method))
      throw new BadResult('it asks what its caller cannot be asked');
  }
  if (JSON.stringify(questions).length > MAX_WANTS)
    throw new BadResult('its questions are too long');
  const state = typeof requestState === 'string' ? requestState : null;
  if (state !== null && state.length > MAX_STATE) throw new BadResult('its state is too long');
  if (state === null && Object.keys(questions).length === 0)
    throw new BadResult('it wants an answer and asks nothing');
  return { questions: cleanedWords(questions, reading.redact), state };
}
