import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real authorization server and an MCP endpoint that it guards, small and strict. What it saw is kept. */
export interface Authority {
  readonly origin: string;
  readonly server: string;
  readonly seen: {
    readonly method: string;
    readonly path: string;
    readonly body: string;
    readonly auth: string | null;
  }[];
  readonly options: AuthorityOptions;
  /** Tokens that the resource takes now, with their scopes. */
  readonly live: Map<string, readonly string[]>;
  /** Refresh tokens that work, with their scopes. */
  readonly refresh: Map<string, string>;
  count(path: string): number;
  /** What a browser would do with the URL: the callback it is sent to. */
  consent(url: string): Promise<URL>;
  close(): Promise<void>;
}

export interface AuthorityOptions {
  /** Changes to the authorization server metadata; null takes a member out. */
  metadata?: { readonly [name: string]: unknown };
  /** Changes to the protected resource metadata; `false`: there is none. */
  resource?: { readonly [name: string]: unknown } | false;
  /** The authorization server that the resource names, when it is not this one. */
  issuer?: string;
  /** Says where the metadata is with the challenge. */
  named?: boolean;
  scope?: string;
  refresh?: boolean;
  expiresIn?: number;
  /** An access token given ends all earlier ones. */
  onlyNewest?: boolean;
  /** Ending an access token ends every refresh token. */
  coarse?: boolean;
  /** `iss` of the answer; null leaves it out. */
  iss?: string | null;
  method?: 'client_secret_basic' | 'client_secret_post' | 'none';
  /** Scopes that the resource wants of every token. */
  wants?: readonly string[];
  /** The resource goes on taking tokens that were revoked. */
  ignoresRevocation?: boolean;
  /** The token endpoint goes on taking refresh tokens that were revoked. */
  keepsRefresh?: boolean;
  /** There is an introspection endpoint, which knows what was revoked. */
  introspects?: boolean;
  /** Answers every request of a token with this error. */
  tokenError?: (sent: string) => string;
  /** Asked before a request is answered; a number is answered instead. */
  before?: (path: string) => Promise<number | null>;
}

const SECRET = 'a-client-secret-of-the-test';

export async function openAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const authority: Authority = {
    origin,
    server: `${origin}/mcp`,
    seen: [],
    options,
    live: new Map(),
    refresh: new Map(),
    count: (path) => authority.seen.filter((one) => one.path === path).length,
    async consent(url) {
      const answer = await fetch(url, { redirect: 'manual' });
      return new URL(answer.headers.get('location') ?? 'http://nowhere.invalid');
    },
    close: () => closed(http),
  };
  const desk = new Desk(authority);
  http.on('request', (request, response) => {
    void desk.answer(request, response);
  });
  return authority;
}

async function closed(http: Server): Promise<void> {
  http.closeAllConnections();
  http.close();
  await once(http, 'close');
}

class Desk {
  readonly #authority: Authority;
  readonly #codes = new Map<string, { challenge: string; scope: string; redirect: string }>();
  readonly #revoked = new Set<string>();
  #serial = 0;

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url ?? '/', this.#authority.origin);
    const auth = request.headers.authorization ?? null;
    const path = url.pathname;
    this.#authority.seen.push({ method: request.method ?? '', path, body, auth });
    const form = new URLSearchParams(body);
    const instead = (await this.#authority.options.before?.(path)) ?? null;
    if (instead !== null) return void response.writeHead(instead).end();
    if (path === '/mcp') return this.#resource(auth, response);
    if (path.startsWith('/.well-known/oauth-protected-resource')) return this.#metadata(response);
    if (path === '/.well-known/oauth-authorization-server') return this.#server(response);
    if (path === '/register') return this.#register(body, response);
    if (path === '/authorize') return this.#authorize(url.searchParams, response);
    if (path === '/token') return this.#token(form, auth, response);
    if (path === '/revoke') return this.#revoke(form, response);
    if (path === '/introspect')
      return json(response, 200, { active: !this.#revoked.has(form.get('token') ?? '') });
    response.writeHead(404).end();
  }

  #resource(auth: string | null, response: ServerResponse): void {
    const { options, origin, live } = this.#authority;
    const token = auth?.replace(/^Bearer /, '') ?? '';
    const scopes = live.get(token);
    const named =
      options.named === false
        ? ''
        : `, resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
    const scope = options.scope === undefined ? '' : `, scope="${options.scope}"`;
    if (scopes === undefined) {
      const challenge = `Bearer realm="test"${named}${scope}`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    } else if ((options.wants ?? []).some((wanted) => !scopes.includes(wanted))) {
      const challenge = `Bearer error="insufficient_scope", scope="${options.wants?.join(' ')}"`;
      response.writeHead(403, { 'www-authenticate': challenge }).end();
    } else json(response, 200, { jsonrpc: '2.0', id: 'signalbox-probe', result: {} });
  }

  #metadata(response: ServerResponse): void {
    const { options, origin, server } = this.#authority;
    if (options.resource === false) response.writeHead(404).end();
    else
      json(response, 200, {
        resource: server,
        authorization_servers: [options.issuer ?? origin],
        ...options.resource,
      });
  }

  #server(response: ServerResponse): void {
    const { options, origin } = this.#authority;
    const metadata = {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      revocation_endpoint: `${origin}/revoke`,
      ...(options.introspects === true ? { introspection_endpoint: `${origin}/introspect` } : {}),
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: [options.method ?? 'client_secret_basic'],
      authorization_response_iss_parameter_supported: true,
      ...options.metadata,
    };
    const entries = Object.entries(metadata).filter(([, value]) => value !== null);
    json(response, 200, Object.fromEntries(entries));
  }

  #register(body: string, response: ServerResponse): void {
    const method = this.#authority.options.method ?? 'client_secret_basic';
    json(response, 201, {
      ...JSON.parse(body),
      client_id: `client-${++this.#serial}`,
      token_endpoint_auth_method: method,
      ...(method === 'none' ? {} : { client_secret: SECRET }),
    });
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const { options, origin } = this.#authority;
    const code = `code-${++this.#serial}`;
    const redirect = query.get('redirect_uri') ?? '';
    this.#codes.set(code, {
      challenge: query.get('code_challenge') ?? '',
      scope: query.get('scope') ?? '',
      redirect,
    });
    const back = new URL(redirect);
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    if (options.iss !== null) back.searchParams.set('iss', options.iss ?? origin);
    response.writeHead(302, { location: back.href }).end();
  }

  #token(form: URLSearchParams, auth: string | null, response: ServerResponse): void {
    const { tokenError } = this.#authority.options;
    const method = this.#authority.options.method ?? 'client_secret_basic';
    const proof =
      method === 'none' ||
      (method === 'client_secret_basic' && auth?.startsWith('Basic ') === true) ||
      (method === 'client_secret_post' && form.get('client_secret') === SECRET);
    const aimed = form.get('resource') !== null;
    const instead = tokenError?.(auth ?? form.toString());
    const scope = instead === undefined && proof && aimed ? this.#scopeOf(form) : null;
    if (instead !== undefined) json(response, 400, { error: instead });
    else if (!proof) json(response, 401, { error: 'invalid_client' });
    else if (!aimed) json(response, 400, { error: 'invalid_target' });
    else if (scope === null) json(response, 400, { error: 'invalid_grant' });
    else this.#give(scope, form.get('grant_type') !== 'client_credentials', response);
  }

  /** The scope of what was shown, used up by that; null when it is worth nothing. */
  #scopeOf(form: URLSearchParams): string | null {
    const kind = form.get('grant_type');
    if (kind === 'client_credentials') return form.get('scope') ?? '';
    if (kind === 'refresh_token') {
      const refresh = form.get('refresh_token') ?? '';
      const scope = this.#authority.refresh.get(refresh) ?? null;
      this.#authority.refresh.delete(refresh);
      return scope;
    }
    const code = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const fits = code?.challenge === challenge && code.redirect === form.get('redirect_uri');
    return fits ? code.scope : null;
  }

  #give(scope: string, renews: boolean, response: ServerResponse): void {
    const { options, live } = this.#authority;
    if (options.onlyNewest === true) live.clear();
    const access = `access-token-of-the-test-${++this.#serial}`;
    live.set(access, scope.split(' '));
    const refresh = `refresh-token-of-the-test-${++this.#serial}`;
    const given = options.refresh !== false && renews;
    if (given) this.#authority.refresh.set(refresh, scope);
    json(response, 200, {
      access_token: access,
      token_type: 'Bearer',
      ...(options.expiresIn === undefined ? {} : { expires_in: options.expiresIn }),
      ...(scope === '' ? {} : { scope }),
      ...(given ? { refresh_token: refresh } : {}),
    });
  }

  #revoke(form: URLSearchParams, response: ServerResponse): void {
    const token = form.get('token') ?? '';
    this.#revoked.add(token);
    if (this.#authority.options.ignoresRevocation !== true) this.#authority.live.delete(token);
    if (this.#authority.options.keepsRefresh !== true) this.#authority.refresh.delete(token);
    if (this.#authority.options.coarse === true) this.#authority.refresh.clear();
    response.writeHead(200).end();
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
