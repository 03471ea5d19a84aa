import type { Organisation } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type {
  ArgumentKind,
  AuthorityArgument,
  SourceLabel,
  SourceRule,
  ToolLineage,
} from '../domain/lineage.ts';
import { pointerNames } from '../domain/pointer.ts';
import { kindOf } from '../tools/classify/arguments.ts';
import { listOf, members } from './meaning.ts';

/** Null where the file says nothing of it. */
export function lineageOf({ authority, outward, source, memory }: JsonObject): ToolLineage | null {
  if ([authority, outward, source, memory].every((said) => said === undefined)) return null;
  return {
    authority: listOf(authority).map(argumentOf),
    outward: outward === true,
    source: listOf(source).map(ruleOf),
    ...(memory === undefined ? {} : { memory: String(memory) }),
  };
}

function argumentOf(value: Json): AuthorityArgument {
  const said = isJsonObject(value) ? value : { argument: value };
  const argument = placeIn(String(said.argument));
  const { kind, allow, least, most } = said;
  return {
    argument,
    kind: typeof kind === 'string' ? (kind as ArgumentKind) : kindBy(argument),
    ...(allow === undefined ? {} : { allow: listOf(allow).map(String) }),
    ...(typeof least === 'number' ? { least } : {}),
    ...(typeof most === 'number' ? { most } : {}),
  };
}

/** A JSON Pointer as the place that it is. */
function placeIn(written: string): string {
  if (!written.startsWith('/')) return written;
  return pointerNames(written).join('.').replaceAll('.*', '[]');
}

/** What the last name of the place says; a thing that something is done to where it says nothing. */
function kindBy(argument: string): ArgumentKind {
  const name = argument.replaceAll('[]', '').split('.').at(-1) ?? argument;
  return kindOf({ path: argument, name, schema: {} }, true) ?? 'target';
}

function ruleOf(value: Json): SourceRule {
  const { when, trusted, labels, readers, text } = members(value);
  const { argument, prefix } = members(when);
  const said = listOf(labels).map((label) => label as SourceLabel);
  return {
    ...(when === undefined
      ? {}
      : { when: { argument: placeIn(String(argument)), prefix: String(prefix) } }),
    trusted: listOf(trusted).map(String),
    labels: said,
    readers:
      readers === undefined
        ? said.length > 0
          ? ['organisation']
          : null
        : listOf(readers).map(String),
    text: text === 'yaml' ? 'yaml' : 'json',
  };
}

/** What the organisation is besides its name and domains. */
export function surroundings({
  workspaces,
  directory,
  groups,
}: JsonObject): Pick<Organisation, 'workspaces' | 'directory' | 'groups'> {
  return {
    ...(workspaces === undefined ? {} : { workspaces: listOf(workspaces).map(String).sort() }),
    ...(directory === undefined ? {} : { directory: listOf(directory).map(String).sort() }),
    ...(groups === undefined
      ? {}
      : {
          groups: Object.fromEntries(
            Object.entries(members(groups)).map(([address, all]) => [
              address.toLowerCase(),
              listOf(all).map(String).sort(),
            ]),
          ),
        }),
  };
}
