import type { Tool } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { readGraphql } from './graphql.ts';
import { commandRisk, textRisk } from './recovery-argv.ts';
import { describedRecovery, namedRecovery } from './recovery-names.ts';
import { looksLikeSql, sqlRecovery } from './recovery-sql.ts';
import { wordsOf } from './recovery-words.ts';

/** Says what is done: `{action: "delete"}`. */
const ACTION =
  /^(?:action|actions|method|op|operation|operations|operation_?name|verb|function|procedure|mutation|event|task|intent|subcommand|api)$/i;
/** Is run by a database or an API where it arrives. */
const CODE =
  /^(?:sql|query|statement|statements|queries|graphql|gql|mutation|body|program|code|script)$/i;
/** Is run by a shell, or is the words of a command. */
const SHELL = /^(?:script|command|commands|cmd|argv|args|arguments|shell|shell_?command)$/i;

/** Beyond these nobody can say what is asked, and harmless values in front must not hide one that is not. */
const MAX_VALUES = 20_000;
const MAX_DEPTH = 32;
const TOO_MUCH = 'more than is looked through';
const MAX_CODE = 100_000;

interface Look {
  readonly name: string;
  left: number;
}

/**
 * What a call of a foreign tool asks to take away that people recover with, by the arguments that say what is done and
 * those that are run: SQL, GraphQL, command lines, paths with their method. Null: nothing known. Raises only; words for a
 * reader (a title, a text, a search) are not looked at.
 */
export function argumentRecovery(tool: Tool, input: JsonObject): string | null {
  if (tool.binding.mcp !== 'tools/call') return null;
  const name = String(tool.binding.name ?? tool.name);
  return within(input, { name, left: MAX_VALUES }, 0);
}

function within(value: JsonObject, look: Look, depth: number): string | null {
  if (depth > MAX_DEPTH) return TOO_MUCH;
  for (const key in value) {
    if (--look.left < 0) return TOO_MUCH;
    const inner = value[key];
    if (typeof inner === 'string') {
      const found = inText(key, inner, value, look);
      if (found !== null) return found;
    } else if (Array.isArray(inner)) {
      const found = inList(key, inner, value, look, depth);
      if (found !== null) return found;
    } else if (isJsonObject(inner)) {
      const found = within(inner, look, depth + 1);
      if (found !== null) return found;
    }
  }
  return null;
}

function inText(key: string, text: string, beside: JsonObject, look: Look): string | null {
  const isAction = ACTION.test(key);
  if (isAction) {
    const found = actionRecovery(text, beside, look.name);
    if (found !== null) return found;
  }
  if (CODE.test(key)) {
    const found = codeRecovery(text);
    if (found !== null) return found;
  }
  const found = SHELL.test(key) ? textRisk(text)?.recovery : null;
  return found == null || found === 'anything' ? null : found;
}

function inList(
  key: string,
  list: readonly Json[],
  beside: JsonObject,
  look: Look,
  depth: number,
): string | null {
  if (depth > MAX_DEPTH) return TOO_MUCH;
  const texts = list.filter((one) => typeof one === 'string');
  if (SHELL.test(key) && texts.length > 1) {
    // `args: ["push", "--force"]` of a tool that is named `git`, or of what `command` names
    const program = typeof beside.command === 'string' ? beside.command : look.name;
    const risk = commandRisk(texts)?.recovery ?? commandRisk([program, ...texts])?.recovery;
    if (risk != null && risk !== 'anything') return risk;
  }
  for (const one of list) {
    if (--look.left < 0) return TOO_MUCH;
    const found =
      typeof one === 'string'
        ? inText(key, one, beside, look)
        : Array.isArray(one)
          ? inList(key, one, beside, look, depth + 1)
          : isJsonObject(one)
            ? within(one, look, depth + 1)
            : null;
    if (found !== null) return found;
  }
  return null;
}

/** `delete` of a tool named `manage_backups`; `DELETE` with a path beside it. */
function actionRecovery(text: string, beside: JsonObject, name: string): string | null {
  if (text.length > 300) return null;
  const targets = ['path', 'url', 'uri', 'endpoint', 'resource', 'kind', 'type', 'resource_type'];
  const about = targets.flatMap((key) => {
    const value = beside[key];
    return typeof value === 'string' && value !== text ? [value.slice(0, 300)] : [];
  });
  return (
    namedRecovery(text, about.flatMap(wordsOf)) ??
    namedRecovery(`${name} ${text}`) ??
    (about.length === 0 ? null : namedRecovery(`${text} ${about.join(' ')}`))
  );
}

function codeRecovery(text: string): string | null {
  const mutates = /\bmutation\b/.test(text);
  const document = mutates ? readGraphql(text) : null;
  if (mutates && text.length > MAX_CODE) return 'a document too long to be looked through';
  for (const { name, about } of document?.mutations ?? []) {
    const found = namedRecovery(name, wordsOf(about));
    if (found !== null) return found;
  }
  return looksLikeSql(text) ? sqlRecovery(text) : null;
}

/** What the name or the description of a foreign tool says that it takes away. */
export function foreignRecovery(name: string, description: string): string | null {
  return namedRecovery(name) ?? describedRecovery(description);
}
