import { isIP } from 'node:net';
import { addressKind } from '../boundary/addresses.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { parsePath } from '../tools/path.ts';
import { listOf, members, pointer } from './meaning.ts';
import {
  apiCredentialProblems,
  databaseCredentialProblems,
  vaultServerProblems,
} from './meaning-credentials.ts';
import { environmentProblems, mcpProblems } from './meaning-mcp.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { namesSecret, secretShapes } from './secret-shapes.ts';
import type { Source } from './source.ts';

const ALMOST_PRODUCTION = /prod|prd|live/;

/** Headers that the connector or the connection itself decides. */
const OWN_HEADERS =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept-encoding|proxy-.*|sec-.*|forwarded|x-forwarded-.*|via)$/i;

export function connectionProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const vaults = members(root.vaults);
  const servers = vaultServerProblems(source, vaults);
  const of = Object.entries(members(root.connections)).flatMap(([name, value]) => {
    const connection = members(value);
    const place = (key: string) => source.at(pointer('connections', name, key));
    const problems: ConfigProblem[] = [];
    const labels: readonly (readonly [Json | undefined, string])[] = [
      [connection.environment, place('environment')],
      ...Object.entries(members(connection.tables)).map(
        ([table, label]) =>
          [label, source.at(pointer('connections', name, 'tables', table))] as const,
      ),
    ];
    for (const [environment, at] of labels) {
      if (typeof environment !== 'string' || environment === 'production') continue;
      if (!ALMOST_PRODUCTION.test(environment.toLowerCase())) continue;
      problems.push(
        problem(
          'CONFIG_INVALID',
          at,
          `expected \`production\` or a name that is not mistaken for it, got \`${environment.slice(0, 63)}\``,
          'only `production` is production; leave the label out to get it',
        ),
      );
    }
    if (connection.kind === 'command')
      environmentProblems(connection, (keys, message, help) => {
        const at = source.at(pointer('connections', name, ...keys), 'key');
        problems.push(problem('CONFIG_INVALID', at, message, help));
      });
    if (connection.kind === 'http')
      problems.push(
        ...overHttpProblems(connection, place),
        ...apiCredentialProblems(source, name, connection, vaults),
      );
    if (connection.kind === 'postgres')
      problems.push(...databaseCredentialProblems(source, name, connection, vaults));
    if (connection.kind === 'mcp')
      problems.push(
        ...mcpProblems(source, name, connection),
        ...(connection.url === undefined ? [] : overHttpProblems(connection, place)),
      );
    return problems;
  });
  return [...servers, ...of];
}

/** Where calls go over HTTP, and which header carries the secret. */
function overHttpProblems(connection: JsonObject, place: (key: string) => string): ConfigProblem[] {
  const { header, secret, prefix, vault } = connection;
  const problems = urlProblems(connection, place('url'));
  if (typeof header === 'string' && OWN_HEADERS.test(header))
    problems.push(
      problem(
        'CONFIG_INVALID',
        place('header'),
        `header \`${header}\` is not free to carry a secret`,
      ),
    );
  for (const key of ['header', 'prefix'])
    if (connection[key] !== undefined && secret === undefined && vault === undefined)
      problems.push(
        problem(
          'CONFIG_INVALID',
          place(key),
          `\`${key}\` says how a secret is sent, and no \`secret\` is named`,
        ),
      );
  if (typeof prefix === 'string' && prefix.length > 20)
    problems.push(
      problem(
        'CONFIG_INVALID',
        place('prefix'),
        'expected a short word such as `Bearer `, got something long',
      ),
    );
  return problems;
}

function urlProblems(connection: JsonObject, at: string): ConfigProblem[] {
  const { url, allowPrivate } = connection;
  if (typeof url !== 'string' || secretShapes(url).length > 0) return [];
  const say = (message: string, help?: string) => [problem('CONFIG_INVALID', at, message, help)];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:\/\/[^/]/i.test(url))
    return say('expected a URL such as `https://api.example.com/v1`, got something else');
  if (parsed.username !== '' || parsed.password !== '' || url.includes('@'))
    return say('expected a URL without user or password, got one with', 'name a `secret` instead');
  if (/[?#]/.test(url))
    return say(
      'expected a URL without query and fragment, got one with',
      'put the query into each tool',
    );
  if (/[^\x21-\x7e]|[\\{}]/.test(url))
    return say(
      'expected a URL in ASCII without templates, got other characters',
      'write international host names in their `xn--` form',
    );
  if (parsed.hostname.endsWith('.')) return say('expected a host name without final dot');
  try {
    parsePath(pathOf(url));
  } catch (error) {
    return say(`the path of the URL cannot be used: ${(error as Error).message}`);
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const kind = isIP(host) === 0 ? null : addressKind(host);
  if (kind === 'forbidden')
    return say(`\`${host}\` is link-local, a metadata service or reserved: nothing goes there`);
  if (kind === 'private' && allowPrivate !== true)
    return say(
      `\`${host}\` is a private address`,
      'add `allowPrivate: true` if that is meant; `signalbox plan` will flag it',
    );
  if (parsed.protocol === 'http:' && allowPrivate !== true)
    return say(
      'expected `https:`, got `http:` to a host that is not private',
      'use `https:`; plain `http:` is for private addresses with `allowPrivate: true`',
    );
  return [];
}

/** The path as written: the parser of URLs would resolve dots silently. */
function pathOf(url: string): string {
  const path = url.replace(/^https?:\/\/[^/]*/i, '');
  return path === '' ? '/' : path;
}

/** Headers of a tool: fixed, harmless, and none that carries a secret. */
export function headerProblems(
  source: Source,
  tool: string,
  http: JsonObject,
  connection: JsonObject,
): ConfigProblem[] {
  const carrier = String(connection.header ?? 'authorization').toLowerCase();
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(members(http.headers))) {
    const place = pointer('tools', tool, 'http', 'headers', name);
    const say = (message: string, help?: string) => {
      problems.push(problem('CONFIG_INVALID', source.at(place, 'key'), message, help));
    };
    if (namesSecret(name) || name.toLowerCase() === carrier)
      say(
        `header \`${name}\` would carry a secret, and this file holds none`,
        'name a `secret` and its `header` at the connection',
      );
    else if (OWN_HEADERS.test(name)) say(`header \`${name}\` is decided by the connector`);
    else if (
      /^content-type$/i.test(name) &&
      !/^application\/(?:[a-z.-]+\+)?json$/i.test(String(value))
    )
      say('expected a JSON content type: the body is sent as JSON');
  }
  const key = members(http.idempotency).header;
  if (typeof key === 'string' && (OWN_HEADERS.test(key) || key.toLowerCase() === carrier))
    problems.push(
      problem(
        'CONFIG_INVALID',
        source.at(pointer('tools', tool, 'http', 'idempotency', 'header')),
        `header \`${key}\` is not free to carry a key`,
      ),
    );
  return problems;
}

/** Fixed query pairs and body members that are named like a secret and hold a value. */
export function fixedSecretProblems(
  source: Source,
  tool: string,
  http: JsonObject,
): ConfigProblem[] {
  const say = (place: string) =>
    problem(
      'CONFIG_INVALID',
      source.at(place, 'key'),
      'this would hold a secret, and this file holds none',
      'send it in a header: name a `secret` and its `header` at the connection',
    );
  const look = (value: unknown, place: string): ConfigProblem[] => {
    if (Array.isArray(value))
      return listOf(value).flatMap((inner, i) => look(inner, `${place}/${i}`));
    return Object.entries(members(value as never)).flatMap(([key, inner]) => {
      const at = `${place}${pointer(key)}`;
      if (typeof inner === 'string' && namesSecret(key) && !inner.includes('{')) return [say(at)];
      return look(inner, at);
    });
  };
  return [
    ...look(http.query, pointer('tools', tool, 'http', 'query')),
    ...look(http.body, pointer('tools', tool, 'http', 'body')),
  ];
}
