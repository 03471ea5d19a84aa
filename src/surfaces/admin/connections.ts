import type { Connection } from '../../domain/bundle.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { CONFIG_BODY, read } from './body.ts';
import type { AdminDeps, Operator } from './deps.ts';
import { clip } from './desk.ts';
import { changer, visitor } from './guard.ts';
import { html } from './html.ts';
import { alert, documentOf } from './page/layout.ts';
import { shown } from './page/words.ts';

const CALLBACK = '/oauth/callback';
const USER = { user: { most: 128, optional: true } } as const;
const FILE = {
  ...USER,
  text: { most: 1_048_576, optional: true },
  path: { most: 1_000, optional: true },
} as const;

/** How connections stand with their servers, and the part of OAuth that needs a human. */
export function connectionRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/connections',
      async handle(exchange) {
        await visitor(deps, exchange);
        const { connections } = await deps.broker.bundles.active();
        const views = Object.values(connections).map((connection) => viewOf(deps, connection));
        exchange.reply(200, { connections: await Promise.all(views) });
      },
    },
    {
      method: 'POST',
      path: '/api/connections/{name}/authorize',
      handle: (exchange) => authorize(deps, exchange),
    },
    {
      method: 'POST',
      path: '/api/connections/{name}/forget',
      async handle(exchange) {
        const { operator } = await changer(deps, exchange);
        ownersOnly(operator, 'forget');
        const { user } = read(await exchange.json(), USER);
        const { name } = exchange.params;
        const connection = await configured(deps, name ?? '');
        const done = await deps.authorizations.forget(connection, operator.name, user || null);
        exchange.reply(200, { connection: connection.name, ...done });
      },
    },
    { method: 'GET', path: CALLBACK, handle: (exchange) => callback(deps, exchange) },
  ];
}

async function viewOf(deps: AdminDeps, connection: Connection): Promise<JsonObject> {
  const { name, kind, environment, issuer = null } = connection;
  const standing = await deps.authorizations.standing(connection);
  const authorization = standing === null ? null : { ...standing };
  return { name, kind, environment, issuer, authorization } as JsonObject;
}

/** With a file it is the connection as the file would have it: a server must be asked before it can be planned with. */
async function authorize(deps: AdminDeps, exchange: Exchange): Promise<void> {
  const { operator } = await changer(deps, exchange);
  ownersOnly(operator, 'authorize');
  const { text, path, user } = read(await exchange.json(CONFIG_BODY), FILE);
  const name = exchange.params.name ?? '';
  const connection =
    text === '' ? await configured(deps, name) : declared(deps, name, { text, path });
  const redirect = `${deps.tls ? 'https' : 'http'}://${exchange.request.headers.host}${CALLBACK}`;
  const opening = await deps.authorizations.authorize(
    connection,
    redirect,
    operator.name,
    user || null,
  );
  exchange.reply(200, { connection: name, opening: opening === null ? null : { ...opening } });
}

/**
 * What an authorization server sends the browser back with. No session comes along from another site; the single-use
 * `state` says whose answer it is.
 */
async function callback(deps: AdminDeps, exchange: Exchange): Promise<void> {
  if (exchange.request.method !== 'GET')
    throw new SignalboxError('METHOD_REFUSED', 'an answer is taken by GET only');
  try {
    const { connection, grant } = await deps.authorizations.complete(exchange.url.searchParams);
    const scopes = grant.scopes.length === 0 ? 'none named' : grant.scopes.join(' ');
    const main = html`<h1>Connection authorized</h1>
<div class="card"><p><code>${shown(connection)}</code> is authorized at <code>${shown(grant.issuer)}</code>.
Scopes: <code>${shown(scopes)}</code>. You can close this page.</p></div>`;
    exchange.html(200, documentOf({ title: 'Authorized', visitor: null, main }));
  } catch (fault) {
    const error = exposed(fault);
    if (error.code === 'INTERNAL') throw fault;
    const main = html`<h1>Not authorized</h1>${alert(shown(`${error.message}. ${error.help}.`))}`;
    exchange.html(error.status, documentOf({ title: 'Not authorized', visitor: null, main }));
  }
}

async function configured(deps: AdminDeps, name: string): Promise<Connection> {
  const { connections } = await deps.broker.bundles.active();
  return found(connections, name, 'the active bundle');
}

function declared(
  deps: AdminDeps,
  name: string,
  file: { readonly text: string; readonly path: string },
): Connection {
  return found(deps.declared(file.text, file.path), name, 'the file');
}

function found(
  connections: { readonly [name: string]: Connection },
  name: string,
  where: string,
): Connection {
  const connection = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (connection?.issuer === 'oauth') return connection;
  const why = connection === undefined ? `is not in ${where}` : 'has no `oauth`';
  throw new SignalboxError('NOT_FOUND', `connection \`${clip(name)}\` ${why}`, {
    help: '`signalbox connection authorize NAME FILE` takes it from a file that is not applied yet',
  });
}

function ownersOnly(by: Operator, deed: string): void {
  if (by.role !== 'owner')
    throw new SignalboxError(
      'OWNER_NEEDED',
      `\`${by.name}\` is an operator, only an owner can ${deed} connections`,
    );
}
