import {
  type AuthorizationServer,
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretPost,
  customFetch,
  dynamicClientRegistrationRequest,
  None,
} from 'oauth4webapi';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Outward } from '../outward.ts';
import { clip, failed } from './discovery.ts';
import type { OAuthSettings } from './settings.ts';

/** What we are to one authorization server. Sealed with the tokens: `secret` is one. */
export interface Registered {
  readonly id: string;
  readonly secret: string | null;
  readonly method: AuthMethod;
  readonly by: 'configuration' | 'metadata-document' | 'registration';
  /** The redirect it was registered with; null when it has none. */
  readonly redirect: string | null;
}

const METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
type AuthMethod = (typeof METHODS)[number];

/** Every request of the library goes out this way; what may be reached is decided there, http included. */
export function through(outward: Outward): {
  [customFetch]: (url: string, options: Parameters<Outward['send']>[1]) => Promise<Response>;
  [allowInsecureRequests]: boolean;
} {
  return {
    [customFetch]: (url, options) => outward.send(url, options),
    [allowInsecureRequests]: true,
  };
}

interface Request {
  readonly outward: Outward;
  readonly as: AuthorizationServer;
  readonly settings: OAuthSettings;
  /** The value of the configured client secret. */
  readonly secret: string | null;
  /** Null for a grant without human. */
  readonly redirect: string | null;
  readonly scopes: readonly string[];
}

/**
 * Who we are to this server: the configured client, else our metadata document's URL where the server takes one, else a
 * client registered now. Throws AUTHORIZATION_FAILED.
 */
export async function registerAt(request: Request): Promise<Registered> {
  const { as, settings, secret, redirect } = request;
  if (settings.clientId !== null)
    return {
      id: settings.clientId,
      secret,
      method: methodOf(as, secret !== null),
      by: 'configuration',
      redirect,
    };
  const document = settings.clientMetadataUrl;
  if (document !== null && as.client_id_metadata_document_supported === true)
    return { id: document, secret: null, method: 'none', by: 'metadata-document', redirect };
  if (as.registration_endpoint === undefined)
    throw failed(
      `\`${clip(as.issuer)}\` registers no clients by itself; set \`oauth.clientId\` (and \`clientSecret\`) of a client made there`,
    );
  return registerNow(request);
}

async function registerNow({ outward, as, redirect, scopes }: Request): Promise<Registered> {
  const wanted = methodOf(as, true);
  const answer = await dynamicClientRegistrationRequest(
    as,
    {
      client_name: 'Signalbox',
      application_type: isOwnMachine(redirect) ? 'native' : 'web',
      ...(redirect === null ? {} : { redirect_uris: [redirect], response_types: ['code'] }),
      grant_types:
        redirect === null ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: wanted,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    },
    through(outward),
  );
  const body: unknown = await answer.json().catch(() => null);
  if (!isJsonObject(body) || typeof body.client_id !== 'string' || answer.status >= 300)
    throw failed(
      `\`${clip(as.issuer)}\` refused to register a client (status ${answer.status}${errorIn(body)})`,
    );
  const secret = typeof body.client_secret === 'string' ? body.client_secret : null;
  const given = METHODS.find((method) => method === body.token_endpoint_auth_method) ?? wanted;
  const method = secret === null ? 'none' : given;
  return { id: body.client_id, secret, method, by: 'registration', redirect };
}

/** The strongest that both sides can do; RFC 8414 says what silence means. */
function methodOf(as: AuthorizationServer, hasSecret: boolean): AuthMethod {
  const offered = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic', 'none'];
  const usable = METHODS.filter((method) => method === 'none' || hasSecret);
  const found = usable.find((method) => offered.includes(method));
  if (found !== undefined) return found;
  if (!hasSecret) return 'none';
  throw failed(
    `\`${clip(as.issuer)}\` wants clients to prove themselves by ${clip(offered.join(', '))}; known here are ${METHODS.join(', ')}`,
  );
}

export function proofOf({ method, secret, id }: Registered): ClientAuth {
  if (secret === null || method === 'none') return None();
  if (method === 'client_secret_post') return ClientSecretPost(secret);
  // the library escapes more than many servers read; the same text in fewer escapes is as valid
  const pair = [id, secret].map((part) => encodeURIComponent(part).replaceAll('%20', '+'));
  const basic = `Basic ${Buffer.from(pair.join(':')).toString('base64')}`;
  return (_as, _client, _body, headers) => headers.set('authorization', basic);
}

function isOwnMachine(redirect: string | null): boolean {
  const host = redirect === null ? '' : (URL.parse(redirect)?.hostname ?? '');
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

function errorIn(body: unknown): string {
  const error = isJsonObject(body) ? (body as JsonObject).error : undefined;
  return typeof error === 'string' ? `, \`${clip(error)}\`` : '';
}
