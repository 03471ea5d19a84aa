import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { AskRef } from '../../ledger/record.ts';
import type { LeaseRow } from '../owned.ts';
import type { LiveRow } from '../tree.ts';
import type { StoredKey } from './chains.ts';
import type { Statement } from './session.ts';

/** Of a lease that is not known to be over. */
export const ALIVE = `state IN ('minting', 'live', 'revoking')`;

/** How long a replica said nothing; the time before the server last started is nobody's silence. */
export const QUIET = 'clock_timestamp() - greatest(heard_at, pg_postmaster_start_time())';

/** What came of raising a halt; null where there is none. */
export interface Raised {
  readonly epoch: number;
  readonly asks: readonly AskRef[] | null;
  readonly tokens: readonly { readonly hash: string; readonly subject: string }[] | null;
  readonly heads: readonly {
    readonly chain: string;
    readonly seq: number;
    readonly hash: string;
  }[];
  readonly keys: readonly StoredKey[] | null;
  readonly live: readonly LiveRow[] | null;
  readonly leases: readonly LeaseRow[] | null;
  readonly ended: readonly LiveRow[] | null;
}

/** Live runs whose tokens a halt of such a scope ends, those above them being part of each; none where only some calls stop. */
function stopped(kind: string): string {
  const above = (member: string): string =>
    `EXISTS (SELECT FROM json_array_elements(acts_for::json) AS above WHERE above->>'${member}' = $1)`;
  switch (kind) {
    case 'all':
      return '$1::text IS NOT NULL';
    case 'run':
      return `id = $1 OR ${above('run')}`;
    case 'agent':
      return `agent = $1 OR ${above('agent')}`;
    default:
      return '$1::text IS NULL';
  }
}

function asked(kind: string): string {
  if (kind === 'tool' || kind === 'connection') return `${kind} = $1`;
  return 'run_id IN (SELECT id FROM under)';
}

const known = new Map<string, Statement>();

/**
 * Raises a halt, ends in its scope what the same transaction ends, and reads what its records and its reach need. Sound only
 * behind the gate alone: it looks and changes in one snapshot. Values: name, scope, reason, by, at.
 */
export function raising(kind: string): Statement {
  const statement = known.get(kind) ?? { name: `raise-${kind}`, text: textOf(kind) };
  known.set(kind, statement);
  return statement;
}

const LEASE = `id, run_id, agent, connection, issuer, handle, revocability, state, minted_at,
      expires_at, replica`;

function textOf(kind: string): string {
  return `WITH live AS MATERIALIZED (
      SELECT id, agent, parent, acts_for FROM runs WHERE state = 'live'),
    under AS MATERIALIZED (SELECT id FROM live WHERE ${stopped(kind)}),
    numbered AS (UPDATE control SET halt = halt + 1 WHERE id = 1 RETURNING halt),
    raised AS (INSERT INTO halts (epoch, scope, reason, raised_by, at, state)
      SELECT halt, $2, $3, $4, $5, 'gated' FROM numbered),
    asks AS (UPDATE approvals SET state = 'void'
      WHERE state IN ('pending', 'approved') AND ${asked(kind)} RETURNING id, action_id, run_id),
    revoked AS (UPDATE tokens SET revoked = 1
      WHERE kind = 'run' AND revoked = 0 AND subject IN (SELECT id FROM under)
      RETURNING hash, subject),
    leased AS MATERIALIZED (SELECT ${LEASE} FROM leases WHERE ${ALIVE}),
    touched AS MATERIALIZED (SELECT id FROM under UNION SELECT run_id FROM asks
      UNION SELECT '${SYSTEM_CHAIN}')
    SELECT halt AS epoch,
      (SELECT json_agg(json_build_object('approvalId', id, 'actionId', action_id, 'runId', run_id))
        FROM asks) AS asks,
      (SELECT json_agg(revoked) FROM revoked) AS tokens,
      (SELECT json_agg(json_build_object('chain', chain, 'seq', seq, 'hash', hash)) FROM chain_heads
        WHERE chain IN (SELECT id FROM touched)) AS heads,
      (SELECT json_agg(json_build_object('chain', chain, 'wrapped', encode(wrapped, 'hex')))
        FROM chain_keys WHERE chain IN (SELECT id FROM touched)) AS keys,
      (SELECT json_agg(live ORDER BY id) FROM live) AS live,
      (SELECT json_agg(leased ORDER BY id) FROM leased) AS leases,
      (SELECT json_agg(json_build_object('id', id, 'agent', agent, 'parent', parent,
          'acts_for', acts_for) ORDER BY id)
        FROM runs WHERE state <> 'live' AND id IN (SELECT run_id FROM leased)) AS ended
    FROM numbered`;
}
