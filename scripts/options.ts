import { readFileSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** More names than these are counted in a message instead. */
const NAMED = 24;

type Values<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: O }>
>['values'];

/**
 * What a script was asked. `--help` prints the comment at its head; what it does not know is one line and exit code 2.
 * `file`: the script's own, `import.meta.filename`. Words that are no options: only those of `words`, at most one.
 */
export function optionsOf<const O extends ParseArgsOptionsConfig>(
  file: string,
  options: O,
  words: readonly string[] = [],
): Values<O> {
  const { values, positionals } = parsed({ ...options, help: { type: 'boolean' } }, words);
  if (values.help === true) {
    console.log(headOf(file));
    process.exit(0);
  }
  const [word = words[0], ...more] = positionals;
  if (more.length > 0 || (word !== undefined && !words.includes(word)))
    misused(`expected ${words.join(' or ')} at most, got \`${positionals.join(' ')}\``);
  return values as Values<O>;
}

/** A whole number from `least` on, which was given for the option `name`. */
export function wholeOf(name: string, text: string | number, least = 0): number {
  const number = Number(text);
  if (text !== '' && Number.isSafeInteger(number) && number >= least) return number;
  return misused(`expected a whole number from ${least} on after \`--${name}\`, got \`${text}\``);
}

/** One of `known`, given for the option `name`. */
export function oneOf<const T extends string>(name: string, known: readonly T[], text: string): T {
  const found = known.find((one) => one === text);
  const names = known.length > NAMED ? `${known.length} names` : known.join(', ');
  return found ?? misused(`expected one of ${names} after \`--${name}\`, got \`${text}\``);
}

/** Says what was expected and ends the script; 2: nothing was tried. */
export function misused(message: string): never {
  console.error(`${message}\nhelp: the same command with \`--help\``);
  process.exit(2);
}

function parsed(options: ParseArgsOptionsConfig, words: readonly string[]) {
  try {
    return parseArgs({ options, allowPositionals: words.length > 0 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const [first = ''] = error.message.split('. ');
    return misused(first.replaceAll("'", '`').replace(/^./, (letter) => letter.toLowerCase()));
  }
}

function headOf(file: string): string {
  const [, head = ''] = /\/\*\*(.*?)\*\//s.exec(readFileSync(file, 'utf8')) ?? [];
  return head.replace(/^ ?\* ?/gm, '').trim();
}
