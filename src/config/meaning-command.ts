import type { Json, JsonObject } from '../domain/json.ts';
import { namesOfArgv, parseArgv } from '../tools/argv.ts';
import { parseSelection } from '../tools/selection.ts';
import { namesOfJson, parseJsonTemplate } from '../tools/template.ts';
import { listOf, members, pointer } from './meaning.ts';
import { argumentFor, readTemplate, type Say } from './placeholders.ts';
import { namesSecret } from './secret-shapes.ts';

/** Every placeholder is an argument of one value, every argument has its place, and no word carries a secret. */
export function commandProblems(
  command: JsonObject,
  input: JsonObject,
  place: string,
  say: Say,
): void {
  const used = new Set<string>();
  const read = <T>(at: string, parse: () => T): T | null => readTemplate(at, parse, say);
  const use = (name: string, at: string, single: boolean): void => {
    used.add(name);
    const definition = argumentFor(name, input, at, say);
    if (
      definition !== null &&
      single &&
      (definition.type === 'array' || definition.type === 'object')
    )
      say(
        at,
        `\`{${name}}\` is ${definition.type === 'array' ? 'a list' : 'an object'} and cannot be a word of a command`,
        'put it into `stdin`, or make it one value',
      );
  };
  const args = listOf(command.args);
  const argv = read(`${place}/args`, () => parseArgv(args));
  for (const name of argv === null ? [] : namesOfArgv(argv)) use(name, `${place}/args`, true);
  secretWords(args, `${place}/args`, say);
  if (command.stdin !== undefined) {
    const { stdin } = command;
    const parsed = read(`${place}/stdin`, () => parseJsonTemplate(stdin));
    for (const name of parsed === null ? [] : namesOfJson(parsed))
      use(name, `${place}/stdin`, false);
  }
  pathProblems(command, input, argv === null ? [] : namesOfArgv(argv), place, say);
  partsProblems(command, place, say);
  if (command.output !== 'json' && (command.project ?? command.select) !== undefined)
    say(`${place}/output`, 'only JSON can be reduced to parts', 'write `output: json`');
  const tool = place.slice(0, place.lastIndexOf('/'));
  for (const name of Object.keys(input))
    if (!used.has(name))
      say(
        `${tool}/input${pointer(name)}`,
        `argument \`${name}\` is used nowhere in the command`,
        `put \`{${name}}\` into it, or remove the argument`,
      );
}

function pathProblems(
  { paths }: JsonObject,
  input: JsonObject,
  inArgs: readonly string[],
  place: string,
  say: Say,
): void {
  for (const name of Object.keys(members(paths))) {
    const at = `${place}/paths${pointer(name)}`;
    if (!inArgs.includes(name))
      say(at, `\`${name}\` is a path and stands nowhere in \`args\``, `put \`{${name}}\` there`);
    else if (members(input[name]).type !== 'string')
      say(at, `\`${name}\` is a path and no text`, 'give it `type: string`');
  }
}

/** Anybody on the machine can read the arguments of a process. */
function secretWords(args: readonly Json[], place: string, say: Say): void {
  args.forEach((word, i) => {
    for (const one of Array.isArray(word) ? word : [word]) {
      const [, flag] = /^--?([A-Za-z][\w-]*)(?:=|$)/.exec(String(one)) ?? [];
      if (flag !== undefined && namesSecret(flag))
        say(
          `${place}/${i}`,
          `\`${flag.slice(0, 40)}\` would carry a secret, and everybody on this machine can read it`,
          'give it by the environment: `secrets` of the connection',
        );
    }
  });
}

export function partsProblems({ select }: JsonObject, place: string, say: Say): void {
  if (typeof select !== 'string') return;
  try {
    parseSelection(select);
  } catch (error) {
    say(`${place}/select`, `the selection cannot be read: ${(error as Error).message}`);
  }
}
