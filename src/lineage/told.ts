import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Settlement, ToolResult } from '../domain/proposal.ts';

/** What an action brought back, as its agent reads it. */
export interface Told {
  /** Each block of text by itself. */
  readonly texts: readonly string[];
  /** Every other text in it. */
  readonly others: readonly string[];
  /** What came as data. */
  readonly data: readonly Json[];
  /** It is the text of an error: nothing in it is trusted, whatever its tool is. */
  readonly isError: boolean;
}

const MAX_DEPTH = 64;
const NOTHING: Told = { texts: [], others: [], data: [], isError: true };

/** Null: nothing that its target said. */
export function toldBy(settlement: Settlement): Told | null {
  if (settlement.kind === 'done') return toldIn(settlement.result);
  if (settlement.kind !== 'failed') return null;
  const { message, reply } = settlement;
  const others = [message];
  if (reply !== undefined) {
    others.push(reply.message);
    stringsIn(reply.data ?? null, others, 0);
  }
  return { ...NOTHING, others };
}

function toldIn({ text, structured, wire, wants }: ToolResult): Told {
  const others: string[] = [];
  if (wants !== undefined) {
    stringsIn(wants.questions, others, 0);
    return { ...NOTHING, others };
  }
  if (wire !== undefined) return ofWire(wire);
  if (structured !== undefined) stringsIn(structured, others, 0);
  const data = structured === undefined ? [] : [structured];
  return { texts: text === '' ? [] : [text], others, data, isError: false };
}

/** The members of an MCP result: its blocks of text, its data, and whatever else holds text. */
function ofWire(wire: string): Told {
  let members: JsonObject;
  try {
    members = JSON.parse(`{${wire}}`) as JsonObject;
  } catch {
    return { ...NOTHING, others: [wire] };
  }
  const { content, structuredContent, isError, ...others } = members;
  const texts: string[] = [];
  const rest: string[] = [];
  for (const block of Array.isArray(content) ? content : [])
    if (isJsonObject(block) && block.type === 'text' && typeof block.text === 'string')
      texts.push(block.text);
    else stringsIn(block, rest, 0);
  stringsIn(others, rest, 0);
  const data = structuredContent === undefined ? [] : [structuredContent];
  stringsIn(structuredContent ?? null, rest, 0);
  return { texts, others: rest, data, isError: isError === true };
}

/** Pictures and sound are not text. */
const isBytes = (name: string, value: Json): boolean =>
  (name === 'data' || name === 'blob') && typeof value === 'string' && value.length > 256;

function stringsIn(value: Json | undefined, texts: string[], depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === 'string') texts.push(value);
  else if (typeof value === 'number') texts.push(String(value));
  else if (Array.isArray(value)) for (const each of value) stringsIn(each, texts, depth + 1);
  else if (isJsonObject(value))
    for (const [name, inner] of Object.entries(value))
      if (!isBytes(name, inner)) stringsIn(inner, texts, depth + 1);
}
