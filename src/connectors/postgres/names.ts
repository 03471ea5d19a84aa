import type { Connection } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import { targetOf } from './login.ts';

/** Roles are of the whole server, so a name says the database and the broker too. 63 bytes at most. */
const GRANT_PREFIX = 'sbx_grant_';

/** The stable NOLOGIN role that holds what one agent's tools need at one connection. */
export function grantRole(agent: string, connection: Connection): string {
  const { database, user } = targetOf(connection);
  const hash = digestOf('grant-role', { agent, connection: connection.name, database, user });
  const readable = agent
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, 20);
  return `${GRANT_PREFIX}${readable}_${hash.slice(0, 16)}`;
}

/** Kept as the comment of a grant role, to find those whose agent is gone. */
export function grantComment(agent: string, connection: Connection): string {
  const { database, user } = targetOf(connection);
  return `signalbox grants of ${agent} at ${connection.name} (${database} by ${user})`;
}

/** The ending all grant roles of a connection share in their comments. */
export function grantCommentEnding(connection: Connection): string {
  return grantComment('', connection).slice('signalbox grants of '.length);
}

/** The comment of a login that holds itself what its grant role holds (servers before 16). */
export function loginComment(grants: string): string {
  return `signalbox login of ${grants}`;
}
