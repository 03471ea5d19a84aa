import type { Connection } from './bundle.ts';

/** Neither the organisation’s own nor in a private network: what is sent there has left. */
export function isOutward({ kind, settings }: Connection): boolean {
  const overHttp = kind === 'http' || (kind === 'mcp' && settings.transport === 'http');
  return overHttp && settings.inside !== true && settings.allowPrivate !== true;
}

/** May what is sent to it leave the organisation? Of a program nobody knows where it sends what it is given. */
export function mayLeave(connection: Connection): boolean {
  const { kind, settings } = connection;
  if (kind === 'postgres' || kind === 'sqlite') return false;
  if (kind === 'http' || (kind === 'mcp' && settings.transport === 'http'))
    return isOutward(connection);
  return settings.inside !== true;
}
