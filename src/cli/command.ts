import type { JsonObject } from '../domain/json.ts';
import type { AdminClient } from './client.ts';
import type { Home } from './home.ts';
import type { Io } from './io.ts';
import type { Parts } from './parts.ts';
import type { Style } from './render.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  /** What stands for the value in the help: `NAME`. */
  readonly value?: string;
  readonly summary: string;
  readonly short?: string;
}

/** Values as parsed: every option is optional here; the command says what it needs. */
export interface Call {
  readonly options: { readonly [name: string]: string | boolean | undefined };
  readonly positionals: readonly string[];
  /** What stood after `--`. */
  readonly rest: readonly string[];
  readonly io: Io;
  readonly home: Home;
  readonly parts: Parts;
  readonly style: Style;
  /** The operators' API with the stored key. */
  readonly api: AdminClient;
}

/** What a command found: one JSON object, and the same for people. `exit` is 0 unless said. */
export interface Answer {
  readonly json: JsonObject;
  readonly text: string;
  readonly exit?: number;
}

export interface Command {
  /** One or two words: `plan`, `run list`. */
  readonly name: string;
  readonly summary: string;
  /** Positionals as shown in the help: `ID`, `[FILE]`. */
  readonly usage: string;
  readonly positionals: readonly [least: number, most: number];
  readonly options: { readonly [name: string]: Option };
  /** True when words after `--` belong to it. */
  readonly passesRest?: boolean;
  /** Null when everything was already written (`run`, `up`): the number is the exit code. */
  readonly run: (call: Call) => Promise<Answer | number>;
}
