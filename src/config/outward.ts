import type { Connection } from '../domain/bundle.ts';

/** Neither the organisation’s own nor in a private network: what is sent there has left. */
export function isOutward({ kind, settings }: Connection): boolean {
  const overHttp = kind === 'http' || (kind === 'mcp' && settings.transport === 'http');
  return overHttp && settings.inside !== true && settings.allowPrivate !== true;
}
