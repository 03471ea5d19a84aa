import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { pointerName } from '../../domain/pointer.ts';

const MAX_HOPS = 32;
/** References followed in one document: one that refers to itself a hundred ways is not worth more. */
const MAX_FOLLOWED = 50_000;

/** Why something in a document cannot be used, in plain words. */
export class OpenapiFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OpenapiFault';
  }
}

/** A document whose references are followed within it, and never out of it. */
export class References {
  readonly #document: JsonObject;
  #left = MAX_FOLLOWED;

  constructor(document: JsonObject) {
    this.#document = document;
  }

  /** What stands there, or what it refers to. Throws OpenapiFault for one that leads out, in a circle or nowhere. */
  at(value: Json | undefined): JsonObject {
    let now = value;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      if (!isJsonObject(now)) return {};
      const { $ref } = now;
      if (typeof $ref !== 'string') return now;
      if (--this.#left < 0) throw new OpenapiFault('it holds too many references');
      now = this.#target($ref);
    }
    throw new OpenapiFault('a reference leads in a circle');
  }

  #target(reference: string): Json {
    if (!reference.startsWith('#/'))
      throw new OpenapiFault(
        `\`${reference.slice(0, 80)}\` leads out of the document; only references within it are followed`,
      );
    let now: Json = this.#document;
    for (const part of reference.slice(2).split('/')) {
      const name = unescaped(part);
      if (typeof now !== 'object' || now === null || !Object.hasOwn(now, name))
        throw new OpenapiFault(`\`${reference.slice(0, 80)}\` leads nowhere`);
      now = (now as JsonObject)[name] ?? null;
    }
    return now;
  }
}

function unescaped(part: string): string {
  let plain = part;
  try {
    plain = decodeURIComponent(part);
  } catch {
    // written as it is
  }
  return pointerName(plain);
}
