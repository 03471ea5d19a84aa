import { parseArgs } from 'node:util';
import { exposed, SignalboxError } from '../domain/errors.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import { checkedUrl } from './address.ts';
import { adminClient } from './client.ts';
import type { Answer, Call, Command } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';
import { EXIT, exitOf } from './exit.ts';
import { commandHelp, generalHelp } from './help.ts';
import { type Home, homeOf } from './home.ts';
import type { Io } from './io.ts';
import type { Parts } from './parts.ts';
import { styleFor } from './render.ts';
import { nearest } from './suggest.ts';

const DEFAULT_URL = 'http://127.0.0.1:4811';

/** Runs one command line and answers its exit code. Nothing is thrown; everything is said through `io`. */
export async function main(argv: readonly string[], io: Io, parts: Parts): Promise<number> {
  const json = argv
    .slice(0, argv.includes('--') ? argv.indexOf('--') : undefined)
    .includes('--json');
  try {
    const answer = await dispatch(argv, io, parts);
    if (typeof answer === 'number') return answer;
    if (json) io.out.write(`${JSON.stringify(answer.json)}\n`);
    else if (answer.text !== '') io.out.write(`${answer.text}\n`);
    return answer.exit ?? EXIT.ok.code;
  } catch (fault) {
    const error = exposed(fault);
    if (json) io.out.write(`${JSON.stringify({ error: error.toJSON() })}\n`);
    else io.err.write(said(error));
    if (argv.includes('--debug') && error.cause !== undefined)
      io.err.write(
        `${plain(error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause), true)}\n`,
      );
    return exitOf(error);
  }
}

/** `code: message` and what to do; each fault of a file on lines of its own. */
function said(error: SignalboxError): string {
  const { problems = [] } = error.toJSON() as { problems?: readonly Said[] };
  if (problems.length > 1) return problems.map(saidOf).join('');
  return saidOf(error);
}

type Said = Pick<SignalboxError, 'code' | 'message' | 'help'> & {
  readonly at?: string | undefined;
};

function saidOf(error: Said): string {
  const at = error.at === undefined ? '' : `${plain(error.at)} `;
  return `${error.code}: ${at}${plain(error.message, true)}\nhelp: ${plain(error.help, true)}\n`;
}

async function dispatch(argv: readonly string[], io: Io, parts: Parts): Promise<Answer | number> {
  const [first] = argv;
  const style = styleFor(io);
  if (first === undefined || first === '--help' || first === '-h')
    return generalHelp(COMMANDS, style);
  if (first === 'help') {
    const words = argv.slice(1).filter((word) => !word.startsWith('-'));
    return words.length === 0
      ? generalHelp(COMMANDS, style)
      : commandHelp(find(words).command, GLOBAL_OPTIONS, style);
  }
  if (first === '--version') return dispatch(['version', ...argv.slice(1)], io, parts);
  const { command, words } = find(argv);
  const parsed = parse(command, argv.slice(words));
  if (parsed.options.help === true) return commandHelp(command, GLOBAL_OPTIONS, style);
  const [least, most] = command.positionals;
  if (parsed.positionals.length < least || parsed.positionals.length > most)
    throw new SignalboxError(
      'USAGE',
      `expected \`signalbox ${command.name}${command.usage === '' ? '' : ` ${command.usage}`}\``,
      {
        help: `\`signalbox help ${command.name}\``,
      },
    );
  const home = homeOf(io);
  return command.run({
    ...parsed,
    io,
    home,
    parts,
    style,
    api: apiOf(io, home, parsed.options.url),
  });
}

/** The command that the first one or two words name. */
function find(argv: readonly string[]): { readonly command: Command; readonly words: number } {
  const two = COMMANDS.find(({ name }) => name === `${argv[0]} ${argv[1]}`);
  if (two !== undefined) return { command: two, words: 2 };
  const one = COMMANDS.find(({ name }) => name === argv[0]);
  if (one !== undefined) return { command: one, words: 1 };
  throw unknown(argv);
}

function unknown([first = '', second = '']: readonly string[]): SignalboxError {
  const verbs = COMMANDS.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  const typed = verbs.length > 0 && second !== '' ? `${first} ${second}` : first;
  const near = nearest(typed, [
    ...COMMANDS.map(({ name }) => name),
    ...COMMANDS.flatMap(({ name }) => name.split(' ').slice(0, 1)),
  ]);
  const help =
    verbs.length > 0
      ? `\`signalbox ${first}\` takes ${verbs.map((name) => `\`${name.slice(first.length + 1)}\``).join(', ')}`
      : near !== null
        ? `did you mean \`signalbox ${near}\`?`
        : '`signalbox help` lists the commands';
  return new SignalboxError('USAGE', `unknown command \`${typed}\``, { help });
}

function parse(
  command: Command,
  argv: readonly string[],
): Pick<Call, 'options' | 'positionals' | 'rest'> {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end + 1);
  if (rest.length > 0 && command.passesRest !== true)
    throw new SignalboxError('USAGE', `\`signalbox ${command.name}\` takes nothing after \`--\``);
  const options = { ...GLOBAL_OPTIONS, ...command.options };
  try {
    const parsed = parseArgs({
      args: [...own],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short }]) => [
          name,
          { type, ...(short === undefined ? {} : { short }) },
        ]),
      ),
    });
    return { options: { ...parsed.values }, positionals: parsed.positionals, rest };
  } catch (fault) {
    throw misused(command, Object.keys(options), own, fault);
  }
}

function misused(
  command: Command,
  known: readonly string[],
  argv: readonly string[],
  fault: unknown,
): SignalboxError {
  const code = fault instanceof Error && 'code' in fault ? fault.code : '';
  const odd = argv.find(
    (word) => word.startsWith('-') && !known.includes(word.replace(/^-+/, '').replace(/=.*$/, '')),
  );
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && odd !== undefined) {
    const near = nearest(odd.replace(/^-+/, '').replace(/=.*$/, ''), known);
    return new SignalboxError('USAGE', `unknown option \`${odd.replace(/=.*$/, '')}\``, {
      help: near === null ? `\`signalbox help ${command.name}\`` : `did you mean \`--${near}\`?`,
    });
  }
  const message = fault instanceof Error ? (fault.message.split(/[.\n]/)[0] ?? '') : '';
  return new SignalboxError('USAGE', message.charAt(0).toLowerCase() + message.slice(1), {
    help: `\`signalbox help ${command.name}\``,
  });
}

function apiOf(io: Io, home: Home, option: string | boolean | undefined): Call['api'] {
  const named = typeof option === 'string' ? option : io.env.SIGNALBOX_URL;
  const address = async () => {
    const known = await home.operator();
    const url = checkedUrl(named ?? known?.url ?? DEFAULT_URL);
    if (known === null) throw new SignalboxError('OPERATOR_UNKNOWN', 'nobody is logged in here');
    // A key is sent to the address it was made for; another one has to be logged in to.
    if (new URL(url).origin !== new URL(known.url).origin)
      throw new SignalboxError(
        'OPERATOR_UNKNOWN',
        `you are logged in at \`${known.url}\`, not at \`${url}\``,
        {
          help: `\`signalbox login --url ${url} --key-stdin\``,
        },
      );
    return { url, bearer: known.key };
  };
  return adminClient(io, address, async () =>
    checkedUrl(named ?? (await home.operator())?.url ?? DEFAULT_URL),
  );
}
