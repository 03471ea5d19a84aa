import { landedNotice } from '../../domain/halt.ts';
import type { Beat } from '../../domain/store.ts';
import { type HaltState, IN_FORCE, inForceOf } from './facts.ts';
import { channelOf } from './locks.ts';
import { QUIET } from './raising.ts';
import type { Session } from './session.ts';

/** A replica that said nothing for so long is forgotten. */
const FORGOTTEN_MS = 60 * 60_000;

/*
 * A beat is one round trip on a connection that does not wait for the disk. What is quiet is told by the database's
 * clock alone: those of the replicas are never compared. The time before the server last started is nobody's silence.
 */
const BEAT = {
  name: 'beat',
  text: `WITH mine AS (
      INSERT INTO replicas (id, heard_at, landed) VALUES ($1, clock_timestamp(), $2)
      ON CONFLICT (id) DO UPDATE SET heard_at = excluded.heard_at, landed = excluded.landed),
    forgotten AS (
      DELETE FROM replicas WHERE ${QUIET} > $3 * interval '1 millisecond' AND id <> $1
      RETURNING id),
    told AS MATERIALIZED (SELECT pg_notify($4, $5)::text AS it WHERE $5::text IS NOT NULL)
    SELECT halt, bundle, ${IN_FORCE} AS halts, (SELECT it FROM told) AS told,
      (SELECT json_agg(json_build_object('id', id, 'landed', landed,
        'quietMs', greatest(0, floor(extract(epoch FROM ${QUIET}) * 1000))))
       FROM replicas WHERE id <> $1 AND id NOT IN (SELECT id FROM forgotten)) AS others
    FROM control`,
};
const LEAVE = { name: 'leave', text: 'DELETE FROM replicas WHERE id = $1' };

interface Row extends HaltState {
  readonly others: readonly Beat['replicas'][number][] | null;
}

/** `tells`: something landed since the last beat; who waits for that hears it with the commit and need not ask again. */
export async function beat(
  session: Session,
  { id, landed, tells }: { readonly id: string; readonly landed: number; readonly tells: boolean },
): Promise<Beat> {
  const notice = tells ? landedNotice(id, landed) : null;
  const values = [id, landed, FORGOTTEN_MS, channelOf(session.key), notice];
  const [row] = await session.rows<Row>(BEAT, values);
  if (row === undefined) throw new Error('the store has no control row');
  const others = (row.others ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { ...inForceOf(row), replicas: [{ id, quietMs: 0, landed }, ...others] };
}

export async function leave(session: Session, id: string): Promise<void> {
  await session.run(LEAVE, [id]);
}
