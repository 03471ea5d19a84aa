import { TooDeep } from '../../boundary/each-text.ts';
import type { Redact } from '../../boundary/redact.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { cleaned, NOTHING_WITHHELD } from './clean.ts';
import { plainAsk } from './opening.ts';
import { type Session, WireFault } from './wire.ts';

export interface Listing {
  readonly items: readonly JsonObject[];
  /** Milliseconds it may be kept, by the server; null when it says nothing. */
  readonly ttlMs: number | null;
}

const MAX_PAGES = 64;
const MAX_ITEMS = 2_000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const MAX_CHARACTERS = 16 * 1024 * 1024;
const PAGE_MS = 15_000;
const MAX_DEPTH = 512;

/**
 * All pages of a list, within bounds, without the credential that its server was given: what it says of itself is kept,
 * shown to operators and listed to agents. Throws WireFault.
 */
export async function listAll(
  session: Session,
  what: 'tools' | 'prompts',
  place: string,
  redact: Redact,
): Promise<Listing> {
  const items: JsonObject[] = [];
  const seen = new Set<string>();
  let ttlMs: number | null = null;
  let cursor: string | null = null;
  let characters = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const members: string = cursor === null ? '' : `"cursor":${JSON.stringify(cursor)}`;
    const ask = { ...plainAsk(`${what}/list`, members, PAGE_MS), maxBytes: MAX_PAGE_BYTES };
    const reply = await session.request(ask);
    if (reply.error !== undefined)
      throw refused(place, what, redact(`it answered ${reply.error.code}: ${reply.error.message}`));
    const { result } = reply;
    const found = result[what];
    if (!Array.isArray(found)) throw refused(place, what, 'the answer has no list');
    for (const item of found) {
      if (!isJsonObject(item)) throw refused(place, what, 'it lists what is no definition');
      // its readers here follow it by recursion; what they cannot follow is not taken
      if (!isShallow(item, MAX_DEPTH))
        throw refused(place, what, 'it lists a definition that is nested too deep');
      const text = JSON.stringify(item);
      characters += text.length;
      // numbers as JavaScript holds them: this is kept, hashed and read again
      const whole = JSON.parse(text) as JsonObject;
      const clean = withoutSecrets(whole, redact);
      if (clean === null)
        throw refused(place, what, 'it lists a definition that is nested too deep');
      items.push(clean);
      if (items.length > MAX_ITEMS) throw refused(place, what, `it lists more than ${MAX_ITEMS}`);
    }
    if (characters > MAX_CHARACTERS) throw refused(place, what, 'its list is too long');
    if (typeof result.ttlMs === 'number' && result.ttlMs >= 0)
      ttlMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, result.ttlMs);
    const { nextCursor } = result;
    if (typeof nextCursor !== 'string') return { items, ttlMs };
    if (seen.has(nextCursor) || nextCursor.length > MAX_PAGE_BYTES)
      throw refused(place, what, 'its pages go round in a circle');
    seen.add(nextCursor);
    cursor = nextCursor;
  }
  throw refused(place, what, `it has more than ${MAX_PAGES} pages`);
}

function isShallow(value: Json | undefined, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((inner) => isShallow(inner, left - 1));
}

/** Null where it is nested too deep to be looked through. */
function withoutSecrets(item: JsonObject, redact: Redact): JsonObject | null {
  if (redact === NOTHING_WITHHELD) return item;
  try {
    return cleaned(item, redact);
  } catch (error) {
    if (error instanceof TooDeep) return null;
    throw error;
  }
}

function refused(place: string, what: string, why: string): WireFault {
  const words = `the ${what} of \`${place}\` cannot be listed: ${why}`.slice(0, 500);
  return new WireFault('CONNECTOR_REFUSED', words.toWellFormed(), false);
}
