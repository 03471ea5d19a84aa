import type { Connection } from '../../domain/bundle.ts';

/** The scheme prefix that tells an agent's URIs of one connection from those of others; empty when none is wanted. */
export function uriPrefix({ name, settings }: Connection): string {
  return settings.toolPrefix === '' ? '' : `${name.toLowerCase().replaceAll('_', '-')}+`;
}

/** A server's URI (or URI template) as agents see it. */
export function outwardUri(connection: Connection, uri: string): string {
  return uriPrefix(connection) + uri;
}

/** An agent's URI as its server knows it; one without our prefix is taken as the server's own. */
export function inwardUri(connection: Connection, uri: string): string {
  const prefix = uriPrefix(connection);
  return uri.startsWith(prefix) ? uri.slice(prefix.length) : uri;
}
