import type { Json, JsonObject } from '../../domain/json.ts';
import { narrowedDocument, type ResultParts } from '../../tools/narrow/result.ts';
import { type Blocks, counted } from './blocks.ts';

interface Narrowed extends Blocks {
  readonly structured: Json | undefined;
}

const NOT_TOLD = 'the call failed at its server; what it said is not among what is handed on';

/**
 * The blocks of a result, and what says the same as JSON, with what the operator hands on of them. Under `project` only
 * JSON is: a text that is none, a picture or a link has no parts to be named by, and is left out.
 */
export function narrowedResult(
  blocks: readonly JsonObject[],
  structured: Json | undefined,
  isError: boolean,
  parts: ResultParts,
): Narrowed {
  const cut: string[] = [];
  const narrowed = (document: Json): Json => {
    const made = narrowedDocument(document, parts);
    cut.push(...made.cut);
    return made.document;
  };
  const whole = structured === undefined ? undefined : narrowed(structured);
  const projects = parts.project !== null;
  let strange = 0;
  const kept: JsonObject[] = [];
  const most = parts.maxItems ?? blocks.length;
  for (const block of blocks.slice(0, most)) {
    const document = block.type === 'text' ? documentIn(String(block.text)) : undefined;
    if (document !== undefined)
      kept.push({
        ...(projects ? { type: 'text' } : block),
        text: JSON.stringify(narrowed(document)),
      });
    else if (projects) strange++;
    else kept.push(block);
  }
  if (strange > 0) cut.push(`${counted(strange, 'block')} that hold no JSON`);
  if (blocks.length > most) cut.push(counted(blocks.length - most, 'block'));
  if (projects && kept.length === 0 && blocks.length > 0)
    kept.push({ type: 'text', text: isError ? NOT_TOLD : JSON.stringify(whole ?? {}) });
  return { blocks: kept, cut: [...new Set(cut)], structured: whole };
}

/** Undefined: no JSON, or a lone word or number, which has no parts. */
function documentIn(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
