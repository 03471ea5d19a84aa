import type { Redact } from '../../boundary/redact.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ResultParts } from '../../tools/narrow/result.ts';

/** What a result is made for. */
export interface Reading {
  readonly method: string;
  readonly connection: Connection;
  /** Bytes of the members handed on, serialised. */
  readonly maxBytes: number;
  readonly redact: Redact;
  /** What the caller said it can be asked. */
  readonly capabilities: JsonObject;
  /** What is handed on of the result of a tool; null: all of it. */
  readonly parts: ResultParts | null;
  /** Hidden characters are handed on as they came. */
  readonly keepsHidden: boolean;
}

/** A result that the protocol does not allow, or that is not spoken here. The server has acted. */
export class BadResult extends Error {}
