import type { Connection, Tool } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type ArgvTemplate, parseArgv } from '../../tools/argv.ts';
import { type JsonTemplate, parseJsonTemplate } from '../../tools/template.ts';
import { type Parts, partsOf } from '../parted.ts';
import type { PathUse } from './jail.ts';

export interface CommandSettings {
  /** Absolute. */
  readonly program: string;
  /** What the file says the program must hash to; null where it leaves that to the plan. */
  readonly sha256: string | null;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

export function commandSettings({ settings }: Connection): CommandSettings {
  const { program, sha256, directory, env, secrets } = settings;
  return {
    program: String(program),
    sha256: typeof sha256 === 'string' ? sha256 : null,
    directory: String(directory),
    env: textsOf(env),
    secrets: isJsonObject(secrets) ? Object.keys(secrets) : [],
  };
}

/** A tool's part, its templates parsed once. */
export interface CommandTemplate {
  readonly argv: ArgvTemplate;
  readonly paths: ReadonlyMap<string, PathUse>;
  readonly stdin: JsonTemplate | null;
  readonly output: 'text' | 'json';
  /** Null: all of the output is handed on. */
  readonly parts: Parts | null;
  /** Codes of a success, and those that promise that nothing happened. */
  readonly done: ReadonlySet<number>;
  readonly nothing: ReadonlySet<number>;
  /** What the program had to hash to when this was applied. */
  readonly sha256: string | null;
}

/** Throws a SyntaxError for a binding that no loader would have made. */
export function commandTemplate({ binding }: Pick<Tool, 'binding'>): CommandTemplate {
  const { args, paths, stdin, output, exits, sha256 } = binding;
  if (!Array.isArray(args)) throw new SyntaxError('expected `args`');
  const codes = isJsonObject(exits) ? exits : {};
  return {
    argv: parseArgv(args),
    paths: new Map(Object.entries(textsOf(paths)) as [string, PathUse][]),
    stdin: stdin === undefined ? null : parseJsonTemplate(stdin),
    output: output === 'json' ? 'json' : 'text',
    parts: partsOf(binding),
    done: new Set(numbersOf(codes.done) ?? [0]),
    nothing: new Set(numbersOf(codes.nothing) ?? []),
    sha256: typeof sha256 === 'string' ? sha256 : null,
  };
}

function numbersOf(value: Json | undefined): number[] | null {
  return Array.isArray(value) ? value.map(Number) : null;
}

function textsOf(value: Json | undefined): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, text]) => [name, String(text)]),
  );
}
