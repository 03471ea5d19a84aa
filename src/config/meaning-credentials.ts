import type { JsonObject } from '../domain/json.ts';
import { members, pointer } from './meaning.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { looksRandom } from './secret-shapes.ts';
import type { Source } from './source.ts';

type Say = (keys: readonly string[], message: string, help?: string) => void;

/** Ways to a credential, of which a connection has one at most. */
const WAYS = ['secret', 'oauth', 'githubApp', 'vault'] as const;

const URLS = [
  'issuer',
  'tokenUrl',
  'revocationUrl',
  'introspectionUrl',
  'authorizationUrl',
] as const;

/** What is said about the credentials of an HTTP API fits together. */
export function apiCredentialProblems(
  source: Source,
  name: string,
  connection: JsonObject,
  vaults: JsonObject,
): ConfigProblem[] {
  const { problems, say } = saying(source, 'connections', name);
  const ways = WAYS.filter((way) => connection[way] !== undefined);
  if (ways.length > 1)
    say(
      [ways[1] ?? ''],
      `expected one way to a credential, got ${ways.map((way) => `\`${way}\``).join(' and ')}`,
      'keep one, or make two connections of it',
    );
  if (connection.oauth !== undefined) oauthProblems(connection, say);
  const { privateKey } = members(connection.githubApp);
  if (typeof privateKey === 'string' && looksRandom(privateKey))
    say(['githubApp', 'privateKey'], LOOKS_RANDOM, STORE_IT);
  vaultProblems(connection, vaults, say);
  return problems;
}

export function databaseCredentialProblems(
  source: Source,
  name: string,
  connection: JsonObject,
  vaults: JsonObject,
): ConfigProblem[] {
  const { problems, say } = saying(source, 'connections', name);
  vaultProblems(connection, vaults, say);
  const { role } = members(connection.vault);
  if (typeof role === 'string' && /[{}]/.test(role.replaceAll('{agent}', '')))
    say(['vault', 'role'], 'expected only `{agent}` in braces');
  return problems;
}

/** The servers themselves. */
export function vaultServerProblems(source: Source, vaults: JsonObject): ConfigProblem[] {
  return Object.entries(vaults).flatMap(([name, value]) => {
    const { problems, say } = saying(source, 'vaults', name);
    const { url, allowPrivate, auth } = members(value);
    if (typeof url === 'string' && url.startsWith('http:') && allowPrivate !== true)
      say(['url'], PLAIN, ALLOW);
    const { method, secret, roleId, role } = members(auth);
    if (typeof secret === 'string' && looksRandom(secret))
      say(['auth', 'secret'], LOOKS_RANDOM, STORE_IT);
    const lacks = (field: string) =>
      say(['auth'], `\`${String(method)}\` needs \`${field}\`, and there is none`);
    if (method !== 'kubernetes' && secret === undefined) lacks('secret');
    if (method === 'approle' && roleId === undefined) lacks('roleId');
    if (method === 'kubernetes' && role === undefined) lacks('role');
    return problems;
  });
}

const PLAIN = 'expected `https:`, got `http:` to a host that is not private';
const ALLOW = 'use `https:`; plain `http:` is for private addresses with `allowPrivate: true`';
const LOOKS_RANDOM =
  'this looks like a secret, not the name of one, and this file holds no secrets';
const STORE_IT = 'store the value with `signalbox secret set NAME` and write its name';

function oauthProblems({ oauth, allowPrivate }: JsonObject, say: Say): void {
  const said = members(oauth);
  const { issuer, tokenUrl, clientSecret, grant } = said;
  if (issuer === undefined && tokenUrl === undefined)
    say(
      ['oauth'],
      'expected `issuer` or `tokenUrl`, got neither',
      'name the authorization server by its `issuer`, or its endpoints',
    );
  for (const key of URLS) {
    const url = said[key];
    if (typeof url === 'string' && url.startsWith('http:') && allowPrivate !== true)
      say(['oauth', key], PLAIN, ALLOW);
    if (typeof url === 'string' && (!URL.canParse(url) || /[?#@]/.test(url)))
      say(['oauth', key], 'expected a URL without user, query and fragment');
  }
  if (typeof clientSecret === 'string' && looksRandom(clientSecret))
    say(['oauth', 'clientSecret'], LOOKS_RANDOM, STORE_IT);
  if (clientSecret === undefined && grant !== 'authorization_code')
    say(['oauth'], '`client_credentials` needs a `clientSecret`, and there is none');
  const { authorizationUrl } = said;
  if (said.perUser === true && grant !== 'authorization_code')
    say(['oauth', 'perUser'], '`perUser` goes with `grant: authorization_code`');
  if (grant === 'authorization_code' && issuer === undefined && authorizationUrl === undefined)
    say(['oauth'], '`authorization_code` needs `issuer` or `authorizationUrl`, got neither');
}

function vaultProblems({ vault }: JsonObject, vaults: JsonObject, say: Say): void {
  if (vault === undefined) return;
  const { server } = members(vault);
  if (typeof server === 'string' && !Object.hasOwn(vaults, server))
    say(
      ['vault', 'server'],
      `there is no \`${server}\` under \`vaults\``,
      'describe the server there: `url` and `auth`',
    );
}

function saying(
  source: Source,
  table: string,
  name: string,
): { readonly problems: ConfigProblem[]; readonly say: Say } {
  const problems: ConfigProblem[] = [];
  const say: Say = (keys, message, help) => {
    const place = pointer(table, name, ...keys);
    problems.push(problem('CONFIG_INVALID', source.at(place, 'key'), message, help));
  };
  return { problems, say };
}
