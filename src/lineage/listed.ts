import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Span } from '../domain/lineage.ts';
import { type Grams, gramsOf, LETTERS, mayHold, runsIn } from './grams.ts';
import { folded } from './spelling.ts';

/** What strangers' tools say of themselves: descriptions, titles, defaults, examples and choices of their arguments. */
export class Listed {
  readonly #tools: readonly { readonly name: string; readonly text: string }[];
  readonly #letters: Grams;

  constructor(tools: readonly Named[]) {
    this.#tools = tools.map(({ name, description, inputSchema }) => {
      const texts = [description];
      textsIn(inputSchema, texts, 0);
      return { name, text: folded(texts.join('\n')) };
    });
    this.#letters = gramsOf(this.#tools.map(({ text }) => text).join('\n'), LETTERS);
  }

  /** Where a text, in folded spelling, is said by a tool. */
  find(text: string): Span | null {
    if (!mayHold(this.#letters, runsIn(text, LETTERS))) return null;
    for (const { name, text: all } of this.#tools) {
      const start = all.indexOf(text);
      if (start >= 0) return { of: 'tools', tool: name, start, end: start + text.length };
    }
    return null;
  }
}

interface Named {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

const known = new WeakMap<object, Listed>();
const MAX_DEPTH = 32;

/** Of the tools of one bundle, made once. */
export function listedIn<T extends Named>(
  tools: { readonly [name: string]: T },
  isForeign: (tool: T) => boolean,
): Listed {
  const made = known.get(tools) ?? new Listed(Object.values(tools).filter(isForeign));
  known.set(tools, made);
  return made;
}

function textsIn(value: Json | undefined, texts: string[], depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === 'string') texts.push(value);
  else if (typeof value === 'number') texts.push(String(value));
  else if (Array.isArray(value)) for (const each of value) textsIn(each as Json, texts, depth + 1);
  else if (isJsonObject(value))
    for (const inner of Object.values(value)) textsIn(inner, texts, depth + 1);
}
