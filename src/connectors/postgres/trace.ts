import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import type { ProbeAnswer } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AdminClient, PostgresAdmin } from './admin.ts';
import type { Prepared } from './exchange.ts';

/**
 * Which history a transaction id belongs to. `cluster`: system and timeline, which a restore or failover changes.
 * `incarnation`: the server resets these statistics when it recovers from a crash. An id whose transaction was not
 * yet on disk is then given out again, so that a commit seen under it may be somebody else's.
 */
export const HISTORY: Prepared = {
  name: 'sbx_history',
  text: `SELECT s.system_identifier::text || '/' || c.timeline_id,
           pg_catalog.pg_stat_get_bgwriter_stat_reset_time()::text
         FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c`,
};

export interface History {
  readonly cluster: string;
  readonly incarnation: string;
}

export interface Trace extends History {
  readonly xid: string;
  readonly database: string;
}

export function toJson(trace: Trace): JsonObject {
  return { ...trace };
}

function traceOf(json: JsonObject): Trace | null {
  const { xid, cluster, database, incarnation } = json;
  if (typeof xid !== 'string' || typeof cluster !== 'string') return null;
  if (typeof database !== 'string' || typeof incarnation !== 'string') return null;
  return /^\d{1,20}$/.test(xid) ? { xid, cluster, database, incarnation } : null;
}

/** Asks the target what became of a transaction. `unknown` when it cannot tell for certain. */
export async function fateOf(
  admin: PostgresAdmin,
  connection: Connection,
  json: JsonObject,
): Promise<ProbeAnswer> {
  const trace = traceOf(json);
  if (trace === null) return 'unknown';
  return await admin.with(connection, async (client) => {
    const { rows } = await client.query<History & { database: string }>(
      `SELECT h.cluster, h.incarnation, current_database() AS database
       FROM (${HISTORY.text}) AS h(cluster, incarnation)`,
    );
    const [here] = rows;
    if (here?.cluster !== trace.cluster || here.database !== trace.database) return 'unknown';
    const answer = ANSWERS[(await statusOf(client, trace.xid)) ?? ''] ?? 'unknown';
    const crashed = here.incarnation !== trace.incarnation;
    return answer === 'done' && crashed ? 'unknown' : answer;
  });
}

/** Null when the server no longer, or not yet, knows this id. */
async function statusOf(client: AdminClient, xid: string): Promise<string | null> {
  try {
    const { rows } = await client.query<{ status: string | null }>(
      'SELECT pg_xact_status($1::text::xid8) AS status',
      [xid],
    );
    return rows[0]?.status ?? null;
  } catch (error) {
    // `transaction ID … is in the future`: a history that this server has lost.
    if (error instanceof pg.DatabaseError && error.code === '22023') return null;
    throw error;
  }
}

const ANSWERS: { readonly [status: string]: ProbeAnswer } = {
  committed: 'done',
  aborted: 'failed',
  'in progress': 'running',
};
