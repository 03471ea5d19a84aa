import type { Json, JsonObject } from '../domain/json.ts';
import { fillText, namesOf, parseTemplate, soleName, type Template } from './template.ts';

/**
 * The arguments of a command. Each template makes exactly one word, whatever stands in it; no shell reads them. Words of
 * one group are left out together when an argument in them was left out.
 */
export type ArgvTemplate = readonly (readonly Template[])[];

const MAX_WORD = 32 * 1024;
const MAX_ALL = 128 * 1024;

/** Throws a SyntaxError in plain words. */
export function parseArgv(args: readonly Json[]): ArgvTemplate {
  return args.map((word) => {
    const words: readonly Json[] = Array.isArray(word) ? word : [word];
    return words.map((one) => parseTemplate(String(one)));
  });
}

export function namesOfArgv(argv: ArgvTemplate): string[] {
  return argv.flat().flatMap(namesOf);
}

/**
 * The words with the arguments in them; `texts` stand for arguments that are paths. Throws a TypeError, without quoting
 * a value, for a word that an argument would turn into an option, that is empty, or that no command can be given.
 */
export function fillArgv(
  argv: ArgvTemplate,
  input: JsonObject,
  texts: ReadonlyMap<string, string>,
): string[] {
  const given: JsonObject = { ...input, ...Object.fromEntries(texts) };
  const words: string[] = [];
  let dashes = false;
  for (const group of argv) {
    const filled = group.map((template) => fillText(template, given));
    if (filled.some((word) => word === undefined)) continue;
    group.forEach((template, i) => {
      const word = filled[i] ?? '';
      check(word, template, dashes);
      if (word === '--' && namesOf(template).length === 0) dashes = true;
      words.push(word);
    });
  }
  if (words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0) > MAX_ALL)
    throw new TypeError(`the arguments make a command of more than ${MAX_ALL} bytes`);
  return words;
}

function check(word: string, template: Template, dashes: boolean): void {
  const [name] = namesOf(template);
  if (name === undefined) return;
  if (word === '') throw new TypeError(`\`${name}\` is empty and is a whole word of the command`);
  if (word.includes('\0')) throw new TypeError(`\`${name}\` holds a NUL character`);
  if (!word.isWellFormed()) throw new TypeError(`\`${name}\` is no well-formed text`);
  if (Buffer.byteLength(word) > MAX_WORD)
    throw new TypeError(`\`${name}\` makes a word of more than ${MAX_WORD} bytes`);
  if (!dashes && word.startsWith('-') && !beginsFixed(template))
    throw new TypeError(
      `\`${name}\` begins with \`-\` and would be an option; only after \`--\` it is none`,
    );
}

/** `--count={n}` is bound to its option. */
function beginsFixed([first]: Template): boolean {
  return typeof first === 'string';
}

/** The words as far as they are fixed; null where one is wholly the agent's. */
export function fixedWords(argv: ArgvTemplate, chosen: JsonObject = {}): (string | null)[] {
  return argv.flat().map((template) => {
    const sole = soleName(template);
    if (sole !== null) return Object.hasOwn(chosen, sole) ? String(chosen[sole]) : null;
    return template
      .map((part) =>
        typeof part === 'string'
          ? part
          : Object.hasOwn(chosen, part.name)
            ? String(chosen[part.name])
            : '',
      )
      .join('');
  });
}
