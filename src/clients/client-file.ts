import type { JsonObject } from '../domain/json.ts';

/** Agent clients whose configuration files are understood. `other`: anything else with `mcpServers`. */
export const CLIENTS = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'codex',
  'gemini',
  'other',
] as const;
export type Client = (typeof CLIENTS)[number];

/** One table of servers in a file. A file of Claude Code has one for the user and one for each project. */
export interface Section {
  /** Keys from the root to the table. */
  readonly at: readonly string[];
  /** Directory of the project that it is for; null: for every one. */
  readonly project: string | null;
  readonly servers: readonly { readonly name: string; readonly value: JsonObject }[];
  /** Servers that this file, besides their own entries, says are off. */
  readonly off: readonly string[];
}

/** What VS Code asks its user for. */
export interface Input {
  readonly id: string;
  readonly description: string;
  readonly secret: boolean;
  readonly fallback: string | null;
}

export interface ClientFile {
  readonly client: Client;
  readonly syntax: 'json' | 'toml';
  readonly text: string;
  readonly sections: readonly Section[];
  readonly inputs: readonly Input[];
}

/** A change of one section: these servers go, and one entry stands in their place; null: none is put there. */
export interface Replacement {
  readonly section: readonly string[];
  readonly remove: ReadonlySet<string>;
  readonly put: { readonly name: string; readonly value: JsonObject } | null;
}

/** The file cannot be read as what it seems to be, or cannot be changed safely. In plain words, without its values. */
export class ClientFileFault extends Error {}
