import { COMMANDS, GLOBAL_OPTIONS } from '../../src/cli/commands.ts';

const WORD = /^[a-z][a-z-]*$/;

/** What is wrong with the `signalbox …` and `npm …` calls in a piece of code; empty when all of it exists. */
export function unknownCalls(code: string, scripts: ReadonlySet<string>): string[] {
  return [...npmProblems(code, scripts), ...signalboxProblems(code)];
}

function npmProblems(code: string, scripts: ReadonlySet<string>): string[] {
  const named = [...code.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map((call) => call[1] ?? '');
  const short = [...code.matchAll(/\bnpm (start|test)\b/g)].map((call) => call[1] ?? '');
  return [...named, ...short]
    .filter((name) => !scripts.has(name))
    .map((name) => `there is no script \`${name}\` in package.json`);
}

function signalboxProblems(code: string): string[] {
  return [...code.matchAll(/(?:^|[\s`(|])signalbox ((?:[^\s`|;&#()]+ ?)+)/g)].flatMap((call) => {
    const words = (call[1] ?? '').trim().split(/\s+/);
    const [first = '', second = ''] = words;
    if (first === 'help' || first.startsWith('-') || !WORD.test(first)) return [];
    const command =
      COMMANDS.find(({ name }) => name === `${first} ${second}`) ??
      COMMANDS.find(({ name }) => name === first);
    // `signalbox ledger verify|erase` and the like name a group
    const isGroup = COMMANDS.some(({ name }) => name.startsWith(`${first} `));
    if (command === undefined)
      return isGroup && !WORD.test(second)
        ? []
        : [`there is no command \`signalbox ${first}${isGroup ? ` ${second}` : ''}\``];
    const end = words.indexOf('--');
    const known = new Set([...Object.keys(GLOBAL_OPTIONS), ...Object.keys(command.options)]);
    return words
      .slice(0, end === -1 ? undefined : end)
      .filter((word) => word.startsWith('--'))
      .map((word) => word.slice(2).replace(/=.*$/, ''))
      .filter((option) => /^[a-z]/.test(option) && !known.has(option))
      .map((option) => `\`signalbox ${command.name}\` has no option \`--${option}\``);
  });
}
