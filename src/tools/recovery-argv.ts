import { ARGV_RULES, EVALUATORS, MULTI, SHELLS, WRAPPERS } from './argv-rules.ts';
import { namedRecovery } from './recovery-names.ts';
import { looksLikeSql, sqlRecovery } from './recovery-sql.ts';
import { firstOf, firstVerb, wordsOf } from './recovery-words.ts';

/** A word of a command as it will run, or null where the agent chooses it freely. */
export type Word = string | null;

export interface CommandFinding {
  /** Null: it destroys, and takes no way to recover along. */
  readonly recovery: string | null;
  readonly because: string;
}

const MAX_NESTED = 6;
const MAX_WORDS = 1_000;

/**
 * What a command line removes, from its words alone; null for nothing known. Raises only: a program that nobody listed
 * is what its operator says it is. `about`: words that may stand for the null ones.
 */
export function commandRisk(
  words: readonly Word[],
  about: readonly string[] = [],
  depth = 0,
): CommandFinding | null {
  if (words.length > MAX_WORDS)
    return { recovery: 'a command too long', because: 'it is too long' };
  const [first, ...rest] = words;
  if (first === undefined) return null;
  if (first === null || depth > MAX_NESTED) return agents('which program runs');
  const program = programName(first);
  if (program === '') return commandRisk(rest, about, depth + 1);
  const inside = nested(program, rest, about, depth);
  if (inside !== null) return inside;
  const fixed = rest.filter((word) => word !== null);
  const known = ruleFor(program, fixed, true);
  if (known !== null) return known;
  if (MULTI.has(program) && choosesWhat(program, rest)) return agents(`what \`${program}\` does`);
  const named = byName(program, rest, about);
  return named?.recovery != null ? named : (ruleFor(program, fixed, false, about) ?? named);
}

function ruleFor(
  program: string,
  fixed: readonly string[],
  recovery: boolean,
  about: readonly string[] = [],
): CommandFinding | null {
  const rule = ARGV_RULES.find(
    (each) =>
      each.recovery === recovery &&
      each.of.includes(program) &&
      each.words.every((wanted) => fits(wanted, fixed)),
  );
  if (rule === undefined) return null;
  const said = [program, ...rule.words].join(' ');
  // `find /var/backups -delete` removes what its other words name
  const kept = recovery ? said : (firstOf([...fixed.flatMap(wordsOf), ...about], 'kept') ?? null);
  return { recovery: kept, because: `\`${said}\` removes` };
}

function agents(what: string): CommandFinding {
  return { recovery: 'anything', because: `the agent chooses ${what}` };
}

/** A rule's word: whole, or with `*` at its end; `a|b` for either. */
function fits(wanted: string, words: readonly string[]): boolean {
  return wanted
    .split('|')
    .some((one) =>
      one.endsWith('*')
        ? words.some((word) => word.startsWith(one.slice(0, -1)))
        : words.some((word) => word === one || word.startsWith(`${one}=`)),
    );
}

/** The words that say what is done come before the first option; the rest says to what. */
function byName(
  program: string,
  rest: readonly Word[],
  about: readonly string[],
): CommandFinding | null {
  const said: string[] = [program];
  for (const word of rest) {
    if (word === null || said.length > MAX_SAID) break;
    if (!word.startsWith('-') && !word.includes('/')) said.push(word);
  }
  const others = rest.flatMap((word) => (word === null ? [] : wordsOf(word)));
  const name = said.map((word) => ALIASES.get(word) ?? word).join(' ');
  const recovery = namedRecovery(name, [...others, ...about]) ?? firstOf(others, 'act') ?? null;
  if (recovery !== null)
    return { recovery, because: `\`${said.join(' ').slice(0, 80)}\` takes away \`${recovery}\`` };
  const verb = said.slice(0, 4).find((word) => firstVerb(wordsOf(word), 'ending') !== undefined);
  return verb === undefined ? null : { recovery: null, because: `it says \`${verb}\`` };
}

const MAX_SAID = 6;
const ALIASES = new Map([
  ['ns', 'namespace'],
  ['snap', 'snapshot'],
  ['vol', 'volume'],
  ['rb', 'delete bucket'],
]);

/** `git {what}`, `kubectl delete {kind} {name}`. */
function choosesWhat(program: string, rest: readonly Word[]): boolean {
  const plain = rest.filter((word) => word === null || !word.startsWith('-'));
  if (plain[0] === null) return true;
  const verb = plain.findIndex(
    (word) => word !== null && firstVerb([word], 'ending') !== undefined,
  );
  return (
    (program === 'kubectl' || program === 'oc' || program === 'k3s') &&
    verb !== -1 &&
    plain[verb + 1] === null
  );
}

/** Programs that run what their arguments say. */
function nested(
  program: string,
  rest: readonly Word[],
  about: readonly string[],
  depth: number,
): CommandFinding | null {
  const evaluates = SHELLS.has(program) ? SHELL_FLAG : EVALUATORS.get(program);
  if (evaluates !== undefined) {
    const at = rest.findIndex((word) => word !== null && evaluates.test(word));
    if (at === -1) {
      const script = rest.find((word) => word === null || !word.startsWith('-'));
      return script === null ? agents('which program runs') : null;
    }
    const attached = /^--?[a-z-]+=(.*)$/is.exec(rest[at] ?? '')?.[1];
    const code = attached ?? rest[at + 1];
    if (code === null) return agents('what is run');
    return code === undefined ? null : textRisk(code, about, depth + 1);
  }
  if (program === 'find') {
    const at = rest.findIndex((word) => /^-(?:exec|ok)(?:dir)?$/.test(word ?? ''));
    return at === -1 ? null : commandRisk(rest.slice(at + 1), about, depth + 1);
  }
  const behind = BEHIND.get(program);
  if (behind !== undefined && rest[0] != null && behind.test(rest[0])) {
    const dashes = rest.indexOf('--');
    const plain = rest.findIndex((word, i) => i > 0 && !(word ?? 'x').startsWith('-'));
    const from = dashes === -1 ? plain + 1 : dashes + 1;
    return plain === -1 || from >= rest.length
      ? null
      : commandRisk(rest.slice(from), about, depth + 1);
  }
  const skip = WRAPPERS.get(program);
  if (skip === undefined) return null;
  const at = rest.findIndex((word) => word === null || !skip.shape.test(word));
  return at === -1 ? null : commandRisk(rest.slice(at + skip.own), about, depth + 1);
}

const SHELL_FLAG = /^-[a-z]*c[a-z]*$/;
/** `docker exec CONTAINER COMMAND`, `kubectl exec POD -- COMMAND`. */
const BEHIND = new Map([
  ...['docker', 'podman', 'nerdctl'].map((name) => [name, /^(?:exec|run)$/] as const),
  ...['kubectl', 'oc', 'k3s'].map((name) => [name, /^(?:exec|debug)$/] as const),
]);

/** Shell text, or SQL: the commands in it, one after the other. */
export function textRisk(
  text: string,
  about: readonly string[] = [],
  depth = 0,
): CommandFinding | null {
  if (looksLikeSql(text)) {
    const found = sqlRecovery(text);
    if (found !== null) return { recovery: found, because: `its SQL says \`${found}\`` };
  }
  if (text.length > MAX_SHELL) return { recovery: 'a command too long', because: 'it is too long' };
  let worst: CommandFinding | null = null;
  for (const words of shellCommands(text)) {
    const found = commandRisk(words, about, depth);
    if (found?.recovery != null) return found;
    worst ??= found;
  }
  return worst;
}

function programName(path: string): string {
  if (/^[A-Za-z_]\w*=/.test(path)) return '';
  return (path.split(/[/\\]/).at(-1) ?? '').toLowerCase().replace(/\.(?:exe|cmd|bat|sh)$/, '');
}

/** Quotes are taken off, everything that begins another command separates. What a variable holds nobody knows. */
function shellCommands(text: string): Word[][] {
  const commands: Word[][] = [];
  let command: Word[] = [];
  let word = '';
  let open = false;
  let quote = '';
  const endWord = () => {
    if (open) command.push(/\$[\w{(]/.test(word) && command.length === 0 ? null : word);
    word = '';
    open = false;
  };
  const endCommand = () => {
    endWord();
    if (command.length > 0) commands.push(command);
    command = [];
  };
  for (let at = 0; at < Math.min(text.length, MAX_SHELL); at++) {
    const character = text[at] ?? '';
    if (quote !== '' && character === quote) quote = '';
    else if (quote === "'") word += character;
    else if (character === '\\') {
      word += text[++at] ?? '';
      open = true;
    } else if (character === '`' || (character === '$' && text[at + 1] === '(')) endCommand();
    else if (quote !== '') word += character;
    else if (character === '"' || character === "'") {
      quote = character;
      open = true;
    } else if (/[;&|\n()]/.test(character)) endCommand();
    else if (/\s/.test(character)) endWord();
    else {
      word += character;
      open = true;
    }
  }
  endCommand();
  return commands;
}

const MAX_SHELL = 20_000;
