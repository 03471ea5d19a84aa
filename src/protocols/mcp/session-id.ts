import type { Entropy } from '../../domain/doors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { createSeal, type Seal } from './seal.ts';

/** What `initialize` agreed on. It travels in the session id itself, so that any replica can go on with it. */
export interface SessionTerms {
  readonly holder: string;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly client: string | null;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
}

const MAX_LENGTH = 2_048;
const MAX_MODES = 4;

export interface SessionIds {
  issue(terms: SessionTerms): string;
  /** Null for what was not issued here. Whose it is and how old is for the caller to compare. */
  read(id: string): SessionTerms | null;
}

/** `key`: 32 bytes, shared by all replicas. An id is visible ASCII. */
export function createSessionIds(key: Uint8Array, entropy: Entropy): SessionIds {
  const seal: Seal = createSeal(key, 'signalbox/mcp/session/1', MAX_LENGTH, entropy);
  return {
    issue: (terms) => seal.seal(terms),
    read: (id) => seal.open(id) as SessionTerms | null,
  };
}

/** The part of a client's capabilities that says what it can be asked; everything else is dropped. */
export function askableCapabilities(capabilities: Json | undefined): JsonObject {
  if (!isJsonObject(capabilities)) return {};
  const kept: Record<string, JsonObject> = {};
  for (const kind of ['elicitation', 'sampling', 'roots']) {
    const declared = capabilities[kind];
    if (!isJsonObject(declared)) continue;
    kept[kind] = Object.fromEntries(
      Object.entries(declared)
        .filter(([mode, value]) => mode.length <= 32 && (isJsonObject(value) || value === true))
        .slice(0, MAX_MODES)
        .map(([mode, value]) => [mode, value === true ? true : {}]),
    );
  }
  return kept;
}
