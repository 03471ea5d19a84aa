import { isJsonObject, type Json, jsonIn } from '../domain/json.ts';
import type { ToolResult } from '../domain/proposal.ts';
import { TooDeep } from './each-text.ts';
import { allShown, maySmuggle, toldHidden, withSmuggledShown } from './smuggled.ts';

/** As deep as answers are read at all. */
const MAX_DEPTH = 256;

/**
 * A result with the characters written out that its readers would not see, and that said; within `maxBytes`, as it was
 * before. Almost every result has none: it is the very same after one look. Results of MCP servers, which are
 * serialised, were written out where they were read.
 */
export function shownResult(result: ToolResult, maxBytes: number): ToolResult {
  const { text, structured, cut } = result;
  if (text === '' || !maySmuggle(text, structured !== undefined)) return result;
  const { json, inside } = insideOf(structured ?? jsonIn(text));
  let hidden = inside;
  // what reading the JSON leaves out, as a name that comes twice, is looked at too
  const shown = withSmuggledShown(inside === 0 ? text : JSON.stringify(json), (count) => {
    hidden += count;
  });
  if (hidden === 0) return result;
  const { structured: _, ...rest } = result;
  const words = [...cut, toldHidden(hidden)];
  const bytes = Buffer.from(shown);
  if (bytes.length > maxBytes) {
    const room = new TextDecoder('utf-8', { ignoreBOM: true });
    const kept = room.decode(bytes.subarray(0, maxBytes), { stream: true });
    return {
      ...rest,
      text: kept,
      cut: [...words, `written out it was cut after ${maxBytes} bytes`],
    };
  }
  const whole = isJsonObject(json) && structured !== undefined ? { structured: json } : {};
  return { ...rest, text: shown, ...whole, cut: words };
}

/** Null where it is no JSON, or nested deeper than anybody reads: then only its text is handed on. */
function insideOf(value: Json): { json: Json; inside: number } {
  try {
    const { json, hidden } = allShown(value, MAX_DEPTH);
    return { json, inside: hidden };
  } catch (error) {
    if (error instanceof TooDeep) return { json: null, inside: 0 };
    throw error;
  }
}
