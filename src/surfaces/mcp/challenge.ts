import type { IncomingMessage } from 'node:http';
import type { SignalboxError } from '../../domain/errors.ts';
import type { Route } from '../http/listener.ts';
import { originOf } from '../http/origin.ts';

const METADATA = '/.well-known/oauth-protected-resource';

/** RFC 9728: what this resource is and how a token is presented. Root form and path form say the same. */
export function metadataRoutes(): readonly Route[] {
  return [METADATA, `${METADATA}/mcp`].map((path) => ({
    method: 'GET',
    path,
    handle: async (exchange) =>
      exchange.reply(200, {
        resource: `${originOf(exchange.request)}/mcp`,
        resource_name: 'Signalbox',
        bearer_methods_supported: ['header'],
      }),
  }));
}

/** Headers that go with a refusal: where to learn about tokens (401, 403), when to come back (429). */
export function refusalHeaders(
  request: IncomingMessage,
  { code, status }: SignalboxError,
): Record<string, string> {
  if (status === 429) return { 'retry-after': '1' };
  if (status !== 401 && status !== 403) return {};
  const metadata = `${originOf(request)}${METADATA}/mcp`;
  const why = status === 401 && code !== 'TOKEN_MISSING' ? ', error="invalid_token"' : '';
  return { 'www-authenticate': `Bearer resource_metadata="${metadata}"${why}` };
}
