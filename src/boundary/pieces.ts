import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { isKept } from './each-text.ts';
import { MARK, type Redact } from './redact.ts';

/** Of so many places of a value the texts are followed, each for itself; those of the rest together. */
const MAX_PLACES = 64;

/**
 * Texts that follow each other, as a target tells them: a secret that begins in one and goes on in the next ones is withheld
 * in all, as far as it was not told before it could be known.
 */
export class Pieces {
  readonly #redact: Redact;
  readonly #reach: number;
  #before = '';

  /** `reach`: characters of what came before that a secret may have begun in. */
  constructor(redact: Redact, reach: number) {
    this.#redact = redact;
    this.#reach = reach;
  }

  next(text: string): string {
    const joined = this.#before + text;
    const clean = this.#redact(text);
    const spans = clean === text && this.#redact(joined) !== joined;
    // what was withheld whole does not make those behind it suspect
    this.#before = this.#redact(joined, true).slice(-this.#reach);
    // what was told cannot be taken back; the rest of it is not told
    return spans ? MARK : clean;
  }
}

/** The same for values of one kind: what stands at one place of them is followed, whatever stands beside it. */
export function piecesByPlace(redact: Redact, reach: number): (value: JsonObject) => JsonObject {
  const places = new Map<string, Pieces>();
  const at = (place: string): Pieces => {
    const key = places.has(place) || places.size < MAX_PLACES ? place : '';
    const pieces = places.get(key) ?? new Pieces(redact, reach);
    places.set(key, pieces);
    return pieces;
  };
  const visit = (value: Json, place: string): Json => {
    if (typeof value === 'string') return at(place).next(value);
    if (Array.isArray(value)) return value.map((one) => visit(one, place));
    if (!isJsonObject(value) || isKept(value)) return value;
    const members = Object.entries(value).map(
      ([name, one]) => [name, visit(one as Json, `${place}/${name}`)] as const,
    );
    return Object.fromEntries(members);
  };
  return (value) => visit(value, '') as JsonObject;
}
