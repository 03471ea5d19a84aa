/** What a command line of a client really starts. */
export type Launch =
  | { readonly kind: 'program'; readonly command: string; readonly args: readonly string[] }
  /** A package of npm, run by name. */
  | {
      readonly kind: 'package';
      readonly name: string;
      readonly version: string | null;
      /** Which of its programs; null: the one there is. */
      readonly bin: string | null;
      readonly args: readonly string[];
    }
  /** A bridge to a server elsewhere. */
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly headers: { readonly [name: string]: string };
    }
  /** A launcher that fetches what it starts. */
  | {
      readonly kind: 'fetched';
      readonly launcher: string;
      readonly what: string;
      /** The program of that name, where it may be installed; null: it is not said so plainly. */
      readonly program: string | null;
      readonly args: readonly string[];
    };

const NPX_FLAGS_WITH_VALUE = new Set(['-p', '--package', '-c', '--call', '-w', '--workspace']);
const SHELL = /^(?:ba|z|da|k)?sh$|^(?:powershell|pwsh|cmd)$/;
/** Somewhere in the text for a shell. */
const FETCHING =
  /(?:^|[\s/;&|("'`])(npx|bunx|pnpx|uvx|npm (?:exec|x)|pnpm dlx|yarn dlx|bun x|pipx run|uv tool run|uv run|curl|wget|docker pull)(?=\s|$)/;

export function launchOf(command: string, args: readonly string[]): Launch {
  const program = nameOf(command);
  if ((program === 'cmd' || program === 'cmd.exe') && /^\/c$/i.test(args[0] ?? ''))
    return launchOf(args[1] ?? '', args.slice(2));
  if (program === 'npx' || (program === 'npm' && (args[0] === 'exec' || args[0] === 'x')))
    return packageOf(program === 'npx' ? args : args.slice(1));
  if (program === 'bunx' || program === 'pnpx') return packageOf(args);
  if (program === 'uvx') return fetchedBy('uvx', args);
  if (SHELL.test(program)) {
    const [, launcher] = FETCHING.exec(args.join(' ')) ?? [];
    if (launcher !== undefined)
      return { kind: 'fetched', launcher, what: args.join(' '), program: null, args: [] };
  }
  const [first = '', second = ''] = args;
  if ((program === 'pnpm' || program === 'yarn') && first === 'dlx')
    return packageOf(args.slice(1));
  if (program === 'bun' && first === 'x') return packageOf(args.slice(1));
  if ((program === 'pnpm' || program === 'yarn') && first === 'exec')
    return fetchedBy(`${program} exec`, args.slice(1));
  if (program === 'pipx' && first === 'run') return fetchedBy('pipx run', args.slice(1));
  if (program === 'uv' && first === 'tool' && second === 'run')
    return fetchedBy('uv tool run', args.slice(2));
  return { kind: 'program', command, args };
}

function nameOf(command: string): string {
  return command
    .replaceAll('\\', '/')
    .replace(/^.*\//, '')
    .replace(/\.(?:cmd|exe|ps1)$/i, '')
    .toLowerCase();
}

/** Only a name alone, before which no option stands, is surely the program that is meant. */
function fetchedBy(launcher: string, args: readonly string[]): Launch {
  const what = args.find((word) => !word.startsWith('-')) ?? '';
  const plain = what === args[0] && /^[A-Za-z0-9][\w.-]*$/.test(what);
  return { kind: 'fetched', launcher, what, program: plain ? what : null, args: args.slice(1) };
}

function packageOf(args: readonly string[]): Launch {
  const packages: string[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    const [, flag = '', given] = /^(-[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === '--') {
      at++;
      break;
    }
    if (flag === '') break;
    if (!NPX_FLAGS_WITH_VALUE.has(flag)) continue;
    const value = given ?? args[++at] ?? '';
    if (flag === '-p' || flag === '--package') packages.push(value);
    else return { kind: 'fetched', launcher: `npx ${flag}`, what: value, program: null, args: [] };
  }
  const [first = '', ...rest] = args.slice(at);
  const asked = packages[0] ?? first;
  const { name, version } = specOf(asked);
  if (name === 'mcp-remote') return remoteOf(rest);
  if (name === '')
    return { kind: 'fetched', launcher: 'npx', what: asked, program: null, args: [] };
  return { kind: 'package', name, version, bin: packages.length > 0 ? first : null, args: rest };
}

/** `@scope/name@1.2.3`; a URL, a path or a Git reference is no name. */
function specOf(spec: string): { name: string; version: string | null } {
  const [, name = '', version] =
    /^((?:@[a-z0-9~._-]+\/)?[a-z0-9~._-]+)(?:@([^/:]+))?$/i.exec(spec) ?? [];
  return { name, version: version === undefined || version === 'latest' ? null : version };
}

/** `mcp-remote URL --header "Name: value"`. */
function remoteOf(args: readonly string[]): Launch {
  const headers: { [name: string]: string } = {};
  args.forEach((word, i) => {
    if (word !== '--header') return;
    const [, name, value] = /^([^:]+):\s*(.*)$/s.exec(args[i + 1] ?? '') ?? [];
    if (name !== undefined && value !== undefined) headers[name.trim()] = value;
  });
  return { kind: 'remote', url: args.find((word) => /^https?:\/\//.test(word)) ?? '', headers };
}
