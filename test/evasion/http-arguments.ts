/** HTTP tools, attacked by their arguments and by what their target answers. The target's own log says what arrived. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import {
  json,
  type Seen,
  startTarget,
  type TestTarget,
} from '../../src/connectors/http/testing/target.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { HTTP_CASES, HTTP_CONTROLS, type HttpCase, type HttpControl } from './http/cases.ts';

const AGENT = 'support';
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const SECRET = 'evasion-fixture-token-0123456789';

export const httpArguments: Group = {
  name: 'http-arguments',
  async open(): Promise<Stand> {
    const inside = await startTarget((response) => json(response, { private: 'inside' }));
    const target = await startTarget((response, seen) => answer(response, seen, inside));
    const gateway = await openGateway({
      config: configFor(target),
      agent: AGENT,
      secrets: { token: SECRET },
    });
    return {
      cases: HTTP_CASES.map((one) => caseOf(one, target, inside, gateway)),
      controls: HTTP_CONTROLS.map((one) => controlOf(one, target, gateway)),
      async close() {
        await gateway.close();
        await target.close();
        await inside.close();
      },
    };
  },
};

/** Some items are traps: they redirect, echo the credential, or smuggle. */
function answer(response: Parameters<typeof json>[0], seen: Seen, inside: TestTarget): void {
  const item = /\/items\/([a-z0-9-]+)/.exec(seen.url)?.[1] ?? 'other';
  const redirect = /^r(30[12378])$/.exec(item);
  if (redirect !== null)
    response.writeHead(Number(redirect[1]), { location: `${inside.url}/secret` }).end();
  else if (item === 'refresh')
    response
      .writeHead(200, { refresh: `0; url=${inside.url}/secret`, 'content-type': 'text/html' })
      .end('<p>x');
  else if (item === 'location') response.writeHead(201, { location: `${inside.url}/x` }).end('{}');
  else if (item === 'echo')
    json(response, { given: seen.headers.authorization, all: seen.headers });
  else if (item === 'echo64')
    json(response, { given: Buffer.from(String(seen.headers.authorization)).toString('base64') });
  else if (item === 'echourl')
    json(response, { given: encodeURIComponent(String(seen.headers.authorization)) });
  else if (item === 'echoslow') {
    // in two pieces, the secret between them
    const said = JSON.stringify({ given: seen.headers.authorization });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(said.slice(0, said.length / 2));
    setTimeout(() => response.end(said.slice(said.length / 2)), 20);
  } else if (item === 'gzip' || item === 'brotli') {
    const bomb = Buffer.alloc(50_000_000);
    const coding = item === 'gzip' ? 'gzip' : 'br';
    const body = item === 'gzip' ? gzipSync(bomb) : brotliCompressSync(bomb, FAST);
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
    response.end(body);
  } else if (item === 'trailer') {
    response.writeHead(200, { 'content-type': 'application/json', trailer: 'location' });
    response.write('{}');
    response.addTrailers({ location: `${inside.url}/secret` });
    response.end();
  } else if (item === 'cookie') {
    const cookie = 'session=stolen; Path=/';
    response.writeHead(200, { 'set-cookie': cookie, 'content-type': 'application/json' }).end('{}');
  } else if (item === 'link')
    response.writeHead(200, { link: `<${inside.url}/x>; rel=preload` }).end('{}');
  else if (item === 'early') {
    response.writeEarlyHints({ link: `<${inside.url}/x>; rel=preload` });
    json(response, {});
  } else if (item === 'script')
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<script src="${inside.url}/x"></script>`);
  else if (item === 'deep')
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  else if (item === 'twice')
    response
      .writeHead(200, { location: `${inside.url}/y`, 'content-location': `${inside.url}/x` })
      .end('{}');
  else if (item === 'local')
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
  else if (item === 'error') json(response, { given: seen.headers.authorization }, 403);
  else
    json(response, {
      id: item,
      open: true,
      hidden: 'internal-note',
      list: [{ a: 1, b: 2 }, { a: 3 }],
    });
}

function configFor({ url }: TestTarget): string {
  return `version: 1
organisation: { name: acme }
loops: off
connections:
  api: { kind: http, url: "${url}/base", allowPrivate: true, secret: token, environment: staging }
tools:
  get_item:
    connection: api
    description: one item
    input: { id: { type: string }, view: { type: string, optional: true } }
    http: { method: GET, path: "/items/{id}", query: { view: "{view}", fixed: "1" }, project: [/id, /open] }
  get_raw:
    connection: api
    description: one item as it is
    input: { id: { type: string } }
    http: { method: GET, path: "/items/{id}" }
  get_list:
    connection: api
    description: a part of one item
    input: { id: { type: string } }
    http: { method: GET, path: "/items/{id}", select: "list[?a > \`1\`].{n: a}" }
  get_file:
    connection: api
    description: a file by its path
    input: { path: { type: string } }
    http: { method: GET, path: "/files/{path}", encodeSlashes: true }
  set_note:
    connection: api
    description: write a note
    input: { id: { type: string }, text: { type: string }, tags: { type: array, items: { type: string }, optional: true } }
    http: { method: PUT, path: "/items/{id}/note", body: { note: { text: "{text}", by: "for {id}" }, tags: "{tags}" } }
  drop_draft:
    connection: api
    description: delete a draft
    input: { id: { type: string, pattern: "^[a-z0-9-]{1,20}$" } }
    http: { method: DELETE, path: "/drafts/{id}" }
agents: { ${AGENT}: { owner: dana@acme.example } }
grants:
  - { agent: ${AGENT}, tools: [get_item, get_raw, get_list, get_file, set_note, drop_draft], rung: approve }
`;
}

/** Where each tool may write its argument, and nothing else: method, path before and after. */
const SHAPES: Readonly<Record<string, readonly [method: string, before: string, after: string]>> = {
  get_item: ['GET', '/base/items/', ''],
  get_raw: ['GET', '/base/items/', ''],
  get_list: ['GET', '/base/items/', ''],
  get_file: ['GET', '/base/files/', ''],
  set_note: ['PUT', '/base/items/', '/note'],
  drop_draft: ['DELETE', '/base/drafts/', ''],
};

/** In what a request is another one than its tool makes of these arguments. */
function strange(tool: string, args: JsonObject, seen: Seen): string[] {
  const [method, before, after] = SHAPES[tool] ?? ['', '', ''];
  const [path = '', query = ''] = seen.url.split('?');
  const middle = path.slice(before.length, path.length - after.length);
  const value = String(args.id ?? args.path);
  const pairs = [...new URLSearchParams(query)].map(([name]) => name);
  const odd = Object.keys(seen.headers).filter((name) => !HEADERS.has(name));
  const body: unknown = seen.body === '' ? null : JSON.parse(seen.body);
  return [
    ...(seen.method === method ? [] : [`method ${seen.method}`]),
    ...(path.startsWith(before) && path.endsWith(after) ? [] : [`path ${path}`]),
    ...(middle.includes('/') || decodeURIComponent(middle) !== value ? [`segment ${middle}`] : []),
    ...(pairs.some((name) => name !== 'view' && name !== 'fixed') ||
    new Set(pairs).size < pairs.length
      ? [`query ${query}`]
      : []),
    ...(odd.length === 0 ? [] : [`headers ${odd.join()}`]),
    ...(tool === 'set_note' && !isNote(body, args) ? [`body ${seen.body}`] : []),
  ];
}

const HEADERS = new Set(
  'accept accept-encoding authorization connection content-length content-type host user-agent'.split(
    ' ',
  ),
);

function isNote(body: unknown, { id, text, tags }: JsonObject): boolean {
  const wanted = {
    note: { text, by: `for ${String(id)}` },
    ...(tags === undefined ? {} : { tags }),
  };
  return JSON.stringify(body) === JSON.stringify(wanted);
}

function caseOf(
  { name, tool, args }: HttpCase,
  target: TestTarget,
  inside: TestTarget,
  gateway: Gateway,
): Case {
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const [before, within] = [target.seen.length, inside.seen.length];
      const { whole } = await gateway.call(tool, args);
      const arrived = target.seen.slice(before);
      return [
        ...arrived.flatMap((seen) => strange(tool, args, seen)),
        ...(arrived.length > 1 ? [`${arrived.length} requests`] : []),
        ...inside.seen.slice(within).map(({ url }) => `inside was asked for ${url}`),
        ...(whole.includes(SECRET) || whole.includes(Buffer.from(SECRET).toString('base64'))
          ? ['the credential came out']
          : []),
        ...((tool === 'get_item' || tool === 'get_list') && whole.includes('internal-note')
          ? ['a hidden member came out']
          : []),
      ];
    },
  };
}

function controlOf(
  { name, tool, args, url, result }: HttpControl,
  target: TestTarget,
  gateway: Gateway,
): Control {
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const before = target.seen.length;
      const { said, whole } = await gateway.call(tool, args);
      const [arrived] = target.seen.slice(before);
      if (said.kind !== 'done') return whole;
      if (arrived === undefined || strange(tool, args, arrived).length > 0)
        return `got ${arrived?.url}`;
      if (url !== undefined && arrived.url !== url) return `expected ${url}, got ${arrived.url}`;
      return result === undefined || whole.includes(result) ? null : whole;
    },
  };
}
