import type { Entry } from '../../clients/entry.ts';
import type { JsonObject } from '../../domain/json.ts';

/** One server of a client's file, before anything is known of it but what the file says. */
export interface Found {
  readonly name: string;
  /** Keys to its table in the file, and the project that it is for. */
  readonly section: readonly string[];
  readonly project: string | null;
  readonly entry: Entry;
}

/** A secret that leaves the client's file. */
export interface Moved {
  /** Its name in Signalbox. */
  readonly name: string;
  readonly value: string;
  /** Where it stood, in words; never the value. */
  readonly from: string;
}

/** A server as a connection of `signalbox.yaml`. */
export interface Taken {
  readonly found: Found;
  /** Its name in `signalbox.yaml`. */
  readonly connection: string;
  /** Without what it serves. */
  readonly value: JsonObject;
  readonly secrets: readonly Moved[];
  readonly package: { readonly name: string; readonly version: string } | null;
  readonly notes: readonly string[];
}

/** A server that stays where it is. */
export interface Left {
  readonly found: Found;
  readonly why: string;
  readonly fix: string;
}

export function isLeft(each: Taken | Left): each is Left {
  return 'why' in each;
}
