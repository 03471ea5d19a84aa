import type { JsonObject } from '../domain/json.ts';
import { toolPrefixOf } from './declare-mcp.ts';
import { listOf, members, pointer } from './meaning.ts';
import { narrowingProblems } from './meaning-narrow.ts';
import { isReserved, TOOL_NAME } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { isTokenLike, looksRandom, namesSecret } from './secret-shapes.ts';
import type { Source } from './source.ts';

export type SayAt = (keys: readonly (string | number)[], message: string, help?: string) => void;

/** Which fields go with a command and which with a URL. */
const OF_COMMAND = ['env', 'secrets', 'cwd'];
const OF_URL = ['allowPrivate', 'secret', 'header', 'prefix', 'headers', 'oauth'];

/** The headers that MCP itself sends. */
const MCP_HEADERS = /^(?:mcp-.*|accept|content-type|last-event-id)$/i;

/** Where a word of a command stands for a secret of its connection. */
const SECRET_WORD = /\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}/g;

const USE_SECRETS =
  'store the value with `signalbox secret set NAME` and write `secrets: { VARIABLE: NAME }`';

/** An MCP server is started or called, one of the two, and what is written about it fits together. */
export function mcpProblems(source: Source, name: string, connection: JsonObject): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const say: SayAt = (keys, message, help) => {
    const place = pointer('connections', name, ...keys);
    problems.push(problem('CONFIG_INVALID', source.at(place, 'key'), message, help));
  };
  const { command, url } = connection;
  if (command === undefined && url === undefined)
    say(
      [],
      `\`connections.${name}\`: expected \`command\` or \`url\`, got neither`,
      'say how the server is reached: `command: [node, server.js]` or `url: https://…/mcp`',
    );
  if (command !== undefined && url !== undefined)
    say(
      ['url'],
      `\`connections.${name}\`: expected \`command\` or \`url\`, got both`,
      'make two connections of it',
    );
  const [foreign, with_] = url === undefined ? [OF_URL, '`url`'] : [OF_COMMAND, '`command`'];
  if ((command === undefined) !== (url === undefined))
    for (const key of foreign)
      if (connection[key] !== undefined)
        say([key], `\`${key}\` goes with ${with_}, and there is none here`, insteadOf(key));
  commandProblems(connection, say);
  environmentProblems(connection, say);
  authorizationProblems(connection, say);
  headerProblems(connection, say);
  servingProblems(name, connection, say);
  return problems;
}

function insteadOf(key: string): string {
  if (key === 'secret') return USE_SECRETS;
  if (key === 'secrets') return 'name one `secret`, and the `header` that carries it';
  return 'remove it';
}

/** Anybody on the machine can read the arguments of a process. */
function commandProblems({ command, secrets }: JsonObject, say: SayAt): void {
  const words = listOf(command).map(String);
  words.forEach((word, i) => {
    for (const [, variable = ''] of word.matchAll(SECRET_WORD))
      if (!Object.hasOwn(members(secrets), variable))
        say(
          ['command', i],
          `\`${variable.slice(0, 40)}\` is no variable of \`secrets\``,
          USE_SECRETS,
        );
    const [, flag, given] = /^--?([A-Za-z][A-Za-z0-9_-]*)(=.*)?$/s.exec(word) ?? [];
    if (flag === undefined || !namesSecret(flag)) return;
    const next = words[i + 1];
    if (isSecretWord(given?.slice(1) ?? next)) return;
    if (given !== undefined || (next !== undefined && !next.startsWith('-')))
      say(
        ['command', i],
        `\`${flag.slice(0, 40)}\` in \`command\` would carry a secret, and this file holds none`,
        `give it by an environment variable: ${USE_SECRETS}`,
      );
  });
}

function isSecretWord(word: string | undefined): boolean {
  return word !== undefined && word.replaceAll(SECRET_WORD, '') === '' && word !== '';
}

/** What goes with every request besides the credential. */
function headerProblems({ headers, header = 'authorization' }: JsonObject, say: SayAt): void {
  for (const [name, value] of Object.entries(members(headers))) {
    if (
      MCP_HEADERS.test(name) ||
      /^(?:host|content-length|connection|transfer-encoding)$/i.test(name)
    )
      say(['headers', name], `header \`${name}\` is not free to be set`);
    else if (
      name.toLowerCase() === String(header).toLowerCase() ||
      namesSecret(name) ||
      (typeof value === 'string' && isTokenLike(value))
    )
      say(
        ['headers', name],
        `\`${name}\` in \`headers\` would hold a secret, and this file holds none`,
        'store the value with `signalbox secret set NAME` and write `secret: NAME` with `header`',
      );
  }
}

export function environmentProblems({ env, secrets }: JsonObject, say: SayAt): void {
  for (const [variable, value] of Object.entries(members(env))) {
    if (isReserved(variable)) say(['env', variable], `\`${variable}\` is reserved by the language`);
    if (Object.hasOwn(members(secrets), variable))
      say(['env', variable], `\`${variable}\` stands in \`env\` and in \`secrets\``, 'keep one');
    else if (namesSecret(variable) || (typeof value === 'string' && isTokenLike(value)))
      say(
        ['env', variable],
        `\`${variable}\` in \`env\` would hold a secret, and this file holds none`,
        USE_SECRETS,
      );
  }
  for (const [variable, named] of Object.entries(members(secrets))) {
    if (isReserved(variable))
      say(['secrets', variable], `\`${variable}\` is reserved by the language`);
    if (typeof named === 'string' && looksRandom(named))
      say(
        ['secrets', variable],
        'this looks like a secret, not the name of one, and this file holds no secrets',
        USE_SECRETS,
      );
  }
}

function authorizationProblems({ secret, header, oauth }: JsonObject, say: SayAt): void {
  if (typeof header === 'string' && MCP_HEADERS.test(header))
    say(['header'], `header \`${header}\` is not free to carry a secret`);
  if (oauth === undefined) return;
  if (secret !== undefined)
    say(['oauth'], 'expected `secret` or `oauth`, got both', 'keep the one that the server wants');
  const { clientId, clientSecret, clientMetadataUrl } = members(oauth);
  if (clientSecret !== undefined && clientId === undefined)
    say(
      ['oauth', 'clientSecret'],
      '`clientSecret` belongs to a `clientId`, and there is none',
      'add the `clientId` it was issued for',
    );
  if (clientMetadataUrl !== undefined && clientId !== undefined)
    say(['oauth', 'clientMetadataUrl'], 'expected `clientId` or `clientMetadataUrl`, got both');
  if (typeof clientSecret === 'string' && looksRandom(clientSecret))
    say(
      ['oauth', 'clientSecret'],
      'this looks like a secret, not the name of one, and this file holds no secrets',
      'store the value with `signalbox secret set NAME` and write `clientSecret: NAME`',
    );
}

function servingProblems(name: string, connection: JsonObject, say: SayAt): void {
  const prefix = toolPrefixOf(name, connection);
  const fits = new RegExp(TOOL_NAME);
  const tools = members(members(connection.serve).tools);
  for (const upstream of Object.keys(tools)) {
    narrowingProblems(upstream, members(tools[upstream]), say);
    if (upstream === '*') continue;
    const served = prefix + upstream;
    if (!fits.test(served) || isReserved(served))
      say(
        ['serve', 'tools', upstream],
        `\`${served.slice(0, 160)}\` cannot be the name of a tool`,
        'names are a letter, then up to 127 letters, digits, `_`, `.` and `-`; `toolPrefix` stands before them',
      );
  }
}
