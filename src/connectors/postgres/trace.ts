import type { Connection } from '../../domain/bundle.ts';
import type { ProbeAnswer } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { PostgresAdmin } from './admin.ts';
import type { Prepared } from './exchange.ts';

/** Which history of which cluster a transaction id belongs to: a restored or failed-over one may give it again. */
export const CLUSTER: Prepared = {
  name: 'sbx_cluster',
  text: `SELECT s.system_identifier::text || '/' || c.timeline_id
         FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c`,
};

export interface Trace {
  readonly xid: string;
  readonly cluster: string;
  readonly database: string;
}

export function toJson(trace: Trace): JsonObject {
  return { ...trace };
}

function traceOf(json: JsonObject): Trace | null {
  const { xid, cluster, database } = json;
  if (typeof xid !== 'string' || typeof cluster !== 'string' || typeof database !== 'string')
    return null;
  return /^\d{1,20}$/.test(xid) ? { xid, cluster, database } : null;
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
    const { rows } = await client.query<{ cluster: string; database: string }>(
      `SELECT cluster.said AS cluster, current_database() AS database
       FROM (${CLUSTER.text}) AS cluster(said)`,
    );
    const [here] = rows;
    if (here?.cluster !== trace.cluster || here.database !== trace.database) return 'unknown';
    const status = await client.query<{ status: string | null }>(
      'SELECT pg_xact_status($1::text::xid8) AS status',
      [trace.xid],
    );
    return ANSWERS[status.rows[0]?.status ?? ''] ?? 'unknown';
  });
}

const ANSWERS: { readonly [status: string]: ProbeAnswer } = {
  committed: 'done',
  aborted: 'failed',
  'in progress': 'running',
};
