import type { Connection } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';

const digests = new WeakMap<Connection, string>();

/** A connection that moved is another one: what was minted for the old target is never used at the new. */
export function keyOf(runId: string, connection: Connection): string {
  let digest = digests.get(connection);
  if (digest === undefined) {
    digest = digestOf('connection', connection);
    digests.set(connection, digest);
  }
  return `${runId}\n${digest}`;
}
